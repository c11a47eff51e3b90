//! The networks of a container: loading, set-up, removal, results, with plugins that write down what they are asked.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cni::networks::{
    Container, ContainerNetwork, DirLoad, LoopbackPlugin, Networks, NetworksOptions, Origin, Watch,
    WatchOptions,
};
use cni::{AttachmentFilter, Context, Result, Status};
use common::{Scene, background};
use serde_json::{Value, json};

fn conf_dir(scene: &Scene) -> PathBuf {
    let dir = scene.path("net.d");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// A network of one plugin of the same name, in a file.
fn write(scene: &Scene, file: &str, name: &str, does: Value) {
    let plugin = scene.plugin("fake", does);
    let list = json!({ "cniVersion": "1.1.0", "name": name, "plugins": [plugin] });
    fs::write(conf_dir(scene).join(file), list.to_string()).unwrap();
}

fn options(scene: &Scene) -> NetworksOptions {
    NetworksOptions {
        conf_dir: conf_dir(scene),
        sources: vec![Origin::Dir { path: None, load: DirLoad::All }.into()],
        loopback: false,
        ..NetworksOptions::default()
    }
}

fn networks(scene: &Scene) -> Networks {
    Networks::new(scene.cni(), options(scene)).unwrap()
}

fn container(scene: &Scene) -> Container {
    fs::write(scene.path("netns"), "").unwrap();
    let netns = scene.path("netns").to_str().unwrap().to_owned();
    Container { container_id: "c1".into(), netns, ..Container::default() }
}

fn scene() -> Scene {
    Scene::with_plugins(&["fake"])
}

/// Which networks were asked what, for which interface.
fn asked(scene: &Scene) -> Vec<String> {
    let of = |call: &common::Call| {
        let name = call.config()["name"].as_str().unwrap().to_owned();
        format!("{} {name} {}", call.command, call.env["CNI_IFNAME"])
    };
    scene.calls().iter().map(of).collect()
}

fn names(networks: &Networks) -> Vec<String> {
    let snapshot = networks.config();
    snapshot.networks().iter().map(|network| format!("{} {}", network.name(), network.if_name())).collect()
}

fn problems(networks: &Networks) -> Vec<String> {
    networks.config().problems().iter().map(|problem| problem.error.message().to_owned()).collect()
}

fn in_result(ip: &str, interface: i64) -> Value {
    json!({ "ADD": { "stdout": {
        "cniVersion": "1.1.0",
        "interfaces": [
            { "name": "veth0", "mac": "00:00:00:00:00:01" },
            { "name": "eth0", "mac": "00:00:00:00:00:02", "sandbox": "/run/netns/x", "mtu": 1400, "pciID": "0000:01" }
        ],
        "ips": [{ "address": ip, "gateway": "10.0.0.1", "interface": interface }],
        "routes": [{ "dst": "0.0.0.0/0" }],
        "dns": { "nameservers": ["10.0.0.1"] }
    } } })
}

#[test]
fn all_networks_of_a_directory_are_set_up_in_file_order_and_removed_in_reverse() {
    let scene = scene();
    write(&scene, "20-b.conflist", "b", json!({}));
    write(&scene, "10-a.conflist", "a", json!({}));
    let networks = networks(&scene);
    assert_eq!(names(&networks), ["a eth0", "b eth1"]);
    let container = container(&scene);
    networks.setup(&background(), &container).unwrap();
    networks.check(&background(), &container).unwrap();
    networks.status(&background()).unwrap();
    networks.remove(&background(), &Container { netns: String::new(), ..container.clone() }).unwrap();
    assert_eq!(
        asked(&scene),
        [
            "ADD a eth0",
            "ADD b eth1",
            "CHECK a eth0",
            "CHECK b eth1",
            "STATUS a ",
            "STATUS b ",
            "DEL b eth1",
            "DEL a eth0"
        ]
    );
    networks.remove(&background(), &container).unwrap();
    let metrics: Value = serde_json::from_str(&networks.metrics().to_json()).unwrap();
    let count = |operation: &str| metrics[operation]["total"].as_u64().unwrap();
    assert_eq!([count("set_up_pod"), count("tear_down_pod"), count("add"), count("del")], [1, 2, 2, 4]);
}

#[test]
fn the_default_network_is_the_first_one_and_max_networks_bounds_all_of_them() {
    let scene = scene();
    for at in 0..5 {
        write(&scene, &format!("1{at}.conflist"), &format!("n{at}"), json!({}));
    }
    let load = |sources, max_networks| {
        Networks::new(scene.cni(), NetworksOptions { sources, max_networks, ..options(&scene) }).unwrap()
    };
    assert_eq!(names(&load(Vec::new(), 0)), ["n0 eth0"]);
    let all = vec![Origin::Dir { path: None, load: DirLoad::All }.into()];
    assert_eq!(names(&load(all.clone(), 2)), ["n0 eth0", "n1 eth1"]);
    assert_eq!(names(&load(all, 0)).len(), 5);
}

#[test]
fn results_are_added_up() {
    let scene = scene();
    write(&scene, "1.conflist", "a", in_result("10.0.0.5/24", 1));
    write(
        &scene,
        "2.conflist",
        "b",
        json!({ "ADD": { "stdout": {
        "cniVersion": "0.4.0", "ips": [{ "version": "4", "address": "10.1.0.5/24" }]
    } } }),
    );
    let result = networks(&scene).setup(&background(), &container(&scene)).unwrap();
    let json: Value = serde_json::from_str(&result.to_json()).unwrap();
    assert_eq!(
        json["interfaces"],
        json!({
            "veth0": { "network": "a", "mac": "00:00:00:00:00:01", "ips": [] },
            "eth0": {
                "network": "a", "mac": "00:00:00:00:00:02", "sandbox": "/run/netns/x", "mtu": 1400, "pciID": "0000:01",
                "ips": [{ "address": "10.0.0.5/24", "gateway": "10.0.0.1" }]
            },
            "eth1": { "network": "b", "ips": [{ "address": "10.1.0.5/24" }] }
        })
    );
    assert_eq!(json["dns"], json!([{ "nameservers": ["10.0.0.1"] }, {}]));
    assert_eq!(json["routes"], json!([{ "dst": "0.0.0.0/0" }]));
    assert_eq!(json["results"][1]["result"]["cniVersion"], "0.4.0");
    let order: Vec<&str> = result.interfaces().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(order, ["veth0", "eth0", "eth1"]);
}

#[test]
fn an_address_of_an_interface_that_is_not_there_is_an_invalid_result_and_is_undone() {
    for index in [-1, 2, i64::MAX] {
        let scene = scene();
        write(&scene, "1.conflist", "a", in_result("10.0.0.5/24", index));
        let error = networks(&scene).setup(&background(), &container(&scene)).unwrap_err();
        assert_eq!(error.status(), Status::InvalidResult);
        assert!(error.message().contains("network \"a\""), "{error}");
        assert_eq!(asked(&scene), ["ADD a eth0", "DEL a eth0"]);
    }
}

#[test]
fn a_failure_is_undone_in_reverse_and_every_error_is_told() {
    for parallel in [false, true] {
        let scene = scene();
        write(&scene, "1.conflist", "good", json!({}));
        let fails = json!({
            "ADD": { "stdout": { "code": 111, "msg": "no" }, "exit": 1 },
            "DEL": { "stdout": { "code": 112, "msg": "neither" }, "exit": 1 }
        });
        write(&scene, "2.conflist", "bad", fails);
        let networks = Networks::new(scene.cni(), NetworksOptions { parallel, ..options(&scene) }).unwrap();
        let error = networks.setup(&background(), &container(&scene)).unwrap_err();
        assert_eq!((error.status(), error.code()), (Status::Plugin, 111));
        let causes: Vec<u32> = error.facts().causes.iter().map(cni::Error::code).collect();
        assert_eq!(causes, [111, 112]);
        assert_eq!(error.facts().causes[0].facts().attachment.as_ref().unwrap().network_name, "bad");
        let mut asked = asked(&scene);
        assert_eq!(asked.split_off(2), ["DEL bad eth1", "DEL good eth0"]);
        asked.sort();
        assert_eq!(asked, ["ADD bad eth1", "ADD good eth0"]);
        assert!(scene.cni().get_cached_attachments(&AttachmentFilter::default()).unwrap().is_empty());
    }
}

#[test]
fn without_undo_what_was_attached_stays_and_what_was_there_before_is_never_undone() {
    let scene = scene();
    write(&scene, "1.conflist", "good", json!({}));
    write(&scene, "2.conflist", "bad", json!({ "ADD": { "exit": 1 } }));
    let keep = Networks::new(scene.cni(), NetworksOptions { undo: false, ..options(&scene) }).unwrap();
    keep.setup(&background(), &container(&scene)).unwrap_err();
    assert_eq!(asked(&scene), ["ADD good eth0", "ADD bad eth1"]);
    scene.forget_calls();
    // `good` is attached by now.
    networks(&scene).setup(&background(), &container(&scene)).unwrap_err();
    assert_eq!(asked(&scene), ["ADD good eth0", "ADD bad eth1", "DEL bad eth1"]);
}

#[test]
fn parallel_networks_run_at_the_same_time() {
    let scene = scene();
    // Each opens its fifo for writing, which waits for a reader; the reader opens the last one first.
    let fifo = |name: &str| scene.path(name).to_str().unwrap().to_owned();
    for name in ["a", "b", "c"] {
        let path = std::ffi::CString::new(fifo(name)).unwrap();
        // SAFETY: the path is NUL-terminated.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        write(&scene, &format!("{name}.conflist"), name, json!({ "ADD": { "fifo": fifo(name) } }));
    }
    let networks = Networks::new(scene.cni(), NetworksOptions { parallel: true, ..options(&scene) }).unwrap();
    let container = container(&scene);
    let result = std::thread::scope(|scope| {
        let setup = scope.spawn(|| networks.setup(&background(), &container).unwrap());
        for name in ["c", "b", "a"] {
            fs::read(fifo(name)).unwrap();
        }
        setup.join().unwrap()
    });
    let order: Vec<&str> = result.results().iter().map(|result| result.network.as_str()).collect();
    assert_eq!(order, ["a", "b", "c"]);
}

#[test]
fn what_is_wrong_with_a_container_shows_before_a_plugin_runs() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    let networks = networks(&scene);
    let good = container(&scene);
    let wrong = |change: &dyn Fn(&mut Container)| {
        let mut container = good.clone();
        change(&mut container);
        let error = networks.setup(&background(), &container).unwrap_err();
        (error.status(), error.code(), error.message().to_owned())
    };
    let gone = wrong(&|container| container.netns = "/no/such".into());
    assert_eq!(gone, (Status::InvalidArgument, 8, "the network namespace /no/such does not exist".into()));
    assert_eq!(wrong(&|container| container.netns.clear()).1, 8);
    assert_eq!(wrong(&|container| container.container_id.clear()).1, 3);
    assert_eq!(wrong(&|container| container.container_id = "../x".into()).1, 4);
    let network = |name: &str, if_name: &str| ContainerNetwork {
        name: name.into(),
        if_name: Some(if_name.into()),
        ..ContainerNetwork::default()
    };
    let unknown = wrong(&|container| container.networks = Some(vec![network("b", "eth0")]));
    assert_eq!(unknown.0, Status::NetworkNotFound);
    assert!(unknown.2.contains("\"b\" is loaded (loaded: a)"), "{}", unknown.2);
    let twice = wrong(&|container| container.networks = Some(vec![network("a", "x"), network("a", "x")]));
    assert!(twice.2.contains("would both have the interface \"x\""), "{}", twice.2);
    let long = wrong(&|container| container.networks = Some(vec![network("a", "sixteen-bytes-xx")]));
    assert!(
        long.2.contains("network \"a\": interface \"sixteen-bytes-xx\": interface name is too long"),
        "{}",
        long.2
    );
    assert!(asked(&scene).is_empty());
}

