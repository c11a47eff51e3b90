//! What all calls share: environment, trace ids, deadlines, cancellation, locks, the order of failures.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cni::cni::{Event, Observer};
use cni::context::{EnvPolicy, TraceContext};
use cni::exec::process::ProcessExec;
use cni::exec::{Exec, ExecRequest, FindRequest, Outcome, Termination};
use cni::{CacheDir, Cni, CniOptions, Context, ContextOptions, RuntimeConf, Status};
use common::{Scene, background, network, rt};
use serde_json::json;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn env_of(scene: &Scene, env: EnvPolicy, ctx: &Context) -> std::collections::BTreeMap<String, String> {
    scene.forget_calls();
    let cni = Cni::new(CniOptions { env, cache_dir: CacheDir::Nowhere, ..scene.options() });
    let net = network("1.0.0", &[scene.plugin("first", json!({}))]);
    cni.add_network_list(ctx, &net, &rt()).unwrap();
    scene.calls().remove(0).env
}

#[test]
fn the_host_decides_what_plugins_get_of_its_environment() {
    let scene = Scene::with_plugins(&["first"]);
    let env = |policy| env_of(&scene, policy, &background());
    let inherited = env(EnvPolicy::Inherit);
    assert!(inherited.contains_key("CARGO_MANIFEST_DIR") && inherited.contains_key("CNI_COMMAND"));
    let clean: Vec<String> = env(EnvPolicy::Clean).into_keys().collect();
    let protocol = ["CNI_ARGS", "CNI_COMMAND", "CNI_CONTAINERID", "CNI_IFNAME", "CNI_NETNS", "CNI_PATH"];
    assert_eq!(clean, [&protocol[..], &["PATH"]].concat());
    let kept = env(EnvPolicy::Keep(vec!["CARGO_MANIFEST_DIR".into(), "UNSET_HERE".into()]));
    assert!(kept.contains_key("CARGO_MANIFEST_DIR") && !kept.contains_key("PATH"));
    let exactly =
        env(EnvPolicy::Exactly(vec![("A".into(), "b=c".into()), ("CNI_IFNAME".into(), "x".into())]));
    assert_eq!((exactly["A"].as_str(), exactly["CNI_IFNAME"].as_str(), exactly.len()), ("b=c", "eth0", 7));
    let ctx =
        Context::new(ContextOptions { env: Some(EnvPolicy::Clean), ..ContextOptions::default() }).unwrap();
    assert!(!env_of(&scene, EnvPolicy::Inherit, &ctx).contains_key("CARGO_MANIFEST_DIR"));
}

#[test]
fn trace_ids_reach_the_plugin() {
    let scene = Scene::with_plugins(&["first"]);
    let with = |trace: TraceContext| {
        let ctx = Context::new(ContextOptions { trace, ..ContextOptions::default() }).unwrap();
        env_of(&scene, EnvPolicy::Inherit, &ctx)
    };
    let all = with(TraceContext {
        traceparent: Some(PARENT.into()),
        tracestate: Some("a=1".into()),
        baggage: Some("k=v".into()),
    });
    assert_eq!((&*all["TRACEPARENT"], &*all["TRACESTATE"], &*all["BAGGAGE"]), (PARENT, "a=1", "k=v"));
    let alone = with(TraceContext { baggage: Some("k=v".into()), ..TraceContext::default() });
    assert!(!alone.contains_key("BAGGAGE"));
}

/// A plugin that hangs in ADD, once it has told so through a FIFO.
struct Hanging {
    scene: Scene,
    fifo: PathBuf,
}

impl Hanging {
    fn new() -> Hanging {
        let scene = Scene::with_plugins(&["first", "hangs"]);
        let fifo = scene.path("fifo");
        let path = std::ffi::CString::new(fifo.to_str().unwrap()).unwrap();
        // SAFETY: the path is a NUL-terminated string that outlives the call.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        Hanging { scene, fifo }
    }

    fn network(&self) -> cni::NetworkConfigList {
        let hangs = json!({ "ADD": { "fifo": self.fifo, "hang": true } });
        network("1.0.0", &[self.scene.plugin("first", json!({})), self.scene.plugin("hangs", hangs)])
    }

