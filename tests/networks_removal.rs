//! What is asked of a container whose networks were loaded otherwise when it was set up: other numbers, other files, another
//! cache. Plugins write down what they are asked.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;

use cni::networks::{Container, ContainerNetwork, DirLoad, Networks, NetworksOptions, Origin, Source};
use cni::{AttachmentFilter, CacheDir, Cni, CniOptions, Status};
use common::{Scene, background};
use serde_json::{Value, json};

/// A list of one fake plugin, as a file of the configuration directory.
fn write(scene: &Scene, file: &str, name: &str, does: Value) {
    fs::create_dir_all(scene.path("net.d")).unwrap();
    fs::write(scene.path("net.d").join(file), list(scene, name, does)).unwrap();
}

fn list(scene: &Scene, name: &str, does: Value) -> String {
    json!({ "cniVersion": "1.1.0", "name": name, "plugins": [scene.plugin("fake", does)] }).to_string()
}

fn scene() -> Scene {
    Scene::with_plugins(&["fake"])
}

fn networks_of(scene: &Scene, cni: Cni) -> Networks {
    let options = NetworksOptions {
        sources: vec![Origin::Dir { path: Some(scene.path("net.d")), load: DirLoad::All }.into()],
        loopback: false,
        ..NetworksOptions::default()
    };
    Networks::new(cni, options).unwrap()
}

fn networks(scene: &Scene) -> Networks {
    networks_of(scene, scene.cni())
}

fn container(scene: &Scene) -> Container {
    fs::write(scene.path("netns"), "").unwrap();
    let netns = scene.path("netns").to_str().unwrap().to_owned();
    Container { container_id: "c1".into(), netns, ..Container::default() }
}

fn named(names: &[(&str, Option<&str>)]) -> Option<Vec<ContainerNetwork>> {
    let of = |(name, if_name): &(&str, Option<&str>)| ContainerNetwork {
        name: String::from(*name),
        if_name: if_name.map(str::to_owned),
        ..ContainerNetwork::default()
    };
    Some(names.iter().map(of).collect())
}

/// Which networks were asked what, for which interface, since the last time.
fn asked(scene: &Scene) -> Vec<String> {
    let of = |call: &common::Call| {
        let name = call.config()["name"].as_str().unwrap().to_owned();
        format!("{} {name} {}", call.command, call.env["CNI_IFNAME"])
    };
    let asked = scene.calls().iter().map(of).collect();
    scene.forget_calls();
    asked
}

fn remembered(cni: &Cni) -> usize {
    cni.get_cached_attachments(&AttachmentFilter::default()).unwrap().len()
}

#[test]
fn a_network_that_got_another_number_is_checked_and_removed_with_the_interface_that_it_has() {
    let scene = scene();
    write(&scene, "20-b.conflist", "b", json!({}));
    let networks = networks(&scene);
    let container = container(&scene);
    networks.setup(&background(), &container).unwrap();
    write(&scene, "10-a.conflist", "a", json!({}));
    networks.load(None).unwrap();
    assert_eq!(asked(&scene), ["ADD b eth0"]);

    let error = networks.check(&background(), &container).unwrap_err();
    assert_eq!(error.status(), Status::NotAdded, "it is not in the new network");
    assert_eq!(asked(&scene), ["CHECK b eth0"]);

    networks.remove(&background(), &container).unwrap();
    // A DEL of a network that it was never in, with an interface that was the other one's, comes last.
    assert_eq!(asked(&scene), ["DEL b eth0", "DEL a eth0"]);
    assert_eq!(remembered(&scene.cni()), 0);
}

#[test]
fn networks_that_changed_their_numbers_with_each_other_are_removed_as_they_were_set_up() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    write(&scene, "2.conflist", "b", json!({}));
    let networks = networks(&scene);
    let container = container(&scene);
    networks.setup(&background(), &container).unwrap();
    write(&scene, "1.conflist", "b", json!({}));
    write(&scene, "2.conflist", "a", json!({}));
    networks.load(None).unwrap();
    networks.check(&background(), &container).unwrap();
    networks.remove(&background(), &container).unwrap();
    assert_eq!(
        asked(&scene),
        ["ADD a eth0", "ADD b eth1", "CHECK b eth1", "CHECK a eth0", "DEL a eth0", "DEL b eth1"]
    );
    assert_eq!(remembered(&scene.cni()), 0);
}

#[test]
fn a_set_up_that_fails_takes_no_interface_from_a_network_that_had_it() {
    let scene = scene();
    write(&scene, "20-b.conflist", "b", json!({}));
    let networks = networks(&scene);
    let container = container(&scene);
    networks.setup(&background(), &container).unwrap();
    // It wants the interface that the other one has, and a real plugin would refuse.
    write(&scene, "10-a.conflist", "a", json!({ "ADD": { "exit": 1 } }));
    networks.load(None).unwrap();
    networks.setup(&background(), &container).unwrap_err();
    assert_eq!(asked(&scene), ["ADD b eth0", "ADD a eth0"]);
    assert_eq!(remembered(&scene.cni()), 1);
}