#[test]
fn networks_are_chosen_with_their_own_interface_and_arguments() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    write(&scene, "2.conflist", "b", json!({}));
    let container = Container::from_json(
        &json!({
            "containerId": "c1", "netns": container(&scene).netns, "cniArgs": [["A", "1"], ["B", "2"]],
            "networks": [{ "name": "b", "ifName": "net0", "cniArgs": [["B", "3"]] }]
        })
        .to_string(),
    )
    .unwrap();
    networks(&scene).setup(&background(), &container).unwrap();
    assert_eq!(asked(&scene), ["ADD b net0"]);
    assert_eq!(scene.calls()[0].env["CNI_ARGS"], "A=1;B=3");
}

#[test]
fn a_node_that_cannot_bring_loopback_up_is_not_ready() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    let with = |loopback_plugin| {
        let options = NetworksOptions { loopback: true, loopback_plugin, ..options(&scene) };
        Networks::new(scene.cni(), options).unwrap().status(&background())
    };
    with(LoopbackPlugin::Auto).unwrap();
    with(LoopbackPlugin::Builtin).unwrap();
    let error = with(LoopbackPlugin::Program).unwrap_err();
    assert_eq!(error.status(), Status::PluginNotFound);
    let expected = "network \"cni-loopback\" is not ready: failed to find plugin \"loopback\" in path [";
    assert!(error.message().starts_with(expected), "{error}");
}

