//! Plugins that live in the process of their runtime.

use std::sync::{Arc, Mutex};

use cni::plugin::{Plugin, Request};
use cni::{Cni, CniResult, Context, Error, Result, RuntimeConf, Status, code};
use serde_json::{Value, json};

use crate::common::{Scene, network, rt};

/// Keeps what it was asked, and does what its configuration says.
#[derive(Default)]
pub struct Probe {
    pub seen: Mutex<Vec<Value>>,
}

#[derive(serde::Deserialize)]
struct Conf {
    #[serde(default)]
    fail: bool,
    #[serde(default)]
    panic: bool,
    inner: Option<Value>,
}

impl Probe {
    fn note(&self, request: &Request<'_>) -> Result<Conf> {
        self.seen.lock().unwrap().push(json!({
            "command": request.command().name(),
            "containerId": request.container_id(),
            "netns": request.netns(),
            "ifName": request.if_name(),
            "args": request.args(),
            "version": request.cni_version(),
            "network": request.network_name(),
            "prevResult": request.prev_result()?.map(|result| result.version().to_owned()),
            "thread": format!("{:?}", std::thread::current().id()),
        }));
        let conf: Conf = request.config()?;
        request.log("a word");
        assert!(!conf.panic, "as asked");
        match conf.fail {
            true => Err(Error::of_plugin(code::TRY_AGAIN_LATER, "busy", "come back")),
            false => Ok(conf),
        }
    }
}

