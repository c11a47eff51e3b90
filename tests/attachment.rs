//! ADD, CHECK and DEL of a list: who runs when, with what, and what is remembered.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use cni::{Cni, CniOptions, Status};
use common::{Scene, background, list, network, rt};
use serde_json::value::RawValue;
use serde_json::{Value, json};

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn three(scene: &Scene) -> Vec<Value> {
    ["first", "second", "third"].map(|plugin| scene.plugin(plugin, json!({}))).into()
}

#[test]
fn add_runs_forward_and_check_too_and_del_backward() {
    let scene = Scene::with_plugins(&["first", "second", "third"]);
    let (cni, list) = (scene.cni(), network("1.0.0", &three(&scene)));
    cni.add_network_list(&background(), &list, &rt()).unwrap();
    cni.check_network_list(&background(), &list, &rt()).unwrap();
    cni.del_network_list(&background(), &list, &rt()).unwrap();
    assert_eq!(
        scene.order(),
        [
            "ADD first",
            "ADD second",
            "ADD third",
            "CHECK first",
            "CHECK second",
            "CHECK third",
            "DEL third",
            "DEL second",
            "DEL first"
        ]
    );
}

#[test]
fn each_plugin_of_an_add_gets_the_result_of_the_one_before_and_later_commands_the_last_one() {
    let scene = Scene::with_plugins(&["first", "second"]);
    let result = |mac: &str| json!({ "cniVersion": "1.0.0", "interfaces": [{ "name": "eth0", "mac": mac }] });
    let plugins = [
        scene.plugin("first", json!({ "ADD": { "stdout": result("02:00:00:00:00:01") } })),
        scene.plugin("second", json!({ "ADD": { "stdout": result("02:00:00:00:00:02") } })),
    ];
    let (cni, list) = (scene.cni(), network("1.0.0", &plugins));
    let added = cni.add_network_list(&background(), &list, &rt()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&added.to_json()).unwrap(), result("02:00:00:00:00:02"));
    cni.check_network_list(&background(), &list, &rt()).unwrap();
    cni.del_network_list(&background(), &list, &rt()).unwrap();
    let prev_results: Vec<_> =
        scene.calls().iter().map(|call| call.config().get("prevResult").cloned()).collect();
    let last = Some(result("02:00:00:00:00:02"));
    let expected = [None, Some(result("02:00:00:00:00:01")), last.clone(), last.clone(), last.clone(), last];
    assert_eq!(prev_results, expected);
}