#[test]
fn a_node_without_networks_is_not_ready_and_says_why() {
    let scene = scene();
    let error = networks(&scene).status(&background()).unwrap_err();
    assert_eq!(error.status(), Status::NetworkNotFound);
    let empty = format!(
        "the networks are not ready: 0 of at least 1 are loaded (configurations are in {}, which has no .conflist, .conf or \
         .json file)",
        conf_dir(&scene).display()
    );
    assert_eq!(error.message(), empty);
    let with_loopback = NetworksOptions { loopback: true, ..options(&scene) };
    let error = Networks::new(scene.cni(), with_loopback).unwrap().status(&background()).unwrap_err();
    assert!(error.message().contains("1 of at least 2 are loaded, loopback included"), "{error}");
    fs::write(conf_dir(&scene).join("1.conflist"), "{").unwrap();
    let error = networks(&scene).setup(&background(), &container(&scene)).unwrap_err();
    assert!(error.message().contains("1.conflist"), "{error}");
    let nowhere = NetworksOptions { conf_dir: scene.path("nowhere"), ..options(&scene) };
    let nowhere = Networks::new(scene.cni(), nowhere).unwrap();
    let error = nowhere.status(&background()).unwrap_err();
    assert!(error.message().contains("nowhere, which does not exist)"), "{error}");
}