#[test]
fn networks_that_a_container_names_are_removed_also_when_they_are_not_loaded_any_more() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    write(&scene, "2.conflist", "b", json!({}));
    write(&scene, "3.conflist", "c", json!({}));
    let networks = networks(&scene);
    let named = named(&[("a", None), ("b", Some("net0")), ("c", None)]);
    let container = Container { networks: named, ..container(&scene) };
    networks.setup(&background(), &container).unwrap();
    for file in ["2.conflist", "3.conflist"] {
        fs::remove_file(scene.path("net.d").join(file)).unwrap();
    }
    networks.load(None).unwrap();
    asked(&scene);
    // The same container has more interfaces, which are not this call's.
    let other = self::named(&[("a", None), ("c", None)]);
    networks.remove(&background(), &Container { networks: other, ..container.clone() }).unwrap();
    assert_eq!(asked(&scene), ["DEL a eth0", "DEL c eth2"]);
    networks.remove(&background(), &container).unwrap();
    assert_eq!(asked(&scene), ["DEL a eth0", "DEL b net0"]);
    networks.remove(&background(), &container).unwrap();
    assert_eq!(remembered(&scene.cni()), 0);
}

#[test]
fn without_a_cache_a_network_that_is_named_and_not_loaded_is_an_error_after_all_others() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    let cni = Cni::new(CniOptions { cache_dir: CacheDir::Nowhere, ..scene.options() });
    let container = Container { networks: named(&[("gone", None), ("a", None)]), ..container(&scene) };
    let error = networks_of(&scene, cni).remove(&background(), &container).unwrap_err();
    assert_eq!(error.status(), Status::NetworkNotFound);
    assert_eq!(error.message(), "no network of the name \"gone\" is loaded (loaded: a)");
    assert_eq!(asked(&scene), ["DEL a eth0"]);
}

/// A set-up refuses them; what is there is removed all the same.
#[test]
fn two_networks_with_the_same_interface_are_both_removed() {
    let scene = scene();
    let source =
        |name: &str| Source { origin: Origin::ConfList(list(&scene, name, json!({}))), index: Some(7) };
    let options = NetworksOptions {
        sources: vec![source("a"), source("b")],
        loopback: false,
        ..NetworksOptions::default()
    };
    let networks = Networks::new(scene.cni(), options).unwrap();
    let error = networks.setup(&background(), &container(&scene)).unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    networks.remove(&background(), &container(&scene)).unwrap();
    assert_eq!(asked(&scene), ["DEL b eth7", "DEL a eth7"]);
}

#[test]
fn what_the_containers_own_cache_remembers_is_removed() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    write(&scene, "2.conflist", "b", json!({}));
    let options = CniOptions { cache_dir: CacheDir::default(), ..scene.options() };
    let networks = networks_of(&scene, Cni::new(options));
    let container = Container { cache_dir: Some(scene.path("own")), ..container(&scene) };
    networks.setup(&background(), &container).unwrap();
    fs::remove_file(scene.path("net.d/2.conflist")).unwrap();
    networks.load(None).unwrap();
    asked(&scene);
    networks.remove(&background(), &container).unwrap();
    assert_eq!(asked(&scene), ["DEL a eth0", "DEL b eth1"]);
    assert_eq!(fs::read_dir(scene.path("own/results")).unwrap().count(), 0);
}

/// As an ADD alone does; nobody can tell by it whether the container is attached.
#[test]
fn a_remembered_entry_of_no_use_stops_no_set_up_and_is_undone_only_as_far_as_it_went() {
    let scene = scene();
    write(&scene, "1.conflist", "a", json!({}));
    write(&scene, "2.conflist", "b", json!({}));
    let networks = networks(&scene);
    let container = container(&scene);
    let spoil = || {
        fs::create_dir_all(scene.path("cache/results")).unwrap();
        for entry in ["a-c1-eth0", "b-c1-eth1"] {
            fs::write(scene.cache_file(entry), "{").unwrap();
        }
    };
    spoil();
    networks.setup(&background(), &container).unwrap();
    assert_eq!(
        (asked(&scene), remembered(&scene.cni())),
        (vec!["ADD a eth0".into(), "ADD b eth1".into()], 2)
    );
    networks.remove(&background(), &container).unwrap();
    asked(&scene);

    write(&scene, "2.conflist", "b", json!({ "ADD": { "exit": 1 } }));
    networks.load(None).unwrap();
    spoil();
    networks.setup(&background(), &container).unwrap_err();
    assert_eq!(asked(&scene), ["ADD a eth0", "ADD b eth1", "DEL a eth0"]);
}