#[test]
fn the_configuration_of_a_plugin_passes_through_exactly() {
    let scene = Scene::with_plugins(&["first"]);
    let plugin = format!(
        r#"{{"type":"first","fake":{{"log":"{}"}},"mtu":1500.0,"big":123456789012345678901234567890,"z":"<é\u00e9>", "name":"own", "a" : [ 1e3 ] }}"#,
        scene.path("log").display()
    );
    let text = format!(r#"{{"cniVersion":"0.4.0","name":"net","plugins":[{plugin}]}}"#);
    let list = cni::conf::network_conf_from_bytes(text.as_bytes()).unwrap();
    scene.cni().add_network_list(&background(), &list, &rt()).unwrap();
    let stdin = scene.calls()[0].stdin.clone();
    let expected = format!(
        r#"{{"type":"first","fake":{{"log":"{}"}},"mtu":1500.0,"big":123456789012345678901234567890,"z":"<é\u00e9>","a":[ 1e3 ],"cniVersion":"0.4.0","name":"net"}}"#,
        scene.path("log").display()
    );
    assert_eq!(stdin, expected);
}

#[test]
fn runtime_config_has_the_supplied_arguments_of_declared_capabilities() {
    let scene = Scene::with_plugins(&["first", "second"]);
    let mut first = scene.plugin("first", json!({}));
    first["capabilities"] = json!({ "portMappings": true, "bandwidth": false, "ips": true });
    let list = network("1.0.0", &[first, scene.plugin("second", json!({}))]);
    let mut rt = rt();
    for (name, value) in
        [("portMappings", r#"[{"hostPort":8080}]"#), ("bandwidth", "{}"), ("mac", "\"02:00:00:00:00:01\"")]
    {
        rt.capability_args.insert(name.into(), raw(value));
    }
    scene.cni().add_network_list(&background(), &list, &rt).unwrap();
    let calls = scene.calls();
    assert_eq!(calls[0].config()["runtimeConfig"], json!({ "portMappings": [{ "hostPort": 8080 }] }));
    assert_eq!(calls[1].config().get("runtimeConfig"), None);
}

#[test]
fn a_plugin_gets_the_protocols_variables_and_the_hosts_environment() {
    let scene = Scene::with_plugins(&["first"]);
    let list = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let mut rt = rt();
    rt.args = [("K", "a=b"), ("IgnoreUnknown", "1")].map(|(k, v)| (k.into(), v.into())).into();
    scene.cni().add_network_list(&background(), &list, &rt).unwrap();
    let env = &scene.calls()[0].env;
    let bin = scene.path("bin").display().to_string();
    for (name, value) in [
        ("CNI_COMMAND", "ADD"),
        ("CNI_CONTAINERID", "c1"),
        ("CNI_NETNS", "/run/netns/c1"),
        ("CNI_IFNAME", "eth0"),
        ("CNI_ARGS", "K=a=b;IgnoreUnknown=1"),
        ("CNI_PATH", &bin),
        ("PATH", &std::env::var("PATH").unwrap()),
    ] {
        assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[test]
fn an_attachment_is_remembered_in_the_format_of_the_original() {
    let scene = Scene::with_plugins(&["first"]);
    let list = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let mut rt = rt();
    rt.args = vec![("K".into(), "V".into())];
    rt.capability_args.insert("mac".into(), raw("\"x\""));
    let result = scene.cni().add_network_list(&background(), &list, &rt).unwrap();
    let cached = scene.cached("net-c1-eth0").unwrap();
    use base64::Engine as _;
    let config = base64::engine::general_purpose::STANDARD.encode(list.bytes());
    assert_eq!(
        cached,
        json!({
            "kind": "cniCacheV1",
            "containerId": "c1",
            "config": config,
            "ifName": "eth0",
            "networkName": "net",
            "netns": "/run/netns/c1",
            "cniArgs": [["K", "V"]],
            "capabilityArgs": { "mac": "x" },
            "result": serde_json::from_str::<Value>(&result.to_json()).unwrap(),
        })
    );
    scene.cni().del_network_list(&background(), &list, &rt).unwrap();
    assert_eq!(scene.cached("net-c1-eth0"), None);
}

#[test]
fn a_second_del_succeeds_without_a_prev_result() {
    let scene = Scene::with_plugins(&["first"]);
    let (cni, list) = (scene.cni(), network("1.0.0", &[scene.plugin("first", json!({}))]));
    cni.add_network_list(&background(), &list, &rt()).unwrap();
    for expected in [true, false] {
        scene.forget_calls();
        cni.del_network_list(&background(), &list, &rt()).unwrap();
        assert_eq!(scene.calls()[0].config().get("prevResult").is_some(), expected);
    }
}

#[test]
fn below_0_4_0_del_passes_no_prev_result_and_check_does_not_exist() {
    let scene = Scene::with_plugins(&["first"]);
    let (cni, list) = (scene.cni(), network("0.3.1", &[scene.plugin("first", json!({}))]));
    cni.add_network_list(&background(), &list, &rt()).unwrap();
    let error = cni.check_network_list(&background(), &list, &rt()).unwrap_err();
    assert_eq!(error.status(), Status::CheckNotSupported);
    assert_eq!(error.message(), "configuration version \"0.3.1\" does not support the CHECK command");
    cni.del_network_list(&background(), &list, &rt()).unwrap();
    assert_eq!(scene.order(), ["ADD first", "DEL first"]);
    assert_eq!(scene.calls()[1].config().get("prevResult"), None);
    assert_eq!(scene.cached("net-c1-eth0"), None);
}

#[test]
fn check_of_what_was_not_added_is_an_error_and_a_disabled_check_is_none() {
    let scene = Scene::with_plugins(&["first"]);
    let plugins = [scene.plugin("first", json!({}))];
    let error =
        scene.cni().check_network_list(&background(), &network("1.0.0", &plugins), &rt()).unwrap_err();
    assert_eq!(error.status(), Status::NotAdded);
    assert!(error.message().contains("\"c1\"") && error.message().contains("\"net\""), "{error}");
    let disabled =
        list(&json!({ "cniVersion": "1.0.0", "name": "net", "disableCheck": true, "plugins": plugins }));
    scene.cni().check_network_list(&background(), &disabled, &rt()).unwrap();
    assert!(scene.calls().is_empty());
}

#[test]
fn a_failing_plugin_stops_the_add_and_nothing_is_remembered() {
    let scene = Scene::with_plugins(&["first", "second", "third"]);
    let mut plugins = three(&scene);
    plugins[1]["fake"]["ADD"] = json!({
        "stdout": { "code": 11, "msg": "try again", "details": "pool is busy" },
        "stderr": "noise\n",
        "exit": 4,
    });
    plugins[1]["name"] = json!("own name");
    let error = scene.cni().add_network_list(&background(), &network("1.0.0", &plugins), &rt()).unwrap_err();
    assert_eq!(
        error.message(),
        "plugin type=\"second\" name=\"own name\" failed (add): try again; pool is busy"
    );
    let told: Value = serde_json::from_str(&error.to_json()).unwrap();
    for (key, value) in [
        ("status", json!("PLUGIN")),
        ("code", json!(11)),
        ("msg", json!("try again")),
        ("details", json!("pool is busy")),
        ("plugin", json!("second")),
        ("index", json!(1)),
        ("path", json!(scene.path("bin").join("second"))),
        ("command", json!("ADD")),
        ("exitCode", json!(4)),
        ("stderr", json!("noise\n")),
        ("attachment", json!({ "containerId": "c1", "networkName": "net", "ifName": "eth0" })),
    ] {
        assert_eq!(told[key], value, "{key} of {told}");
    }
    assert_eq!(scene.order(), ["ADD first", "ADD second"]);
    assert_eq!(scene.cached("net-c1-eth0"), None);
}

#[test]
fn a_failing_del_stops_and_the_attachment_stays_remembered() {
    let scene = Scene::with_plugins(&["first", "second", "third"]);
    let mut plugins = three(&scene);
    plugins[1]["fake"]["DEL"] = json!({ "exit": 1 });
    let (cni, list) = (scene.cni(), network("1.0.0", &plugins));
    cni.add_network_list(&background(), &list, &rt()).unwrap();
    scene.forget_calls();
    let error = cni.del_network_list(&background(), &list, &rt()).unwrap_err();
    assert_eq!(
        error.message(),
        "plugin type=\"second\" failed (delete): netplugin failed with no error message: exit status 1"
    );
    assert_eq!(scene.order(), ["DEL third", "DEL second"]);
    assert!(scene.cached("net-c1-eth0").is_some());
}

#[test]
fn nothing_runs_when_a_later_plugin_is_missing_unless_preflight_is_off() {
    let scene = Scene::with_plugins(&["first"]);
    let list = network("1.0.0", &[scene.plugin("first", json!({})), json!({ "type": "absent" })]);
    let expected = format!(
        "plugin type=\"absent\" failed (add): failed to find plugin \"absent\" in path [{}]",
        scene.path("bin").display()
    );
    let error = scene.cni().add_network_list(&background(), &list, &rt()).unwrap_err();
    assert_eq!((error.status(), error.message()), (Status::PluginNotFound, expected.as_str()));
    assert!(scene.calls().is_empty());
    assert!(!scene.path("cache").exists());
    let cni = Cni::new(CniOptions { preflight: false, ..scene.options() });
    let error = cni.add_network_list(&background(), &list, &rt()).unwrap_err();
    assert_eq!(error.message(), expected);
    assert_eq!(scene.order(), ["ADD first"]);
}

#[test]
fn bad_input_is_refused_before_anything_runs_or_is_written() {
    let scene = Scene::with_plugins(&["first"]);
    let good = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let with = |change: fn(&mut cni::RuntimeConf)| {
        let mut rt = rt();
        change(&mut rt);
        scene.cni().add_network_list(&background(), &good, &rt).unwrap_err()
    };
    let prefix = "plugin type=\"first\" failed (add): ";
    let missing = with(|rt| rt.container_id.clear());
    assert_eq!((missing.code(), missing.message()), (3, format!("{prefix}missing containerID").as_str()));
    let crafted = with(|rt| rt.container_id = "../../etc".into());
    assert_eq!(crafted.code(), 4);
    assert_eq!(crafted.message(), format!("{prefix}invalid characters in containerID; ../../etc"));
    assert_eq!(with(|rt| rt.if_name = "a/b".into()).code(), 4);
    for smuggled in [("K;X", "V"), ("K=X", "V"), ("K", "V;X=1"), ("K", "V\0")] {
        let mut rt = rt();
        rt.args = vec![(smuggled.0.into(), smuggled.1.into())];
        let error = scene.cni().add_network_list(&background(), &good, &rt).unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument, "{error}");
    }
    let empty = list(&json!({ "cniVersion": "1.0.0", "name": "net" }));
    let error = scene.cni().add_network_list(&background(), &empty, &rt()).unwrap_err();
    assert_eq!(error.status(), Status::InvalidConfig);
    let bad_name = list(&json!({ "cniVersion": "1.0.0", "name": "a b", "plugins": [{ "type": "first" }] }));
    let error = scene.cni().add_network_list(&background(), &bad_name, &rt()).unwrap_err();
    assert_eq!((error.status(), error.code()), (Status::InvalidConfig, 7));
    assert!(scene.calls().is_empty());
    assert!(!scene.path("cache").exists());
}

#[test]
fn a_crafted_id_cannot_reach_other_files_on_del() {
    let scene = Scene::with_plugins(&["first"]);
    let victim = scene.path("cache").join("victim");
    std::fs::create_dir_all(scene.path("cache").join("results")).unwrap();
    std::fs::write(&victim, "precious").unwrap();
    let list = network("1.0.0", &[scene.plugin("first", json!({}))]);
    for id in ["x/../../victim", "/victim", "", "a\0b"] {
        let mut rt = rt();
        rt.container_id = id.into();
        let error = scene.cni().del_network_list(&background(), &list, &rt).unwrap_err();
        assert_eq!(error.status(), Status::InvalidArgument, "{error}");
    }
    assert!(scene.calls().is_empty());
    assert_eq!(std::fs::read_to_string(victim).unwrap(), "precious");
}

#[test]
fn what_a_plugin_prints_must_be_a_result() {
    let scene = Scene::with_plugins(&["first"]);
    let added = |stdout: Value| {
        let plugin = scene.plugin("first", json!({ "ADD": { "stdout": stdout } }));
        scene.cni().add_network_list(&background(), &network("1.0.0", &[plugin]), &rt())
    };
    let prefix = "plugin type=\"first\" failed (add): ";
    let unknown = added(json!({ "cniVersion": "0.2.3" })).unwrap_err();
    assert_eq!(unknown.message(), format!("{prefix}unsupported CNI result version \"0.2.3\""));
    assert_eq!(unknown.status(), Status::InvalidResult);
    let address = added(json!({ "ips": [{ "address": "10.0.0.1" }] })).unwrap_err();
    assert!(address.message().starts_with(&format!("{prefix}invalid CIDR address: 10.0.0.1")), "{address}");
    assert!(added(json!("no JSON at all")).unwrap_err().facts().stdout.is_some());
    assert_eq!(added(json!("null")).unwrap().version(), "1.0.0");
}

#[test]
fn unknown_keys_of_a_result_survive_within_a_version() {
    let scene = Scene::with_plugins(&["first", "second"]);
    let result = r#"{"cniVersion":"1.0.0","ips":[{"address":"10.1.2.3/24","x":1.50}],"vendor":{"n":1e400}}"#;
    let plugins =
        [scene.plugin("first", json!({ "ADD": { "stdout": result } })), scene.plugin("second", json!({}))];
    let (cni, list) = (scene.cni(), network("1.0.0", &plugins));
    cni.add_network_list(&background(), &list, &rt()).unwrap();
    assert!(scene.calls()[1].stdin.contains(r#""vendor":{"n":1e400}"#));
    cni.del_network_list(&background(), &list, &rt()).unwrap();
    assert!(scene.calls()[3].stdin.contains(r#""x":1.50"#), "{}", scene.calls()[3].stdin);
}

#[test]
fn a_failed_add_is_rolled_back_when_asked() {
    let scene = Scene::with_plugins(&["first", "second"]);
    let plugins = [
        scene.plugin("first", json!({})),
        scene.plugin(
            "second",
            json!({ "ADD": { "exit": 1, "stdout": { "code": 100, "msg": "no" } },
                    "DEL": { "exit": 1, "stdout": { "code": 101, "msg": "cannot undo" } } }),
        ),
    ];
    let cni = Cni::new(CniOptions { rollback: true, ..scene.options() });
    let error = cni.add_network_list(&background(), &network("1.0.0", &plugins), &rt()).unwrap_err();
    assert_eq!(scene.order(), ["ADD first", "ADD second", "DEL second", "DEL first"]);
    assert_eq!((error.status(), error.code()), (Status::Plugin, 100));
    assert!(
        error.message().ends_with(
            "failed (add): no; rollback failed: plugin type=\"second\" failed (delete): cannot undo"
        ),
        "{error}"
    );
    assert_eq!(error.facts().causes[0].code(), 101);
    // The last result of this ADD, not of an earlier one.
    assert!(scene.calls()[2].config()["prevResult"]["interfaces"].is_array());
}

#[test]
fn an_attachment_that_was_there_before_is_not_rolled_back() {
    let scene = Scene::with_plugins(&["first"]);
    let cni = Cni::new(CniOptions { rollback: true, ..scene.options() });
    cni.add_network_list(&background(), &network("1.0.0", &[scene.plugin("first", json!({}))]), &rt())
        .unwrap();
    scene.forget_calls();
    let failing = network("1.0.0", &[scene.plugin("first", json!({ "ADD": { "exit": 1 } }))]);
    cni.add_network_list(&background(), &failing, &rt()).unwrap_err();
    assert_eq!(scene.order(), ["ADD first"]);
    assert!(scene.cached("net-c1-eth0").is_some());
}

#[test]
fn a_host_without_a_cache_passes_the_result_itself() {
    let scene = Scene::with_plugins(&["first"]);
    let cni = Cni::new(CniOptions { cache_dir: cni::CacheDir::Nowhere, ..scene.options() });
    let list = network("1.0.0", &[scene.plugin("first", json!({}))]);
    let result = cni.add_network_list(&background(), &list, &rt()).unwrap();
    let mut rt = rt();
    cni.check_network_list(&background(), &list, &rt).unwrap();
    rt.prev_result = Some(raw(&result.to_json()));
    cni.check_network_list(&background(), &list, &rt).unwrap();
    cni.del_network_list(&background(), &list, &rt).unwrap();
    let has: Vec<_> = scene.calls().iter().map(|call| call.config().get("prevResult").is_some()).collect();
    assert_eq!(has, [false, false, true, true]);
    rt.prev_result = Some(raw("[]"));
    let error = cni.del_network_list(&background(), &list, &rt).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.message().starts_with("invalid prevResult: "), "{error}");
}

#[test]
fn one_plugin_on_its_own_uses_its_own_name_and_version() {
    let scene = Scene::with_plugins(&["first"]);
    let mut plugin = scene.plugin("first", json!({}));
    plugin["name"] = json!("single");
    plugin["cniVersion"] = json!("0.4.0");
    let conf = cni::conf::plugin_conf_from_bytes(plugin.to_string().as_bytes()).unwrap();
    let cni = scene.cni();
    cni.add_network(&background(), &conf, &rt()).unwrap();
    cni.check_network(&background(), &conf, &rt()).unwrap();
    assert!(scene.cached("single-c1-eth0").is_some());
    cni.del_network(&background(), &conf, &rt()).unwrap();
    assert_eq!(scene.order(), ["ADD first", "CHECK first", "DEL first"]);
    assert_eq!(scene.calls()[0].config()["name"], "single");
    plugin["fake"]["ADD"] = json!({ "exit": 1, "stdout": { "code": 7, "msg": "plain" } });
    let conf = cni::conf::plugin_conf_from_bytes(plugin.to_string().as_bytes()).unwrap();
    let error = cni.add_network(&background(), &conf, &rt()).unwrap_err();
    assert_eq!(error.message(), "plain");
}

#[test]
fn plugins_are_found_by_the_names_that_the_call_gives_and_their_requests_stay() {
    let scene = Scene::with_plugins(&["first", "other"]);
    let plugins = [scene.plugin("first", json!({})), scene.plugin("second", json!({}))];
    let (cni, list) = (scene.cni(), network("1.0.0", &plugins));
    let named = |types: &[&str]| {
        let plugin_types = types.iter().map(|name| (*name).to_owned()).collect();
        cni::RuntimeConf { plugin_types, ..rt() }
    };
    let found = named(&["first", "other"]);
    cni.add_network_list(&background(), &list, &found).unwrap();
    cni.check_network_list(&background(), &list, &found).unwrap();
    cni.del_network_list(&background(), &list, &found).unwrap();
    let order = ["ADD first", "ADD other", "CHECK first", "CHECK other", "DEL other", "DEL first"];
    assert_eq!(scene.order(), order);
    assert_eq!(scene.calls()[1].config()["type"], "second");

    let error = cni.add_network_list(&background(), &list, &named(&["first", "absent"])).unwrap_err();
    assert_eq!((error.status(), error.facts().plugin.as_deref()), (Status::PluginNotFound, Some("absent")));
    assert!(error.message().starts_with("plugin type=\"absent\" failed (add): "), "{error}");

    let error = cni.del_network_list(&background(), &list, &named(&["first"])).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert_eq!(error.message(), "pluginTypes has 1 names for a configuration of 2 plugins");
}