#[test]
fn a_node_with_many_broken_files_tells_of_some() {
    let scene = scene();
    for at in 0..100 {
        fs::write(conf_dir(&scene).join(format!("{at:02}.conflist")), "{").unwrap();
    }
    let networks = networks(&scene);
    assert_eq!(problems(&networks).len(), 100);
    let error = networks.status(&background()).unwrap_err();
    assert_eq!(error.message().matches("not loaded: ").count(), 10);
    assert!(error.message().ends_with("; and 90 more"), "{error}");
}

#[test]
fn a_second_file_with_the_same_network_is_reported_and_left_out() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    write(&scene, "2.conflist", "a", json!({}));
    let networks = networks(&scene);
    assert_eq!(names(&networks), ["a eth0"]);
    let [problem] = &problems(&networks)[..] else { panic!() };
    let (first, second) = (conf_dir(&scene).join("1.conflist"), conf_dir(&scene).join("2.conflist"));
    let left_out =
        format!("{} is left out: the network \"a\" is already that of {}", second.display(), first.display());
    assert_eq!(*problem, left_out);
    // Who wants two hears which file is not the second.
    let two = NetworksOptions { min_networks: Some(2), ..options(&scene) };
    let error = Networks::new(scene.cni(), two).unwrap().status(&background()).unwrap_err();
    assert!(error.message().ends_with(&format!("not loaded: {left_out}")), "{error}");
    // The name counts in its directory alone: another source may have it, too.
    let here = Origin::Dir { path: None, load: DirLoad::All };
    let text = Origin::ConfList(fs::read_to_string(first).unwrap());
    let sources = vec![text.into(), here.into()];
    let both = Networks::new(scene.cni(), NetworksOptions { sources, ..options(&scene) }).unwrap();
    assert_eq!(names(&both), ["a eth0", "a eth1"]);
    assert_eq!(problems(&both), [left_out]);
}

