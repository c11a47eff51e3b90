//! One step played by this library, through its public interface.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cni::cni::{Event, GcArgs, GcAttachment, Observer};
use cni::context::TraceContext;
use cni::exec::process::ProcessExec;
use cni::{
    AttachmentFilter, CacheDir, Cni, CniOptions, CniResult, Context, ContextOptions, Error,
    NetworkConfigList, PluginConfig, Result, RuntimeConf, conf,
};
use serde_json::value::RawValue;

use super::case::{Case, Form, Op, Runtime, Source, Step};
use super::json::Json;
use super::play::{Answer, Failure};
use super::world::World;

pub fn answer(case: &Case, step: &Step, world: &World) -> Answer {
    let stderr = Arc::new(Mutex::new(String::new()));
    let cni = cni(case, step, world, &stderr);
    let outcome = catch_unwind(AssertUnwindSafe(|| call(&cni, step, world)));
    let mut answer = Answer { value: Json::Null, error: None, panic: None, stderr: String::new() };
    match outcome {
        Ok(Ok(text)) => answer.value = Json::parse(text.as_bytes()).expect("ours is JSON"),
        Ok(Err(Failed { error, loading })) => answer.error = Some(failure(&error, loading)),
        Err(reason) => {
            let text = reason.downcast_ref::<String>().cloned();
            answer.panic = Some(text.unwrap_or_else(|| "a panic".to_owned()));
        }
    }
    answer.stderr.clone_from(&stderr.lock().expect("no panic holds it"));
    answer
}

/// Options as the original behaves.
fn cni(case: &Case, step: &Step, world: &World, stderr: &Arc<Mutex<String>>) -> Cni {
    let options = CniOptions {
        plugin_dirs: case.dirs.iter().map(|dir| world.path(dir)).collect(),
        cache_dir: match step.cache_dir.as_str() {
            "" => CacheDir::Default,
            dir => CacheDir::At(world.path(dir)),
        },
        preflight: false,
        locking: case.locking,
        durable: false,
        ..CniOptions::default()
    };
    Cni::with_observer(options, ProcessExec::default(), Stderr(Arc::clone(stderr)))
}

/// Keeps what the original copies to its own stderr.
struct Stderr(Arc<Mutex<String>>);

impl Observer for Stderr {
    fn on_event(&self, _: &Context, event: &Event<'_>) {
        let Event::End { end, .. } = event else { return };
        if end.exit_code == Some(0) {
            self.0.lock().expect("no panic holds it").push_str(end.stderr.as_deref().unwrap_or_default());
        }
    }
}

struct Failed {
    error: Error,
    loading: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed { error, loading: false }
    }
}

fn failure(error: &Error, loading: bool) -> Failure {
    let facts = error.facts();
    Failure {
        text: error.message().to_owned(),
        loading,
        code: facts.code.into(),
        msg: facts.msg.clone().unwrap_or_default(),
        details: facts.details.clone().unwrap_or_default(),
        status: error.status().name(),
        causes: facts.causes.len(),
    }
}

enum Loaded {
    List(NetworkConfigList),
    Single(PluginConfig),
}

fn load(source: &Source, world: &World) -> Result<Loaded> {
    let path = world.optional(&source.path);
    let bytes = &source.bytes.0;
    match source.form {
        Form::List => conf::network_conf_from_bytes(bytes).map(Loaded::List),
        Form::Single => conf::plugin_conf_from_bytes(bytes).map(Loaded::Single),
        Form::Wrapped => conf::plugin_conf_from_bytes(bytes)
            .and_then(|conf| conf::conf_list_from_conf(&conf))
            .map(Loaded::List),
        Form::File => conf::network_conf_from_file(&path).map(Loaded::List),
        Form::Dir => conf::load_network_conf(&path, &source.name).map(Loaded::List),
    }
}

fn call(cni: &Cni, step: &Step, world: &World) -> std::result::Result<String, Failed> {
    let ctx = context(step)?;
    let bytes = &step.source.bytes.0;
    match step.op {
        Op::Version => return Ok(to_text(&cni.get_version_info(&ctx, &step.plugin)?)),
        Op::Attachments => {
            let container_id = Some(step.container.clone()).filter(|id| !id.is_empty());
            let filter = AttachmentFilter { container_id, ..AttachmentFilter::default() };
            let attachments = cni.get_cached_attachments(&filter)?;
            let shapes: Vec<_> = attachments
                .iter()
                .map(|a| {
                    let rt = RuntimeConf {
                        container_id: a.key.container_id.clone(),
                        netns: a.netns.clone(),
                        if_name: a.key.if_name.clone(),
                        args: a.args.clone(),
                        capability_args: a.capability_args.clone(),
                        ..RuntimeConf::default()
                    };
                    attachment(&rt, &a.key.network_name, &a.config)
                })
                .collect();
            return Ok(format!("[{}]", shapes.join(",")));
        }
        Op::ConfFiles => {
            let files = conf::conf_files(&world.optional(&step.source.path), &step.extensions)?;
            return Ok(to_text(&files));
        }
        Op::Inject => {
            let text = super::json::lossy(bytes);
            return Ok(plugin(&conf::inject_conf(&text, &step.values)?));
        }
        Op::Convert => {
            let text = super::json::lossy(bytes);
            return Ok(CniResult::from_json(&text)?.convert(&step.version)?.to_json());
        }
        _ => {}
    }
    let loaded = load(&step.source, world).map_err(|error| Failed { error, loading: true })?;
    let rt = runtime(&step.rt, world);
    Ok(match loaded {
        Loaded::List(list) => on_list(cni, &ctx, step, &list, &rt)?,
        Loaded::Single(conf) => on_single(cni, &ctx, step, &conf, &rt)?,
    })
}