    /// Returns when the plugin runs. What is returned gives end of file when it is no more.
    fn running(&self) -> std::fs::File {
        std::fs::File::open(&self.fifo).unwrap()
    }
}

#[test]
fn a_deadline_ends_the_plugin_and_del_works_afterwards() {
    let hanging = Hanging::new();
    let options = CniOptions { timeout: Some(Duration::from_millis(300)), ..hanging.scene.options() };
    let net = hanging.network();
    let error = std::thread::scope(|scope| {
        let call =
            scope.spawn(|| Cni::new(options).add_network_list(&background(), &net, &rt()).unwrap_err());
        let mut running = hanging.running();
        assert_eq!(running.read(&mut [0]).unwrap(), 0);
        call.join().unwrap()
    });
    assert_eq!(error.status(), Status::Timeout);
    assert!(
        error.message().starts_with("plugin type=\"hangs\" failed (add): netplugin timed out after "),
        "{error}"
    );
    assert!(error.facts().timed_out);
    hanging.scene.cni().del_network_list(&background(), &net, &rt()).unwrap();
}

#[test]
fn cancellation_ends_the_plugin_and_every_later_call_of_the_context() {
    let hanging = Hanging::new();
    let ctx = Context::new(ContextOptions::default()).unwrap();
    let net = hanging.network();
    let cni = Cni::new(CniOptions { rollback: true, ..hanging.scene.options() });
    let error = std::thread::scope(|scope| {
        let call = scope.spawn(|| cni.add_network_list(&ctx, &net, &rt()).unwrap_err());
        let mut running = hanging.running();
        ctx.cancel();
        assert_eq!(running.read(&mut [0]).unwrap(), 0);
        call.join().unwrap()
    });
    assert_eq!(error.status(), Status::Cancelled);
    assert!(!error.facts().timed_out);
    // The rollback is not cancelled: it has its own budget.
    assert_eq!(hanging.scene.order(), ["ADD first", "ADD hangs", "DEL hangs", "DEL first"]);
    let again = cni.del_network_list(&ctx, &net, &rt()).unwrap_err();
    assert_eq!(again.status(), Status::Cancelled);
    assert_eq!(hanging.scene.order().len(), 4);
}

#[test]
fn the_host_can_interrupt_one_call_from_its_own_thread() {
    let hanging = Hanging::new();
    let (cni, net) = (hanging.scene.cni(), hanging.network());
    let shared = Context::background();
    let runs = Arc::new(AtomicBool::new(false));
    let asked_on = Arc::new(Mutex::new(Vec::new()));
    let ctx = shared.interrupted_by(|| false).interrupted_by({
        let (runs, asked_on) = (runs.clone(), asked_on.clone());
        move || {
            asked_on.lock().unwrap().push(std::thread::current().id());
            runs.load(Ordering::SeqCst)
        }
    });
    std::thread::scope(|scope| {
        let call = scope.spawn(|| cni.add_network_list(&ctx, &net, &rt()).unwrap_err());
        let thread = call.thread().id();
        let mut running = hanging.running();
        runs.store(true, Ordering::SeqCst);
        assert_eq!(running.read(&mut [0]).unwrap(), 0);
        assert_eq!(call.join().unwrap().status(), Status::Cancelled);
        assert!(asked_on.lock().unwrap().iter().all(|asked| *asked == thread));
    });
    assert!(ctx.is_cancelled() && !shared.is_cancelled());
    cni.del_network_list(&shared, &net, &rt()).unwrap();
}

/// Writes down what its callbacks find in the context.
struct Finds(Arc<Mutex<Vec<Option<Arc<String>>>>>);

impl Observer for Finds {
    fn on_event(&self, ctx: &Context, _: &Event<'_>) {
        assert!(ctx.host_data::<u32>().is_none());
        self.0.lock().unwrap().push(ctx.host_data::<String>());
    }
}