/// It is there, and what it leads to may have been a network: an administrator has to hear of it.
#[test]
fn a_link_that_leads_nowhere_is_reported_and_hides_no_other_file() {
    let scene = scene();
    write(&scene, "2.conflist", "b", json!({}));
    symlink(scene.path("nowhere"), conf_dir(&scene).join("1.conflist")).unwrap();
    let networks = networks(&scene);
    assert_eq!(names(&networks), ["b eth0"]);
    let problems = problems(&networks);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("1.conflist: No such file"), "{problems:?}");
}

/// Files that vanish at any time: each load has what stays, and what vanished is no error.
#[test]
fn a_file_that_vanishes_while_it_is_read_is_gone() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    write(&scene, "9.conflist", "z", json!({}));
    let networks = networks(&scene);
    let (here, there) = (conf_dir(&scene).join("5.conflist"), scene.path("elsewhere"));
    // A drop-in plugin of the first network comes and goes as well.
    fs::create_dir(conf_dir(&scene).join("a")).unwrap();
    let (drop_in, no_drop_in) = (conf_dir(&scene).join("a/1.conf"), conf_dir(&scene).join("a/none"));
    fs::write(&no_drop_in, r#"{"type":"another"}"#).unwrap();
    fs::copy(conf_dir(&scene).join("1.conflist"), &there).unwrap();
    let text = fs::read_to_string(&there).unwrap().replace(r#""name":"a""#, r#""name":"m""#);
    fs::write(&there, text).unwrap();
    let loads = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while loads.load(Ordering::Relaxed) < 500 {
                fs::rename(&there, &here).unwrap();
                fs::rename(&no_drop_in, &drop_in).unwrap();
                fs::rename(&here, &there).unwrap();
                fs::rename(&drop_in, &no_drop_in).unwrap();
            }
        });
        // However a load ends, the other thread ends, too.
        while loads.fetch_add(1, Ordering::Relaxed) < 500 {
            let loaded = networks.load(None).map(|snapshot| {
                let of = |network: &cni::networks::Network| network.name().to_owned();
                let problem = |problem: &cni::networks::LoadProblem| problem.error.to_string();
                let names = snapshot.networks().iter().map(of);
                names.chain(snapshot.problems().iter().map(problem)).collect::<Vec<_>>()
            });
            let seen = loaded.inspect_err(|_| loads.store(500, Ordering::Relaxed)).unwrap();
            if seen != ["a", "z"] && seen != ["a", "m", "z"] {
                loads.store(500, Ordering::Relaxed);
                panic!("{seen:?}");
            }
        }
    });
    networks.load(None).unwrap();
    assert_eq!((names(&networks).len(), problems(&networks)), (2, Vec::new()));
}

