//! The networks of a container: several real ones at once, loopback, undoing, removal whatever was lost meanwhile.

use std::fs;
use std::time::Duration;

use cni::networks::{Container as Wanted, LoopbackPlugin, Networks, SetupResult};
use cni::{Cni, CniOptions, Context, Status};
use serde_json::{Value, json};

use crate::exchange;
use crate::host::{Container, Host};
use crate::netns::Netns;
use crate::node::{blamed, fails, remove, set_up};

rules! {
    both:
        three_networks_are_set_up_one_after_the_other_or_at_the_same_time_with_the_same_result
        loopback_by_the_library_is_that_of_the_program
        the_set_up_of_a_network_in_the_middle_that_fails_leaves_nothing
        without_undo_what_was_attached_stays_and_a_removal_takes_it_away
        what_was_attached_before_is_not_undone
        a_container_is_removed_after_the_directory_was_emptied
        a_container_is_removed_when_its_namespace_is_not_named_or_gone
        a_network_that_got_another_number_is_removed_with_its_interface
        a_check_names_the_network_whose_address_was_deleted_by_hand
        plugins_run_in_the_namespaces_of_the_calling_thread;
    newest:
        port_mappings_reach_the_plugin_that_has_the_capability
        a_network_that_is_not_ready_is_named
        a_deadline_at_any_time_leaves_nothing;
}

/// A bridge, a point to point link and a macvlan, in this order.
fn three_networks(host: &Host) {
    host.net.run("ip link add uplink type veth peer name far");
    host.net.run("ip link set uplink up");
    host.net.run("ip link set far up");
    host.needs_kernel("macvlan", "ip link add probe link uplink type macvlan", "ip link del probe");
    host.put("10-bridge.conflist", "bridged", &[host.numbered_bridge(1), json!({ "type": "tuning" })]);
    let ptp = json!({ "type": "ptp", "ipam": host.host_local(&["10.2.0.0/24"]) });
    host.put("20-ptp.conflist", "direct", &[ptp]);
    let macvlan = json!({
        "type": "macvlan", "master": "uplink", "mode": "bridge", "ipam": host.host_local(&["10.3.0.0/24"]),
    });
    host.put("30-macvlan.conflist", "shared", &[macvlan]);
}

/// Two bridges.
fn two_networks(host: &Host) {
    host.put("10-a.conflist", "a", &[host.numbered_bridge(1)]);
    host.put("20-b.conflist", "b", &[host.numbered_bridge(2)]);
}

/// Fails on ADD, and does nothing on DEL.
fn failing() -> Value {
    json!({ "type": "tuning", "sysctl": { "net.ipv4.no_such_sysctl": "1" } })
}

fn assert_nothing_of(host: &Host, container: &Container, interfaces: &[&str]) {
    assert_eq!(container.net.link_names(), ["lo"]);
    assert_eq!(host.interfaces(), interfaces);
    assert_eq!(host.all_leases(), []);
    assert_eq!(host.cached(), Vec::<String>::new());
}

/// A result without what is new every time: hardware addresses, names of veths, the container's own path.
fn comparable(result: &SetupResult, container: &Container) -> Value {
    let text = result.to_json().replace(container.net.path(), "NETNS");
    let mut json: Value = serde_json::from_str(&text).unwrap();
    let mut known = Vec::new();
    // In the order of the result, which the names of veths do not change.
    for (name, _) in result.interfaces() {
        let mut interface = json["interfaces"][name].take();
        interface.as_object_mut().unwrap().remove("mac");
        known.push(json!([if name.starts_with("veth") { "veth" } else { name }, interface]));
    }
    json["interfaces"] = json!(known);
    for result in json["results"].as_array_mut().unwrap() {
        for interface in result["result"]["interfaces"].as_array_mut().into_iter().flatten() {
            interface.as_object_mut().unwrap().remove("mac");
            if interface["name"].as_str().unwrap().starts_with("veth") {
                interface["name"] = json!("veth");
            }
        }
    }
    json
}