#[test]
fn callbacks_find_what_the_host_put_into_the_context_also_in_a_rollback() {
    let scene = Scene::with_plugins(&["bad"]);
    let found = Arc::new(Mutex::new(Vec::new()));
    let options = CniOptions { rollback: true, ..scene.options() };
    let cni = Cni::with_observer(options, ProcessExec::default(), Finds(found.clone()));
    let net = network("1.0.0", &[scene.plugin("bad", json!({ "ADD": { "exit": 1 } }))]);
    let own = Arc::new(String::from("the host's own"));
    let ctx = background().with_host_data(Arc::new(1_u32)).with_host_data(own.clone());
    cni.add_network_list(&ctx.within(Duration::from_secs(60)), &net, &rt()).unwrap_err();
    assert_eq!(scene.order(), ["ADD bad", "DEL bad"]);
    assert_eq!(*found.lock().unwrap(), vec![Some(own); 4]);
    cni.del_network_list(&background(), &net, &rt()).unwrap();
    assert_eq!(found.lock().unwrap()[4..], [None, None]);
}

#[test]
fn the_host_can_interrupt_the_wait_for_a_lock() {
    let hanging = Hanging::new();
    let (cni, net) = (hanging.scene.cni(), hanging.network());
    let ctx = Context::new(ContextOptions::default()).unwrap();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| cni.add_network_list(&ctx, &net, &rt()).unwrap_err());
        let _running = hanging.running();
        let waiting = cni.del_network_list(&background().interrupted_by(|| true), &net, &rt()).unwrap_err();
        assert_eq!(waiting.status(), Status::Cancelled);
        assert!(waiting.message().starts_with("cancelled while waiting for the lock of "), "{waiting}");
        ctx.cancel();
        call.join().unwrap();
    });
}

#[test]
fn the_earlier_deadline_of_a_context_and_of_its_copy_counts() {
    let soon = Context::with_timeout(Duration::from_millis(1)).unwrap();
    assert_eq!(soon.within(Duration::from_secs(60)).deadline(), soon.deadline());
    let later = Context::with_timeout(Duration::from_secs(60)).unwrap();
    let copy = later.within(Duration::from_millis(1));
    assert!(copy.deadline() < later.deadline() && later.within(Duration::MAX).deadline() == later.deadline());
    later.cancel();
    assert!(copy.is_cancelled());
}

#[test]
fn a_second_operation_on_an_attachment_waits_and_one_on_another_does_not() {
    let hanging = Hanging::new();
    let (cni, net) = (hanging.scene.cni(), hanging.network());
    let ctx = Context::new(ContextOptions::default()).unwrap();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| cni.add_network_list(&ctx, &net, &rt()).unwrap_err());
        let _running = hanging.running();
        let soon = Context::with_timeout(Duration::from_millis(50)).unwrap();
        let waiting = cni.del_network_list(&soon, &net, &rt()).unwrap_err();
        assert_eq!(waiting.status(), Status::Timeout, "{waiting}");
        let other = RuntimeConf { container_id: "c2".into(), ..rt() };
        cni.del_network_list(&background(), &net, &other).unwrap();
        let unlocked = Cni::new(CniOptions { locking: false, ..hanging.scene.options() });
        unlocked.del_network_list(&background(), &net, &rt()).unwrap();
        ctx.cancel();
        call.join().unwrap();
    });
}

/// An Exec that runs no plugin but deletes the attachment again, with a context of its own that names the locks.
struct Again {
    inner: Cni,
    list: cni::NetworkConfigList,
}

impl Exec for Again {
    fn find_in_path(&self, request: &FindRequest<'_>) -> cni::Result<PathBuf> {
        Ok(request.plugin.into())
    }

    fn exec_plugin(&self, request: &ExecRequest<'_>) -> cni::Result<Outcome> {
        let variable = request.env.iter().find_map(|line| line.to_str().ok()?.strip_prefix("LIBCNI_LOCKS="));
        // Without the locks, the call would wait for its own caller until then.
        let options = json!({ "timeoutMs": 60_000, "locks": variable.unwrap() }).to_string();
        let ctx = Context::new(ContextOptions::from_json(&options).unwrap()).unwrap();
        self.inner.del_network_list(&ctx, &self.list, &rt())?;
        Ok(Outcome {
            termination: Termination::Exited(0),
            interruption: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
            pid: None,
            duration: Duration::ZERO,
        })
    }
}