#[test]
fn a_thousand_networks_are_set_up_and_the_one_whose_interface_is_too_long_is_named() {
    let scene = scene();
    for at in 0..1000 {
        write(&scene, &format!("{at:04}.conflist"), &format!("n{at}"), json!({}));
    }
    let prefix = NetworksOptions { interface_prefix: "twelve-bytes".into(), ..options(&scene) };
    let networks = Networks::new(scene.cni(), prefix).unwrap();
    networks.setup(&background(), &Container { parallel: Some(true), ..container(&scene) }).unwrap();
    assert_eq!(scene.calls().len(), 1000);
    scene.forget_calls();
    let longer = NetworksOptions { interface_prefix: "thirteen-byte".into(), ..options(&scene) };
    let longer = Networks::new(scene.cni(), longer).unwrap();
    let error = longer.setup(&background(), &container(&scene)).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.message().contains("network \"n100\": interface \"thirteen-byte100\""), "{error}");
    assert!(scene.calls().is_empty());
    // Nor does the node say that it is ready.
    let error = longer.status(&background()).unwrap_err();
    let first = &error.facts().causes[0];
    assert_eq!((error.status(), error.facts().causes.len()), (Status::InvalidArgument, 900));
    assert!(
        first.message().starts_with("network \"n100\" is not ready: interface \"thirteen-byte100\""),
        "{first}"
    );
    let too_long = NetworksOptions { interface_prefix: "fifteen-bytes-x".into(), ..options(&scene) };
    let error = Networks::new(scene.cni(), too_long).unwrap_err();
    assert!(error.message().contains("interfacePrefix"), "{error}");
}

#[test]
fn a_container_is_removed_with_what_it_was_set_up_with_also_when_its_network_is_gone() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    write(&scene, "2.conflist", "b", json!({}));
    let networks = networks(&scene);
    let container = container(&scene);
    networks.setup(&background(), &container).unwrap();
    scene.forget_calls();
    fs::remove_file(conf_dir(&scene).join("2.conflist")).unwrap();
    let list = json!({ "cniVersion": "1.1.0", "name": "a", "plugins": [{ "type": "another" }] });
    fs::write(conf_dir(&scene).join("1.conflist"), list.to_string()).unwrap();
    networks.load(None).unwrap();
    networks.remove(&background(), &container).unwrap();
    assert_eq!(asked(&scene), ["DEL a eth0", "DEL b eth1"]);
    assert!(scene.cni().get_cached_attachments(&AttachmentFilter::default()).unwrap().is_empty());
}

#[test]
fn removal_goes_on_after_failures_and_tells_them_all() {
    let scene = scene();
    let fails = |code: u32| json!({ "DEL": { "stdout": { "code": code, "msg": "no" }, "exit": 1 } });
    write(&scene, "1.conflist", "a", fails(101));
    write(&scene, "2.conflist", "b", json!({}));
    write(&scene, "3.conflist", "c", fails(103));
    let error = networks(&scene).remove(&background(), &container(&scene)).unwrap_err();
    assert_eq!(error.facts().causes.iter().map(cni::Error::code).collect::<Vec<_>>(), [103, 101]);
    assert_eq!(asked(&scene), ["DEL c eth2", "DEL b eth1", "DEL a eth0"]);
}

#[test]
fn a_cancelled_set_up_is_undone() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    let fifo = scene.path("fifo");
    let path = std::ffi::CString::new(fifo.to_str().unwrap()).unwrap();
    // SAFETY: the path is NUL-terminated.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    write(&scene, "2.conflist", "b", json!({ "ADD": { "fifo": fifo, "hang": true } }));
    let networks = networks(&scene);
    let ctx = Context::new(cni::ContextOptions::default()).unwrap();
    let container = container(&scene);
    let error = std::thread::scope(|scope| {
        let setup = scope.spawn(|| networks.setup(&ctx, &container).unwrap_err());
        let running = fs::File::open(&fifo).unwrap();
        ctx.cancel();
        let error = setup.join().unwrap();
        drop(running);
        error
    });
    assert_eq!(error.status(), Status::Cancelled);
    assert_eq!(asked(&scene), ["ADD a eth0", "ADD b eth1", "DEL b eth1", "DEL a eth0"]);
}

