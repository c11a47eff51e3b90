//! GC, STATUS, validation, and everything that works from what is remembered.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use cni::cni::{GcArgs, GcAttachment};
use cni::{AttachmentFilter, Cni, CniOptions, NetworkConfigList, RuntimeConf, Status, conf};
use common::{Scene, background, list, network, rt};
use serde_json::{Value, json};

fn container(id: &str) -> RuntimeConf {
    RuntimeConf { container_id: id.into(), ..rt() }
}

fn valid(ids: &[&str]) -> GcArgs {
    let attachment = |id: &&str| GcAttachment { container_id: (*id).into(), if_name: "eth0".into() };
    GcArgs { valid_attachments: Some(ids.iter().map(attachment).collect()) }
}

fn added(scene: &Scene, list: &NetworkConfigList, ids: &[&str]) -> Cni {
    let cni = scene.cni();
    for id in ids {
        cni.add_network_list(&background(), list, &container(id)).unwrap();
    }
    scene.forget_calls();
    cni
}

#[test]
fn gc_deletes_what_is_stale_then_tells_the_plugins_what_is_valid() {
    let scene = Scene::with_plugins(&["first", "second"]);
    let mut first = scene.plugin("first", json!({}));
    first["capabilities"] = json!({ "mac": true });
    let net = network("1.1.0", &[first, scene.plugin("second", json!({}))]);
    let cni = added(&scene, &net, &["c1", "c2", "c3"]);
    cni.gc_network_list(&background(), &net, &valid(&["c2"])).unwrap();
    let stale = ["DEL second", "DEL first"];
    assert_eq!(scene.order(), [&stale[..], &stale[..], &["GC first", "GC second"]].concat());
    let calls = scene.calls();
    let deleted: Vec<_> = calls.iter().map(|call| call.env["CNI_CONTAINERID"].as_str()).collect();
    assert_eq!(deleted, ["c1", "c1", "c3", "c3", "", ""]);
    let gc = &calls[4];
    let attachments = json!([{ "containerID": "c2", "ifname": "eth0" }]);
    assert_eq!(gc.config()["cni.dev/valid-attachments"], attachments);
    assert_eq!(gc.config()["cni.dev/attachments"], attachments);
    assert_eq!(gc.config()["name"], "net");
    assert_eq!((gc.env["CNI_NETNS"].as_str(), gc.env["CNI_IFNAME"].as_str()), ("", ""));
    assert!(scene.cached("net-c2-eth0").is_some());
    assert!(scene.cached("net-c1-eth0").is_none());
}

#[test]
fn gc_below_1_1_0_only_deletes_and_a_disabled_gc_does_nothing() {
    let scene = Scene::with_plugins(&["first"]);
    let plugins = [scene.plugin("first", json!({}))];
    let net = network("1.0.0", &plugins);
    let cni = added(&scene, &net, &["c1"]);
    let disabled =
        list(&json!({ "cniVersion": "1.1.0", "name": "net", "disableGC": true, "plugins": plugins }));
    cni.gc_network_list(&background(), &disabled, &valid(&[])).unwrap();
    assert!(scene.calls().is_empty());
    cni.gc_network_list(&background(), &net, &valid(&[])).unwrap();
    assert_eq!(scene.order(), ["DEL first"]);
}

#[test]
fn gc_leaves_other_networks_alone_and_uses_the_list_of_the_add() {
    let scene = Scene::with_plugins(&["first", "second"]);
    let plugins = [scene.plugin("first", json!({})), scene.plugin("second", json!({}))];
    let other = list(&json!({ "cniVersion": "1.0.0", "name": "net-2", "plugins": plugins }));
    let cni = added(&scene, &network("1.0.0", &plugins), &["c1"]);
    cni.add_network_list(&background(), &other, &container("c1")).unwrap();
    scene.forget_calls();
    // The list has lost a plugin since.
    cni.gc_network_list(&background(), &network("1.0.0", &plugins[..1]), &valid(&[])).unwrap();
    assert_eq!(scene.order(), ["DEL second", "DEL first"]);
    assert!(scene.cached("net-2-c1-eth0").is_some());
}