fn three_networks_are_set_up_one_after_the_other_or_at_the_same_time_with_the_same_result(host: &Host) {
    three_networks(host);
    let mut results = Vec::new();
    for parallel in [false, true, true] {
        let networks = host.networks(|options| options.parallel = parallel);
        let container = host.container(&format!("c{}", results.len()));
        // A lease that is free again is not the next one: the same address is asked for.
        let _ = fs::remove_dir_all(host.path("leases"));
        let result = set_up(&networks, &container);
        let order: Vec<_> = result.results().iter().map(|one| (&*one.network, &*one.if_name)).collect();
        assert_eq!(
            order,
            [("cni-loopback", "lo"), ("bridged", "eth0"), ("direct", "eth1"), ("shared", "eth2")]
        );
        for (at, address) in ["10.1.0.2", "10.2.0.2", "10.3.0.2"].iter().enumerate() {
            let name = format!("eth{at}");
            assert_eq!(container.net.addresses(&name), [format!("{address}/24")]);
            let interface = result.interface(&name).unwrap();
            assert_eq!(interface.ips[0].address.unwrap().to_string(), format!("{address}/24"));
            assert_eq!(interface.sandbox, container.net.path());
            let link = container.net.link(&name).unwrap();
            assert_eq!(json!(interface.mac), link["address"], "{name}");
        }
        assert!(container.lo_is_up());
        for address in ["10.1.0.2", "10.2.0.2"] {
            exchange::reaches(&host.net, &container.net, address);
        }
        networks
            .check(&Context::background(), &container.of_networks())
            .unwrap_or_else(|error| panic!("{}", error.to_json()));
        networks.status(&Context::background()).unwrap();
        results.push(comparable(&result, &container));
        remove(&networks, &container);
        assert_nothing_of(host, &container, &["br1", "far", "uplink"]);
        remove(&networks, &container);
    }
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

fn port_mappings_reach_the_plugin_that_has_the_capability(host: &Host) {
    host.needs_iptables();
    let portmap = json!({ "type": "portmap", "capabilities": { "portMappings": true } });
    host.put("10-a.conflist", "a", &[host.numbered_bridge(1)]);
    host.put("20-b.conflist", "b", &[host.numbered_bridge(2), portmap]);
    let networks = host.networks(|options| options.parallel = true);
    let container = host.container("c1");
    let mapped = json!({
        "containerId": "c1", "netns": container.net.path(),
        "capabilityArgs": { "portMappings": [{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }] },
    });
    let mapped = Wanted::from_json(&mapped.to_string()).unwrap();
    let ctx = Context::background();
    networks.setup(&ctx, &mapped).unwrap_or_else(|error| panic!("{}", error.to_json()));
    let (to, listen) = ("10.2.0.1:8080".parse().unwrap(), "10.2.0.2:80".parse().unwrap());
    exchange::tcp(&host.net, to, &container.net, listen);
    networks.check(&ctx, &mapped).unwrap();
    // What was mapped is remembered.
    remove(&networks, &container);
    assert!(host.net.iptables("iptables-save -t nat", "10.2.0.2").is_empty());
    assert_nothing_of(host, &container, &["br1", "br2"]);
}

/// The program is the reference; what it answers, through this layer, the library answers, too.
fn loopback_by_the_library_is_that_of_the_program(host: &Host) {
    let nowhere = || Cni::new(CniOptions { plugin_dirs: vec!["/nowhere".into()], ..host.options() });
    let by = |cni: Cni, plugin: LoopbackPlugin| {
        host.networks_by(cni, |options| {
            options.min_networks = Some(1);
            options.loopback_plugin = plugin;
        })
    };
    let ctx = Context::background();
    let mut told = Vec::new();
    for (id, networks) in [
        ("program", by(host.cni.clone(), LoopbackPlugin::Program)),
        ("builtin", by(nowhere(), LoopbackPlugin::Builtin)),
        ("auto-with", by(host.cni.clone(), LoopbackPlugin::Auto)),
        ("auto-without", by(nowhere(), LoopbackPlugin::Auto)),
    ] {
        let container = host.container(id);
        let lives = |down_by_hand: bool| {
            assert!(!container.lo_is_up(), "{id}");
            let result = set_up(&networks, &container);
            assert!(container.lo_is_up(), "{id}");
            assert_eq!(container.net.addresses("lo"), ["127.0.0.1/8", "::1/128"]);
            networks.check(&ctx, &container.of_networks()).unwrap();
            if down_by_hand {
                container.net.run("ip link set lo down");
            }
            let check = networks.check(&ctx, &container.of_networks()).err();
            let text = |error: &cni::Error| (error.code(), error.message().to_owned());
            (result.to_json().replace(container.net.path(), "NETNS"), check.as_ref().map(text))
        };
        let (result, error) = lives(true);
        assert_eq!(error.as_ref().map(|(code, _)| *code), Some(999), "{id}");
        remove(&networks, &container);
        let (again, none) = lives(false);
        assert_eq!((&again, none), (&result, None));
        remove(&networks, &container);
        let up_after_removal = container.lo_is_up();
        // Without a name there is nothing to be done; of one that is gone likewise.
        set_up(&networks, &container);
        let unnamed = Wanted { netns: String::new(), ..container.of_networks() };
        let unnamed = networks.remove(&ctx, &unnamed).map_err(|error| error.message().to_owned());
        let up_when_unnamed = container.lo_is_up();
        set_up(&networks, &container);
        container.net.remove();
        let gone = networks.remove(&ctx, &container.of_networks());
        let gone = gone.map_err(|error| error.message().replace(container.net.path(), "NETNS"));
        assert_eq!(host.cached(), Vec::<String>::new());
        told.push((id, (result, error, up_after_removal, unnamed, up_when_unnamed, gone)));
    }
    for (id, other) in &told[1..] {
        assert_eq!(&told[0].1, other, "{id}");
    }
}

fn the_set_up_of_a_network_in_the_middle_that_fails_leaves_nothing(host: &Host) {
    host.put("10-a.conflist", "a", &[host.numbered_bridge(1)]);
    host.put("20-b.conflist", "b", &[host.numbered_bridge(2), failing()]);
    host.put("30-c.conflist", "c", &[host.numbered_bridge(3)]);
    host.put("40-d.conflist", "d", &[host.numbered_bridge(4), failing()]);
    let container = host.container("c1");
    for parallel in [false, true] {
        let networks = host.networks(|options| options.parallel = parallel);
        let error = fails(&networks, &container);
        assert_eq!(error.status(), Status::Plugin, "{}", error.to_json());
        // At the same time, every network fails for itself.
        let expected: &[&str] = if parallel { &["b", "d"] } else { &["b"] };
        assert_eq!(blamed(&error), expected, "{}", error.to_json());
        for network in expected {
            let start = format!("failed to set up network \"{network}\" for interface ");
            assert!(error.message().contains(&start), "{error}");
        }
        let bridges: &[&str] = if parallel { &["br1", "br2", "br3", "br4"] } else { &["br1", "br2"] };
        assert_nothing_of(host, &container, bridges);
        assert!(!container.lo_is_up(), "what the set-up brought up is down again");
    }
    // The same container can be set up once it is repaired.
    host.put("20-b.conflist", "b", &[host.numbered_bridge(2)]);
    host.put("40-d.conflist", "d", &[host.numbered_bridge(4)]);
    let networks = host.networks(|_| {});
    set_up(&networks, &container);
    remove(&networks, &container);
    assert_nothing_of(host, &container, &["br1", "br2", "br3", "br4"]);
}

fn without_undo_what_was_attached_stays_and_a_removal_takes_it_away(host: &Host) {
    host.put("10-a.conflist", "a", &[host.numbered_bridge(1)]);
    host.put("20-b.conflist", "b", &[host.numbered_bridge(2), failing()]);
    let networks = host.networks(|options| options.undo = false);
    let container = host.container("c1");
    fails(&networks, &container);
    assert_eq!(container.net.link_names(), ["eth0", "eth1", "lo"]);
    assert_eq!(host.all_leases().len(), 2);
    assert_eq!(host.cached(), ["a-c1-eth0", "cni-loopback-c1-lo"]);
    remove(&networks, &container);
    assert_nothing_of(host, &container, &["br1", "br2"]);
}

fn what_was_attached_before_is_not_undone(host: &Host) {
    two_networks(host);
    let networks = host.networks(|_| {});
    let container = host.container("c1");
    set_up(&networks, &container);
    // The bridge refuses a second eth0.
    let error = fails(&networks, &container);
    assert_eq!(error.status(), Status::Plugin);
    assert_eq!(container.net.link_names(), ["eth0", "eth1", "lo"]);
    networks.check(&Context::background(), &container.of_networks()).unwrap();
    remove(&networks, &container);
    assert_nothing_of(host, &container, &["br1", "br2"]);
}

fn a_container_is_removed_after_the_directory_was_emptied(host: &Host) {
    two_networks(host);
    let networks = host.networks(|_| {});
    let container = host.container("c1");
    set_up(&networks, &container);
    for file in ["10-a.conflist", "20-b.conflist"] {
        fs::remove_file(host.conf_dir().join(file)).unwrap();
    }
    networks.load(None).unwrap();
    assert_eq!(fails(&networks, &container).status(), Status::NetworkNotFound);
    remove(&networks, &container);
    assert_nothing_of(host, &container, &["br1", "br2"]);

    // And by a process that never loaded them.
    two_networks(host);
    set_up(&host.networks(|_| {}), &container);
    fs::remove_dir_all(host.conf_dir()).unwrap();
    remove(&host.networks(|_| {}), &container);
    assert_nothing_of(host, &container, &["br1", "br2"]);
}

fn a_container_is_removed_when_its_namespace_is_not_named_or_gone(host: &Host) {
    two_networks(host);
    let networks = host.networks(|options| options.parallel = true);
    let ctx = Context::background();
    let unnamed = host.container("unnamed");
    set_up(&networks, &unnamed);
    networks.remove(&ctx, &Wanted { netns: String::new(), ..unnamed.of_networks() }).unwrap();
    assert_eq!((host.all_leases(), host.cached()), (vec![], vec![]));
    unnamed.net.remove();

    let gone = host.container("gone");
    set_up(&networks, &gone);
    gone.net.remove();
    networks.remove(&ctx, &gone.of_networks()).unwrap_or_else(|error| panic!("{}", error.to_json()));
    assert_eq!((host.all_leases(), host.cached()), (vec![], vec![]));
    // The kernel takes the interfaces away with the namespace, some time later.
    let gone = || host.interfaces() == ["br1", "br2"];
    for _ in 0..1000 {
        if gone() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{:?}", host.interfaces());
}

fn a_network_that_got_another_number_is_removed_with_its_interface(host: &Host) {
    host.put("20-b.conflist", "b", &[host.numbered_bridge(2)]);
    let networks = host.networks(|_| {});
    let container = host.container("c1");
    set_up(&networks, &container);
    host.put("10-a.conflist", "a", &[host.numbered_bridge(1)]);
    networks.load(None).unwrap();
    // The new one wants the interface that the old one has. Nothing of the old one is taken for it.
    let error = fails(&networks, &container);
    assert_eq!(blamed(&error), ["a"], "{}", error.to_json());
    assert_eq!(container.net.addresses("eth0"), ["10.2.0.2/24"]);
    let error = networks.check(&Context::background(), &container.of_networks()).unwrap_err();
    assert_eq!(blamed(&error), ["a"], "{}", error.to_json());
    remove(&networks, &container);
    assert_nothing_of(host, &container, &["br1", "br2"]);
}

fn a_check_names_the_network_whose_address_was_deleted_by_hand(host: &Host) {
    two_networks(host);
    let networks = host.networks(|_| {});
    let container = host.container("c1");
    set_up(&networks, &container);
    let ctx = Context::background();
    networks.check(&ctx, &container.of_networks()).unwrap();
    container.net.run("ip address del 10.2.0.2/24 dev eth1");
    let error = networks.check(&ctx, &container.of_networks()).unwrap_err();
    assert_eq!(error.status(), Status::Plugin);
    assert_eq!(blamed(&error), ["b"], "{}", error.to_json());
    assert!(error.message().starts_with("failed to check network \"b\" for interface \"eth1\": "), "{error}");
    remove(&networks, &container);
    assert_nothing_of(host, &container, &["br1", "br2"]);
}

fn a_network_that_is_not_ready_is_named(host: &Host) {
    let ledger = json!({ "type": "ledger", "ledger": host.path("ledger") });
    host.put("10-a.conflist", "a", &[host.numbered_bridge(1)]);
    host.put("20-b.conflist", "b", &[host.numbered_bridge(2), ledger]);
    let networks = host.networks(|_| {});
    let ctx = Context::background();
    let error = networks.status(&ctx).unwrap_err();
    assert_eq!((error.status(), error.code()), (Status::Plugin, 50));
    assert!(error.message().starts_with("network \"b\" is not ready: the ledger is missing"), "{error}");
    fs::create_dir(host.path("ledger")).unwrap();
    networks.status(&ctx).unwrap();
    let late = Context::with_timeout(Duration::ZERO).unwrap();
    assert_eq!(networks.status(&late).unwrap_err().status(), Status::Timeout);
}

/// However far the plugins had come when they were ended.
fn a_deadline_at_any_time_leaves_nothing(host: &Host) {
    let hanging = host.path("bin");
    fs::create_dir(&hanging).unwrap();
    let program = hanging.join("hanging");
    fs::write(&program, "#!/bin/sh\n[ $CNI_COMMAND = ADD ] && exec sleep 3600\n:\n").unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut options = host.options();
    options.plugin_dirs.push(hanging);
    options.kill_grace = Duration::from_millis(10);
    two_networks(host);
    host.put("30-c.conflist", "c", &[host.numbered_bridge(3)]);
    // The bridges are there, and stay: one that is half made by a plugin that was ended is none that the next one takes.
    let first = host.container("first");
    set_up(&host.networks(|_| {}), &first);
    host.put("30-c.conflist", "c", &[host.numbered_bridge(3), json!({ "type": "hanging" })]);
    // host-local that is ended between two system calls leaves the file of a lease that is nobody's.
    let leases =
        || -> Vec<_> { host.all_leases().into_iter().filter(|(_, owner)| !owner.is_empty()).collect() };
    let state = || (host.interfaces(), leases(), host.cached());
    let before = state();
    let container = host.container("c1");
    for parallel in [false, true] {
        let networks = host.networks_by(Cni::new(options.clone()), |options| options.parallel = parallel);
        for ms in [0, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300] {
            let ctx = Context::with_timeout(Duration::from_millis(ms)).unwrap();
            let error = networks.setup(&ctx, &container.of_networks()).unwrap_err();
            assert_eq!(error.status(), Status::Timeout, "{ms} ms: {}", error.to_json());
            assert_eq!(container.net.link_names(), ["lo"], "{ms} ms");
            assert_eq!(state(), before, "{ms} ms");
        }
    }
    remove(&host.networks(|_| {}), &first);
    assert_eq!((first.net.link_names(), leases(), host.cached()), (vec!["lo".into()], vec![], vec![]));
}

/// The host's end of a network is made where the caller is, by whatever thread.
fn plugins_run_in_the_namespaces_of_the_calling_thread(host: &Host) {
    two_networks(host);
    let elsewhere = Netns::create("elsewhere");
    let networks: &Networks = &host.networks(|options| options.parallel = true);
    let container = host.container("c1");
    elsewhere.inside(|| {
        set_up(networks, &container);
    });
    let names = elsewhere.link_names();
    assert!(names.contains(&"br1".into()) && names.contains(&"br2".into()), "{names:?}");
    assert_eq!(host.interfaces(), Vec::<String>::new());
    exchange::reaches(&elsewhere, &container.net, "10.1.0.2");
    elsewhere.inside(|| remove(networks, &container));
    assert_nothing_of(host, &container, &[]);
    assert_eq!(elsewhere.link_names(), ["br1", "br2", "lo"]);
}