#[test]
fn sources_that_name_something_must_be_good_and_a_load_that_fails_changes_nothing() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    let networks = networks(&scene);
    let before = networks.config().generation();
    for source in [
        Origin::ConfListFile(scene.path("nowhere")),
        Origin::ConfList("{".into()),
        Origin::ConfList(r#"{"name":"x"}"#.into()),
        Origin::Conf("[]".into()),
    ] {
        networks.load(Some(vec![source.into()])).unwrap_err();
    }
    assert_eq!((names(&networks), networks.config().generation()), (vec!["a eth0".to_owned()], before));
    networks.load(None).unwrap();
    assert_eq!(networks.config().generation(), before);
    let conf = Origin::Conf(r#"{"cniVersion":"1.0.0","name":"x","type":"fake"}"#.into());
    networks.load(Some(vec![conf.into()])).unwrap();
    assert_eq!((names(&networks), networks.config().generation()), (vec!["x eth0".to_owned()], before + 1));
}

/// Waits for a change; generous, because it is a limit for a test that fails.
fn next(watch: &Watch) -> Result<cni::networks::Change> {
    watch.wait(&Context::with_timeout(Duration::from_secs(30)).unwrap())
}

fn watched(scene: &Scene) -> (Networks, Watch) {
    let networks = networks(scene);
    let watch = networks.watch(WatchOptions { debounce: Duration::from_millis(10) }).unwrap();
    let first = next(&watch).unwrap();
    assert!(first.plugins && !first.networks);
    (networks, watch)
}

/// Waits until the networks are these.
fn until(networks: &Networks, watch: &Watch, expected: &[&str]) {
    while names(networks) != expected {
        next(watch).unwrap();
    }
}

#[test]
fn files_that_come_go_and_change_are_noticed() {
    let scene = scene();
    let (networks, watch) = watched(&scene);
    write(&scene, "1.conflist", "a", json!({}));
    until(&networks, &watch, &["a eth0"]);
    write(&scene, "1.conflist", "b", json!({}));
    until(&networks, &watch, &["b eth0"]);
    write(&scene, ".2.tmp", "c", json!({}));
    fs::rename(conf_dir(&scene).join(".2.tmp"), conf_dir(&scene).join("0.conflist")).unwrap();
    until(&networks, &watch, &["c eth0", "b eth1"]);
    fs::remove_file(conf_dir(&scene).join("1.conflist")).unwrap();
    until(&networks, &watch, &["c eth0"]);
    fs::write(scene.path("bin/new"), "").unwrap();
    assert!(next(&watch).unwrap().plugins);
}

#[test]
fn drop_in_plugins_are_noticed() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    let (networks, watch) = watched(&scene);
    let plugins = || networks.config().networks()[0].list().plugins().len();
    fs::create_dir(conf_dir(&scene).join("a")).unwrap();
    fs::write(conf_dir(&scene).join("a/x.conf"), r#"{"type":"fake"}"#).unwrap();
    while plugins() != 2 {
        next(&watch).unwrap();
    }
    fs::remove_dir_all(conf_dir(&scene).join("a")).unwrap();
    while plugins() != 1 {
        next(&watch).unwrap();
    }
}

#[test]
fn a_broken_file_keeps_the_network_that_it_had() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    let (networks, watch) = watched(&scene);
    fs::write(conf_dir(&scene).join("1.conflist"), r#"{"cniVersion":"1.0.0","na"#).unwrap();
    while problems(&networks).is_empty() {
        next(&watch).unwrap();
    }
    assert_eq!(names(&networks), ["a eth0"]);
    networks.setup(&background(), &container(&scene)).unwrap();
    write(&scene, "1.conflist", "b", json!({}));
    until(&networks, &watch, &["b eth0"]);
    assert!(problems(&networks).is_empty());
}

#[test]
fn a_directory_that_is_removed_and_made_again_is_still_watched() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    let (networks, watch) = watched(&scene);
    for round in 0..3 {
        fs::remove_dir_all(conf_dir(&scene)).unwrap();
        until(&networks, &watch, &[]);
        write(&scene, "1.conflist", &format!("n{round}"), json!({}));
        until(&networks, &watch, &[&format!("n{round} eth0")]);
    }
}