fn on_list(
    cni: &Cni,
    ctx: &Context,
    step: &Step,
    list: &NetworkConfigList,
    rt: &RuntimeConf,
) -> Result<String> {
    let nothing = |()| "null".to_owned();
    Ok(match step.op {
        Op::Load => describe(list),
        Op::Add => cni.add_network_list(ctx, list, rt)?.to_json(),
        Op::Check => cni.check_network_list(ctx, list, rt).map(nothing)?,
        Op::Del => cni.del_network_list(ctx, list, rt).map(nothing)?,
        Op::CachedResult => result_or_null(cni.get_network_list_cached_result(list, rt)?),
        Op::CachedConfig => cni
            .get_network_list_cached_config(list, rt)?
            .map_or("null".to_owned(), |cached| attachment(&cached.runtime_conf, "", &cached.config)),
        Op::Validate => to_text(&cni.validate_network_list(ctx, list)?),
        Op::Status => cni.get_status_network_list(ctx, list).map(nothing)?,
        Op::Gc => cni.gc_network_list(ctx, list, &gc_args(step)).map(nothing)?,
        other => panic!("not an operation on a list: {other:?}"),
    })
}

fn on_single(cni: &Cni, ctx: &Context, step: &Step, conf: &PluginConfig, rt: &RuntimeConf) -> Result<String> {
    let nothing = |()| "null".to_owned();
    Ok(match step.op {
        Op::Load => plugin(conf),
        Op::Add => cni.add_network(ctx, conf, rt)?.to_json(),
        Op::Check => cni.check_network(ctx, conf, rt).map(nothing)?,
        Op::Del => cni.del_network(ctx, conf, rt).map(nothing)?,
        Op::CachedResult => result_or_null(cni.get_network_cached_result(conf, rt)?),
        Op::CachedConfig => cni
            .get_network_cached_config(conf, rt)?
            .map_or("null".to_owned(), |cached| attachment(&cached.runtime_conf, "", &cached.config)),
        Op::Validate => to_text(&cni.validate_network(ctx, conf)?),
        other => panic!("not an operation on one plugin: {other:?}"),
    })
}

fn context(step: &Step) -> Result<Context> {
    let Some(trace) = &step.trace else { return Ok(Context::background()) };
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let mut options = ContextOptions::default();
    // The options have private members, so there is no literal of them.
    options.trace.clone_from(&TraceContext {
        traceparent: some(&trace.traceparent),
        tracestate: some(&trace.tracestate),
        baggage: some(&trace.baggage),
    });
    Context::new(options)
}

fn runtime(rt: &Runtime, world: &World) -> RuntimeConf {
    RuntimeConf {
        container_id: rt.container_id.clone(),
        netns: rt.netns.clone(),
        if_name: rt.if_name.clone(),
        args: rt.cni_args.clone(),
        capability_args: rt.capability_args.clone(),
        cache_dir: Some(world.optional(&rt.cache_dir)).filter(|dir| *dir != PathBuf::new()),
        ..RuntimeConf::default()
    }
}

fn gc_args(step: &Step) -> GcArgs {
    let valid_attachments = step.valid.as_ref().map(|valid| {
        valid
            .iter()
            .map(|valid| GcAttachment {
                container_id: valid.container_id.clone(),
                if_name: valid.if_name.clone(),
            })
            .collect()
    });
    GcArgs { valid_attachments }
}

fn to_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("it is JSON")
}

fn result_or_null(result: Option<CniResult>) -> String {
    result.map_or("null".to_owned(), |result| result.to_json())
}

// The shapes of the Go program's `describe.go`.

fn plugin(conf: &PluginConfig) -> String {
    format!(
        r#"{{"name":{},"cniVersion":{},"type":{},"capabilities":{},"pluginBytes":"{}"}}"#,
        to_text(&conf.name()),
        to_text(&conf.cni_version()),
        to_text(&conf.plugin_type()),
        to_text(conf.capabilities()),
        STANDARD.encode(conf.bytes()),
    )
}

fn describe(list: &NetworkConfigList) -> String {
    let plugins: Vec<String> = list.plugins().iter().map(plugin).collect();
    format!(
        concat!(
            r#"{{"name":{},"cniVersion":{},"disableCheck":{},"disableGC":{},"loadOnlyInlinedPlugins":{},"#,
            r#""plugins":[{}],"configBytes":"{}"}}"#
        ),
        to_text(&list.name()),
        to_text(&list.cni_version()),
        list.disable_check(),
        list.disable_gc(),
        list.load_only_inlined_plugins(),
        plugins.join(","),
        STANDARD.encode(list.bytes()),
    )
}

fn attachment(rt: &RuntimeConf, network: &str, config: &[u8]) -> String {
    let capability_args: &BTreeMap<String, Box<RawValue>> = &rt.capability_args;
    format!(
        concat!(
            r#"{{"containerId":{},"networkName":{},"ifName":{},"netns":{},"configBytes":"{}","#,
            r#""cniArgs":{},"capabilityArgs":{}}}"#
        ),
        to_text(&rt.container_id),
        to_text(&network),
        to_text(&rt.if_name),
        to_text(&rt.netns),
        STANDARD.encode(config),
        to_text(&rt.args),
        to_text(capability_args),
    )
}