#[test]
fn calls_whose_context_names_the_locks_around_them_do_not_wait_for_those() {
    let scene = Scene::with_plugins(&["first"]);
    let list = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let outer = Cni::with_exec(scene.options(), Again { inner: scene.cni(), list: list.clone() });
    outer.del_network_list(&background(), &list, &rt()).unwrap();
    assert_eq!(scene.order(), ["DEL first"]);
}

/// The meta plugin of the next test: the test binary itself, run by a script.
#[test]
fn meta_plugin() {
    let Some(bin) = std::env::var_os("META_PLUGIN_BIN") else { return };
    let mut stdin = String::new();
    std::io::stdin().read_to_string(&mut stdin).unwrap();
    let own: serde_json::Value = serde_json::from_str(&stdin).unwrap();
    let cni = Cni::new(CniOptions {
        plugin_dirs: vec![bin.into()],
        cache_dir: CacheDir::At(own["cacheDir"].as_str().unwrap().into()),
        ..CniOptions::default()
    });
    let inner = common::list(&own["inner"]);
    let variable = |name: &str| std::env::var(name).unwrap();
    let rt = RuntimeConf {
        container_id: variable("CNI_CONTAINERID"),
        netns: variable("CNI_NETNS"),
        if_name: variable("CNI_IFNAME"),
        ..RuntimeConf::default()
    };
    // Another process that held the lock would keep this one waiting until then.
    let ctx = Context::with_timeout(Duration::from_secs(60)).unwrap();
    let answer = match variable("CNI_COMMAND").as_str() {
        "ADD" => cni.add_network_list(&ctx, &inner, &rt).unwrap().to_json(),
        _ => cni.del_network_list(&ctx, &inner, &rt).map(|()| String::new()).unwrap(),
    };
    std::fs::write("/dev/fd/3", answer).unwrap();
}

#[test]
fn a_plugin_that_uses_the_library_on_the_same_attachment_does_not_wait_for_its_parent() {
    let scene = Scene::with_plugins(&["first"]);
    let script = scene.path("bin").join("meta");
    let itself = std::env::current_exe().unwrap();
    let text = format!(
        "#!/bin/sh\nMETA_PLUGIN_BIN={} exec {} --exact meta_plugin --nocapture 3>&1 >&2\n",
        quoted(&scene.path("bin")),
        quoted(&itself)
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let inner =
        json!({ "cniVersion": "1.0.0", "name": "net", "plugins": [scene.plugin("first", json!({}))] });
    let meta = json!({ "type": "meta", "cacheDir": scene.path("cache"), "inner": inner });
    let (cni, net) = (scene.cni(), network("1.0.0", &[meta]));
    let ctx = Context::with_timeout(Duration::from_secs(60)).unwrap();
    let result = cni.add_network_list(&ctx, &net, &rt()).unwrap();
    assert_eq!(result.interfaces().len(), 1);
    cni.del_network_list(&ctx, &net, &rt()).unwrap();
    assert_eq!(scene.order(), ["ADD first", "DEL first"]);
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

#[test]
fn a_cache_that_cannot_be_written_is_noticed_before_the_first_plugin_runs() {
    let scene = Scene::with_plugins(&["first"]);
    std::fs::write(scene.path("cache"), "a file").unwrap();
    let net = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let error = scene.cni().add_network_list(&background(), &net, &rt()).unwrap_err();
    assert_eq!(error.status(), Status::Cache);
    assert!(error.message().contains(scene.path("cache").to_str().unwrap()), "{error}");
    assert!(scene.calls().is_empty());
}

#[test]
fn a_cache_failure_behind_a_good_add_keeps_the_result_in_the_error() {
    let scene = Scene::with_plugins(&["first"]);
    // A directory where the file has to go: the plugin runs, the rename fails.
    std::fs::create_dir_all(scene.cache_file("net-c1-eth0")).unwrap();
    let net = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let cni = Cni::new(CniOptions { preflight: false, ..scene.options() });
    let error = cni.add_network_list(&background(), &net, &rt()).unwrap_err();
    assert_eq!(error.status(), Status::Cache);
    assert!(error.message().starts_with("failed to set network \"net\" cached result: "), "{error}");
    let result: serde_json::Value = serde_json::from_str(&error.to_json()).unwrap();
    assert_eq!(result["result"]["interfaces"][0]["name"], "eth0");
    assert_eq!(scene.order(), ["ADD first"]);
}