#[test]
fn gc_goes_on_after_errors_and_reports_them_all() {
    let scene = Scene::with_plugins(&["first"]);
    let failing = json!({ "DEL": { "exit": 1, "stdout": { "code": 101, "msg": "no" } },
                          "GC": { "exit": 1, "stdout": { "code": 102, "msg": "neither" } } });
    let net = network("1.1.0", &[scene.plugin("first", failing)]);
    let cni = added(&scene, &net, &["c1", "c2"]);
    let error = cni.gc_network_list(&background(), &net, &valid(&[])).unwrap_err();
    assert_eq!(
        error.message(),
        "failed to delete stale attachment c1 eth0: plugin type=\"first\" failed (delete): no\n\
         failed to delete stale attachment c2 eth0: plugin type=\"first\" failed (delete): no\n\
         failed to GC plugin first: neither"
    );
    assert_eq!((error.status(), error.code(), error.facts().causes.len()), (Status::Plugin, 101, 3));
}

#[test]
fn gc_arguments_must_say_what_is_valid() {
    assert!(GcArgs::from_json("{}").unwrap_err().message().contains("validAttachments"));
    assert_eq!(GcArgs::from_json(r#"{"validAttachments":null}"#).unwrap().valid_attachments, None);
    assert_eq!(GcArgs::from_json(r#"{"validAttachments":[]}"#).unwrap(), valid(&[]));
    let passed_on =
        r#"{"validAttachments":[{"containerId":"c1","ifName":"eth0","networkName":"n","config":{}}]}"#;
    assert_eq!(GcArgs::from_json(passed_on).unwrap(), valid(&["c1"]));
}

#[test]
fn gc_without_a_valid_set_injects_nothing() {
    let scene = Scene::with_plugins(&["first"]);
    let net = network("1.1.0", &[scene.plugin("first", json!({}))]);
    let cni = added(&scene, &net, &["c1"]);
    cni.gc_network_list(&background(), &net, &GcArgs { valid_attachments: None }).unwrap();
    assert_eq!(scene.order(), ["DEL first", "GC first"]);
    assert_eq!(scene.calls()[1].config().get("cni.dev/valid-attachments"), None);
}

#[test]
fn status_stops_at_the_first_plugin_that_is_not_ready() {
    let scene = Scene::with_plugins(&["first", "second", "third"]);
    let plugins = [
        scene.plugin("first", json!({})),
        scene
            .plugin("second", json!({ "STATUS": { "exit": 1, "stdout": { "code": 50, "msg": "no DHCP" } } })),
        scene.plugin("third", json!({})),
    ];
    let error = scene.cni().get_status_network_list(&background(), &network("1.1.0", &plugins)).unwrap_err();
    assert_eq!((error.code(), error.message()), (50, "no DHCP"));
    assert_eq!(error.facts().index, Some(1));
    assert_eq!(scene.order(), ["STATUS first", "STATUS second"]);
    scene.forget_calls();
    for version in ["1.0.0", "nonsense"] {
        scene.cni().get_status_network_list(&background(), &network(version, &plugins)).unwrap();
    }
    assert!(scene.calls().is_empty());
}

#[test]
fn validation_collects_all_errors_and_all_capabilities() {
    let scene = Scene::with_plugins(&["first", "old"]);
    let mut first = scene.plugin("first", json!({}));
    first["capabilities"] = json!({ "portMappings": true, "mac": false, "aliases": true });
    let old = json!({ "type": "old" });
    let cni = scene.cni();
    let capabilities = cni.validate_network_list(&background(), &network("1.0.0", &[first.clone()])).unwrap();
    assert_eq!(capabilities, ["aliases", "portMappings"]);
    let error = cni
        .validate_network_list(&background(), &network("2.0.0", &[first, json!({ "type": "absent" }), old]))
        .unwrap_err();
    let expected = format!(
        "[plugin first does not support config version \"2.0.0\" failed to find plugin \"absent\" in path [{}] \
         plugin old does not support config version \"2.0.0\"]",
        scene.path("bin").display()
    );
    assert_eq!((error.status(), error.message()), (Status::IncompatibleVersion, expected.as_str()));
    assert_eq!(error.facts().causes[1].status(), Status::PluginNotFound);
    let single = conf::plugin_conf_from_bytes(br#"{"type":"absent"}"#).unwrap();
    let error = cni.validate_network(&background(), &single).unwrap_err();
    assert_eq!(error.status(), Status::PluginNotFound);
    assert!(error.message().starts_with("failed to find plugin"), "{error}");
}

#[test]
fn version_info_is_asked_for_with_dummies() {
    let scene = Scene::with_plugins(&[]);
    let script = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = scene.path("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let log = scene.path("seen");
    let seen = format!(
        "{{ cat; echo; echo \"$CNI_COMMAND|$CNI_NETNS|$CNI_IFNAME|$CNI_PATH|$CNI_CONTAINERID|$CNI_ARGS\"; }} >{}",
        log.display()
    );
    script(
        "good",
        &format!(r#"{seen}; echo '{{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]}}'"#),
    );
    script("ancient", r#"echo '{"code":4,"msg":"unknown CNI_COMMAND: VERSION"}'; exit 1"#);
    script("v020", r#"echo '{"cniVersion":"0.2.0"}'"#);
    script("mute", "true");
    script("odd", r#"echo '{"supportedVersions":["1.0.0"]}'"#);
    let info = |plugin: &str| scene.cni().get_version_info(&background(), plugin);
    let good = info("good").unwrap();
    assert_eq!((good.cni_version.as_str(), good.supported_versions.len()), ("1.0.0", 2));
    let expected = "{\"cniVersion\":\"1.1.0\"}\nVERSION|dummy|dummy|dummy||\n";
    assert_eq!(std::fs::read_to_string(log).unwrap(), expected);
    assert_eq!(info("ancient").unwrap().supported_versions, ["0.1.0"]);
    assert_eq!(info("v020").unwrap().supported_versions, ["0.1.0", "0.2.0"]);
    assert_eq!(info("v020").unwrap().cni_version, "1.1.0");
    assert_eq!(info("mute").unwrap_err().status(), Status::InvalidResult);
    let odd = info("odd").unwrap_err();
    assert_eq!(odd.message(), "decoding version info: missing field cniVersion");
    assert_eq!(info("absent").unwrap_err().status(), Status::PluginNotFound);
}

#[test]
fn what_is_remembered_can_be_asked_for() {
    let scene = Scene::with_plugins(&["first"]);
    let net = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let mut with_args = container("c1");
    with_args.args = vec![("K".into(), "V".into())];
    let cni = scene.cni();
    let result = cni.add_network_list(&background(), &net, &with_args).unwrap();
    let asked = RuntimeConf { netns: "/elsewhere".into(), ..container("c1") };
    let cached = cni.get_network_list_cached_result(&net, &asked).unwrap().unwrap();
    assert_eq!(cached, result);
    let older = network("0.4.0", &[json!({ "type": "first" })]);
    assert_eq!(cni.get_network_list_cached_result(&older, &asked).unwrap().unwrap().version(), "0.4.0");
    let config = cni.get_network_list_cached_config(&net, &asked).unwrap().unwrap();
    assert_eq!(config.config, net.bytes());
    assert_eq!(config.runtime_conf.args, with_args.args);
    assert_eq!(config.runtime_conf.netns, "/elsewhere");
    assert!(cni.get_network_list_cached_result(&net, &container("c9")).unwrap().is_none());
    assert!(cni.get_network_list_cached_config(&net, &container("c9")).unwrap().is_none());
    let error = cni.get_network_list_cached_config(&net, &container("")).unwrap_err();
    assert_eq!(
        error.message(),
        "cache file path requires network name (\"net\"), container ID (\"\"), and interface name (\"eth0\")"
    );
}

#[test]
fn attachments_are_listed_and_deleted_from_the_cache_alone() {
    let scene = Scene::with_plugins(&["first", "second"]);
    let net = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let failing = json!({ "DEL": { "exit": 1, "stdout": { "code": 100, "msg": "no" } } });
    let other = list(&json!({ "cniVersion": "1.0.0", "name": "other",
                              "plugins": [scene.plugin("second", failing)] }));
    let mut single = scene.plugin("first", json!({}));
    single["name"] = json!("single");
    let single = conf::plugin_conf_from_bytes(single.to_string().as_bytes()).unwrap();
    let cni = scene.cni();
    cni.add_network_list(&background(), &net, &container("c1")).unwrap();
    cni.add_network_list(&background(), &other, &container("c1")).unwrap();
    cni.add_network(&background(), &single, &container("c1")).unwrap();
    cni.add_network_list(&background(), &net, &container("c2")).unwrap();
    let of_c1 = AttachmentFilter { container_id: Some("c1".into()), ..AttachmentFilter::default() };
    let names = |filter: &AttachmentFilter| -> Vec<String> {
        let attachments = cni.get_cached_attachments(filter).unwrap();
        attachments.into_iter().map(|attachment| attachment.key.network_name).collect()
    };
    assert_eq!(names(&of_c1), ["net", "other", "single"]);
    scene.forget_calls();
    let report = cni.del_cached_attachments(&background(), &of_c1).unwrap();
    assert_eq!(scene.order(), ["DEL first", "DEL second", "DEL first"]);
    let outcome: Vec<_> = report
        .iter()
        .map(|one| (one.attachment.network_name.as_str(), one.error.as_ref().map(cni::Error::code)))
        .collect();
    assert_eq!(outcome, [("net", None), ("other", Some(100)), ("single", None)]);
    assert_eq!(names(&AttachmentFilter::default()), ["net", "other"]);
}

#[test]
fn a_rendered_operation_is_what_would_run_and_nothing_runs() {
    let scene = Scene::with_plugins(&["first", "second"]);
    let net = network("1.1.0", &[scene.plugin("first", json!({})), scene.plugin("second", json!({}))]);
    let cni = scene.cni();
    let rendered = |command: &str| -> Value {
        serde_json::to_value(cni.render_network_list(command, &net, &container("c1")).unwrap()).unwrap()
    };
    let add = rendered("ADD");
    assert_eq!(add[0].get("needsPrevResult"), None);
    assert_eq!(add[1]["needsPrevResult"], true);
    assert!(scene.calls().is_empty());
    assert!(!scene.path("cache").exists());
    cni.add_network_list(&background(), &net, &container("c1")).unwrap();
    let del = rendered("DEL");
    let gc = rendered("GC");
    scene.forget_calls();
    cni.del_network_list(&background(), &net, &container("c1")).unwrap();
    for (call, request) in scene.calls().iter().zip(del.as_array().unwrap()) {
        assert_eq!(call.plugin, request["plugin"].as_str().unwrap());
        assert_eq!(call.config(), request["stdin"]);
        for (name, value) in request["env"].as_object().unwrap() {
            assert_eq!(call.env[name], value.as_str().unwrap(), "{name}");
        }
        assert_eq!(request["env"].as_object().unwrap().len(), 6);
    }
    assert_eq!(del.as_array().unwrap().len(), 2);
    assert_eq!(gc[0]["env"]["CNI_CONTAINERID"], "");
    assert_eq!(rendered("STATUS").as_array().unwrap().len(), 2);
    let error = cni.render_network_list("VERSION", &net, &rt()).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    let error = cni.render_network_list("CHECK", &net, &rt()).unwrap_err();
    assert_eq!(error.status(), Status::NotAdded);
}

#[test]
fn an_observer_sees_every_run_begin_and_end() {
    use std::sync::{Arc, Mutex};
    struct Seen(Arc<Mutex<Vec<Value>>>);
    impl cni::cni::Observer for Seen {
        fn on_event(&self, _: &cni::Context, event: &cni::cni::Event<'_>) {
            self.0.lock().unwrap().push(serde_json::to_value(event).unwrap());
        }
    }
    let scene = Scene::with_plugins(&["first"]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let exec = cni::exec::process::ProcessExec::default();
    let cni = Cni::with_observer(CniOptions { ..scene.options() }, exec, Seen(seen.clone()));
    let plugin = scene.plugin("first", json!({ "ADD": { "stderr": "careful\n" } }));
    cni.add_network_list(&background(), &network("1.0.0", &[plugin]), &rt()).unwrap();
    let events = seen.lock().unwrap();
    let expected = json!({ "event": "begin", "command": "ADD", "plugin": "first", "index": 0,
        "path": scene.path("bin").join("first"), "containerId": "c1", "ifName": "eth0" });
    assert_eq!(events[0], expected);
    assert_eq!(events[1]["event"], "end");
    assert_eq!((&events[1]["exitCode"], &events[1]["stderr"]), (&json!(0), &json!("careful\n")));
    assert!(events[1]["pid"].is_u64() && events[1]["durationMs"].is_f64());
    assert_eq!(events.len(), 2);
}

#[test]
fn a_renamed_cache_file_is_listed_and_a_copy_is_not() {
    let scene = Scene::with_plugins(&["first"]);
    let net = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let cni = added(&scene, &net, &["c1"]);
    let count = || cni.get_cached_attachments(&AttachmentFilter::default()).unwrap().len();
    let (own, other) = (scene.cache_file("net-c1-eth0"), scene.cache_file("net-c1-eth0.bak"));
    std::fs::copy(&own, &other).unwrap();
    assert_eq!(count(), 1);
    std::fs::remove_file(&own).unwrap();
    assert_eq!(count(), 1);
}