impl Plugin for Probe {
    fn add(&self, request: &Request<'_>) -> Result<CniResult> {
        let conf = self.note(request)?;
        match conf.inner {
            Some(mut config) => {
                config["name"] = json!(request.network_name());
                config["cniVersion"] = json!(request.cni_version());
                request.delegate_add(config["type"].as_str().unwrap(), config.to_string())
            }
            None => CniResult::from_json(r#"{"cniVersion":"1.1.0","ips":[{"address":"10.0.0.2/24"}],"x":1}"#),
        }
    }

    fn check(&self, request: &Request<'_>) -> Result<()> {
        self.note(request).map(drop)
    }

    fn del(&self, request: &Request<'_>) -> Result<()> {
        self.note(request).map(drop)
    }

    fn gc(&self, request: &Request<'_>) -> Result<()> {
        assert!(request.valid_attachments()?.is_some());
        self.note(request).map(drop)
    }

    fn status(&self, request: &Request<'_>) -> Result<()> {
        self.note(request).map(drop)
    }
}

fn with_probe(cni: &Cni) -> (Cni, Arc<Probe>) {
    let probe = Arc::new(Probe::default());
    (cni.with_plugin("probe", probe.clone()), probe)
}

fn commands(probe: &Probe) -> Vec<String> {
    probe.seen.lock().unwrap().iter().map(|seen| seen["command"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_operation_reaches_it_on_the_calling_thread() {
    let scene = Scene::with_plugins(&[]);
    let (cni, probe) = with_probe(&scene.cni());
    let (ctx, list, rt) = (Context::background(), network("1.1.0", &[json!({"type":"probe"})]), rt());
    let result = cni.add_network_list(&ctx, &list, &rt).unwrap();
    assert_eq!(result.to_json(), r#"{"cniVersion":"1.1.0","ips":[{"address":"10.0.0.2/24"}],"x":1}"#);
    cni.check_network_list(&ctx, &list, &rt).unwrap();
    cni.get_status_network_list(&ctx, &list).unwrap();
    cni.validate_network_list(&ctx, &list).unwrap();
    cni.del_network_list(&ctx, &list, &rt).unwrap();
    let args = cni::cni::GcArgs::from_json(r#"{"validAttachments":[]}"#).unwrap();
    cni.gc_network_list(&ctx, &list, &args).unwrap();
    assert_eq!(commands(&probe), ["ADD", "CHECK", "STATUS", "DEL", "GC"]);
    let seen = probe.seen.lock().unwrap();
    let me = format!("{:?}", std::thread::current().id());
    assert!(seen.iter().all(|seen| seen["thread"] == me));
    assert_eq!(seen[0]["ifName"], rt.if_name);
    assert_eq!(seen[1]["prevResult"], "1.1.0");
}

#[test]
fn its_errors_are_those_of_a_program() {
    let scene = Scene::with_plugins(&[]);
    let (cni, _) = with_probe(&scene.cni());
    let fails = network("1.0.0", &[json!({"type":"probe","fail":true})]);
    let error = cni.add_network_list(&Context::background(), &fails, &rt()).unwrap_err();
    let facts = error.facts();
    assert_eq!((error.status(), error.code(), facts.exit_code), (Status::Plugin, 11, Some(1)));
    assert_eq!((facts.msg.as_deref(), facts.details.as_deref()), (Some("busy"), Some("come back")));
    assert_eq!(facts.path.as_deref(), Some("in-process:probe"));
    assert_eq!(facts.stderr.as_deref(), Some("a word\n"));
}

#[test]
fn a_panic_is_an_error_of_code_999() {
    let scene = Scene::with_plugins(&[]);
    let (cni, _) = with_probe(&scene.cni());
    let panics = network("1.0.0", &[json!({"type":"probe","panic":true})]);
    let error = cni.add_network_list(&Context::background(), &panics, &rt()).unwrap_err();
    assert_eq!((error.status(), error.code()), (Status::Plugin, 999));
    assert!(error.message().ends_with("the plugin panicked; as asked"), "{error}");
}

#[test]
fn it_is_asked_before_the_file_system_and_beside_programs() {
    let scene = Scene::with_plugins(&["probe", "other"]);
    let (cni, probe) = with_probe(&scene.cni());
    let result = json!({"result":{"cniVersion":"1.0.0","ips":[{"address":"10.9.9.9/8"}]}});
    let list = network("1.0.0", &[json!({"type":"probe"}), scene.plugin("other", json!({"ADD": result}))]);
    cni.add_network_list(&Context::background(), &list, &rt()).unwrap();
    assert_eq!(commands(&probe), ["ADD"]);
    let calls = scene.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].config()["prevResult"]["ips"][0]["address"], "10.0.0.2/24");
}

#[test]
fn it_delegates_to_its_neighbours_first() {
    let scene = Scene::with_plugins(&["inner"]);
    let inner = Arc::new(Probe::default());
    let (cni, outer) = with_probe(&scene.cni().with_plugin("inner", inner.clone()));
    let list = network("1.0.0", &[json!({"type":"probe","inner":{"type":"inner"}})]);
    cni.add_network_list(&Context::background(), &list, &rt()).unwrap();
    assert_eq!((commands(&outer), commands(&inner)), (vec!["ADD".to_owned()], vec!["ADD".to_owned()]));
}

#[test]
fn a_failed_delegated_add_is_followed_by_del() {
    let scene = Scene::with_plugins(&[]);
    let inner = Arc::new(Probe::default());
    let (cni, _) = with_probe(&scene.cni().with_plugin("inner", inner.clone()));
    let list = network("1.0.0", &[json!({"type":"probe","inner":{"type":"inner","fail":true}})]);
    let error = cni.add_network_list(&Context::background(), &list, &rt()).unwrap_err();
    assert_eq!((error.code(), error.facts().msg.as_deref()), (11, Some("busy")));
    assert_eq!(commands(&inner), ["ADD", "DEL"]);
}

#[test]
fn a_plugin_that_delegates_to_itself_is_stopped() {
    struct Snake;
    impl Plugin for Snake {
        fn add(&self, request: &Request<'_>) -> Result<CniResult> {
            request.delegate_add("snake", request.stdin())
        }
        fn del(&self, request: &Request<'_>) -> Result<()> {
            request.delegate_del("snake", request.stdin())
        }
    }
    let cni = Scene::with_plugins(&[]).cni().with_plugin("snake", Arc::new(Snake));
    let list = network("1.0.0", &[json!({"type":"snake"})]);
    let error = cni.add_network_list(&Context::background(), &list, &rt()).unwrap_err();
    assert!(error.message().contains("delegate to each other more than 16 deep"), "{error}");
    cni.del_network_list(&Context::background(), &list, &RuntimeConf { netns: String::new(), ..rt() })
        .unwrap_err();
}

#[test]
fn a_cancelled_call_does_not_begin_it() {
    let scene = Scene::with_plugins(&[]);
    let (cni, probe) = with_probe(&scene.cni());
    let ctx = Context::new(Default::default()).unwrap();
    ctx.cancel();
    let error = cni.add_network_list(&ctx, &network("1.0.0", &[json!({"type":"probe"})]), &rt()).unwrap_err();
    assert_eq!((error.status(), commands(&probe).len()), (Status::Cancelled, 0));
}