#[test]
fn a_directory_that_comes_with_all_its_parents_is_noticed() {
    let scene = scene();
    let dir = scene.path("not/there/yet");
    let options = NetworksOptions { conf_dir: dir.clone(), ..options(&scene) };
    let networks = Networks::new(scene.cni(), options).unwrap();
    let watch = networks.watch(WatchOptions { debounce: Duration::from_millis(10) }).unwrap();
    next(&watch).unwrap();
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("1.conf"), r#"{"cniVersion":"1.0.0","name":"x","type":"fake"}"#).unwrap();
    until(&networks, &watch, &["x eth0"]);
}

#[test]
fn links_that_are_swapped_as_kubernetes_does_are_noticed() {
    let scene = scene();
    let dir = conf_dir(&scene);
    let version = |name: &str, network: &str| {
        fs::create_dir(dir.join(name)).unwrap();
        let conf = format!(r#"{{"cniVersion":"1.0.0","name":"{network}","type":"fake"}}"#);
        fs::write(dir.join(name).join("10-x.conf"), conf).unwrap();
        symlink(name, dir.join("..data_tmp")).unwrap();
        fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
    };
    version("..1", "one");
    symlink("..data/10-x.conf", dir.join("10-x.conf")).unwrap();
    let (networks, watch) = watched(&scene);
    assert_eq!(names(&networks), ["one eth0"]);
    version("..2", "two");
    until(&networks, &watch, &["two eth0"]);
    fs::remove_dir_all(dir.join("..1")).unwrap();
    version("..3", "three");
    until(&networks, &watch, &["three eth0"]);
}

#[test]
fn the_state_after_a_storm_of_changes_is_always_noticed() {
    let scene = scene();
    let (networks, watch) = watched(&scene);
    let dir = conf_dir(&scene);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let dir = &dir;
            scope.spawn(move || {
                for change in 0..500 {
                    let path = dir.join(format!("{thread}.conf"));
                    match change % 4 {
                        0 => fs::write(&path, "{").unwrap(),
                        3 => fs::remove_file(&path).unwrap(),
                        _ => {
                            let conf = format!(
                                r#"{{"cniVersion":"1.0.0","name":"n{thread}-{change}","type":"fake"}}"#
                            );
                            fs::write(&path, conf).unwrap();
                        }
                    }
                }
                let last = format!(r#"{{"cniVersion":"1.0.0","name":"last{thread}","type":"fake"}}"#);
                fs::write(dir.join(format!("{thread}.conf")), last).unwrap();
            });
        }
        until(&networks, &watch, &["last0 eth0", "last1 eth1", "last2 eth2", "last3 eth3"]);
    });
    assert!(problems(&networks).is_empty());
}

#[test]
fn other_sources_are_watched_once_they_are_loaded() {
    let scene = scene();
    let (networks, watch) = watched(&scene);
    let file = scene.path("elsewhere.conf");
    let conf = |name: &str| format!(r#"{{"cniVersion":"1.0.0","name":"{name}","type":"fake"}}"#);
    fs::write(&file, conf("x")).unwrap();
    networks.load(Some(vec![Origin::ConfFile(file.clone()).into()])).unwrap();
    until(&networks, &watch, &["x eth0"]);
    next(&watch).unwrap();
    fs::write(&file, conf("y")).unwrap();
    until(&networks, &watch, &["y eth0"]);
    fs::remove_file(&file).unwrap();
    while problems(&networks).is_empty() {
        next(&watch).unwrap();
    }
    assert_eq!(names(&networks), ["y eth0"]);
}

#[test]
fn waiting_for_a_change_ends_with_the_context() {
    let scene = scene();
    let (_networks, watch) = watched(&scene);
    let ctx = Context::with_timeout(Duration::from_millis(1)).unwrap();
    assert_eq!(watch.wait(&ctx).unwrap_err().status(), Status::Timeout);
    let ctx = Context::new(cni::ContextOptions::default()).unwrap();
    ctx.cancel();
    assert_eq!(
        watch.changes(&ctx).map(|change| change.unwrap_err().status()).collect::<Vec<_>>(),
        [Status::Cancelled]
    );
}
