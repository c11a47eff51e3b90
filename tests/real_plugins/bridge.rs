//! Containers on a bridge: the main job, in IPv4, IPv6 and both.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::exchange;
use crate::host::{BOTH, Container, Host, IPV4, IPV6, ips};

rules! {
    both:
        an_ipv4_container_is_attached_checked_and_deleted
        an_ipv6_container_is_attached_checked_and_deleted
        a_container_with_both_families_is_attached_checked_and_deleted
        containers_of_a_network_reach_each_other
        masquerading_is_set_up_and_taken_away
        two_interfaces_of_a_container_are_two_attachments
        an_mtu_of_the_network_is_the_links;
    newest: masquerading_by_nftables_is_set_up_and_taken_away;
}

fn an_ipv4_container_is_attached_checked_and_deleted(host: &Host) {
    life_of_an_attachment(host, IPV4, &["10.20.0.2/24"], &["10.20.0.1/24"]);
}

fn an_ipv6_container_is_attached_checked_and_deleted(host: &Host) {
    life_of_an_attachment(host, IPV6, &["fd20::2/64"], &["fd20::1/64"]);
}

fn a_container_with_both_families_is_attached_checked_and_deleted(host: &Host) {
    life_of_an_attachment(host, BOTH, &["10.20.0.2/24", "fd20::2/64"], &["10.20.0.1/24", "fd20::1/64"]);
}

/// ADD, everything it made, CHECK, DEL, and nothing of it left.
fn life_of_an_attachment(host: &Host, subnets: &[&str], addresses: &[&str], gateways: &[&str]) {
    let list = host.network(&[host.bridge(subnets)]);
    let container = host.container("c1");
    let rt = container.rt();
    let result = host.add(&list, &rt);

    // The addresses: in the result, on the interface, on disk.
    let of_result: Vec<_> = result["ips"].as_array().unwrap().iter().map(|ip| &ip["address"]).collect();
    assert_eq!(of_result, addresses);
    assert_eq!(container.net.addresses("eth0"), addresses);
    let owner = "c1 eth0".to_owned();
    let leases: Vec<_> = ips(&result).into_iter().map(|address| (address, owner.clone())).collect();
    assert_eq!(host.leases(), leases);
    assert_eq!(host.net.addresses("cni0"), gateways);

    // The interfaces of the result are those of the kernel, on the host and in the container.
    let interfaces = result["interfaces"].as_array().unwrap();
    let peer = container.peer(&host.net);
    for (name, net, sandbox) in
        [("cni0", &host.net, None), (&peer, &host.net, None), ("eth0", &container.net, Some(&rt.netns))]
    {
        let interface = interfaces.iter().find(|interface| interface["name"] == name).unwrap();
        let link = net.link(name).unwrap();
        assert_eq!(interface["mac"], link["address"], "{name}");
        assert_eq!(interface["sandbox"].as_str(), sandbox.map(String::as_str), "{name}");
        if let Some(mtu) = interface.get("mtu") {
            assert_eq!(*mtu, link["mtu"], "{name}");
        }
    }
    assert_eq!(host.net.link(&peer).unwrap()["master"], "cni0");

    // The way out, and packets both ways.
    for (family, gateway) in gateways.iter().map(|gateway| gateway.split_once('/').unwrap().0).map(family_of)
    {
        assert_eq!(container.net.routes(family), [format!("default via {gateway}")]);
        exchange::reaches(&container.net, &host.net, gateway);
    }
    for address in ips(&result) {
        exchange::reaches(&host.net, &container.net, &address);
    }

    host.check(&list, &rt);
    assert_eq!(host.cached(), ["net-c1-eth0"]);
    host.del(&list, &rt);
    assert_gone(host, &container, &peer);
}

fn family_of(address: &str) -> (&'static str, &str) {
    (if address.contains(':') { "-6" } else { "-4" }, address)
}

fn assert_gone(host: &Host, container: &Container, peer: &str) {
    assert_eq!(container.net.link_names(), ["lo"]);
    assert!(host.net.link(peer).is_none(), "{peer} is left");
    assert_eq!(host.leases(), []);
    assert!(host.cached().is_empty(), "{:?}", host.cached());
}

fn containers_of_a_network_reach_each_other(host: &Host) {
    let list = host.network(&[host.bridge(BOTH)]);
    let (one, two) = (host.container("c1"), host.container("c2"));
    let of_one = ips(&host.add(&list, &one.rt()));
    let of_two = ips(&host.add(&list, &two.rt()));
    for address in &of_two {
        exchange::reaches(&one.net, &two.net, address);
    }
    // The one that stays is not touched when the other goes.
    host.del(&list, &two.rt());
    host.check(&list, &one.rt());
    assert_eq!(two.net.link_names(), ["lo"]);
    for address in &of_one {
        exchange::reaches(&host.net, &one.net, address);
    }
    assert_eq!(host.cached(), ["net-c1-eth0"]);
}

fn masquerading_is_set_up_and_taken_away(host: &Host) {
    host.needs_iptables();
    masquerading(host, json!({}), &|| host.net.iptables("iptables-save -t nat", "MASQUERADE"));
}

fn masquerading_by_nftables_is_set_up_and_taken_away(host: &Host) {
    host.needs_nftables();
    masquerading(host, json!({ "ipMasqBackend": "nftables" }), &|| host.net.nftables(" masquerade comment"));
}

/// A container behind the host reaches another network, whose machines see the host.
fn masquerading(host: &Host, backend: Value, rules: &dyn Fn() -> Vec<String>) {
    let mut bridge = host.bridge(IPV4);
    bridge["ipMasq"] = json!(true);
    bridge.as_object_mut().unwrap().extend(backend.as_object().unwrap().clone());
    let list = host.network(&[bridge]);
    let container = host.container("c1");
    host.add(&list, &container.rt());
    assert_eq!(rules().len(), 1, "{:?}", rules());

    // A neighbour that knows nothing of the containers' network.
    let neighbour = host.container("neighbour");
    host.net.run("ip link add out type veth peer name in netns neighbour");
    host.net.run("ip addr add 192.0.2.1/24 dev out");
    host.net.run("ip link set out up");
    neighbour.net.run("ip addr add 192.0.2.2/24 dev in");
    neighbour.net.run("ip link set in up");
    let server: SocketAddr = "192.0.2.2:8000".parse().unwrap();
    let seen = exchange::tcp(&container.net, server, &neighbour.net, server);
    assert_eq!(seen.to_string(), "192.0.2.1");

    host.del(&list, &container.rt());
    assert!(rules().is_empty(), "{:?}", rules());
}

fn two_interfaces_of_a_container_are_two_attachments(host: &Host) {
    let list = host.network(&[host.bridge(IPV4)]);
    let mut second = host.bridge(&["10.30.0.0/24"]);
    second["bridge"] = json!("cni1");
    second["isDefaultGateway"] = json!(false);
    let other = host.named_network("other", host.version(), &[second]);
    let container = host.container("c1");
    let mut net1 = container.rt();
    net1.if_name = "net1".into();
    host.add(&list, &container.rt());
    host.add(&other, &net1);
    assert_eq!(container.net.link_names(), ["eth0", "lo", "net1"]);
    assert_eq!(container.net.addresses("net1"), ["10.30.0.2/24"]);
    assert_eq!(host.leases_of("other"), [("10.30.0.2".into(), "c1 net1".into())]);
    assert_eq!(host.cached(), ["net-c1-eth0", "other-c1-net1"]);
    host.check(&other, &net1);
    host.del(&list, &container.rt());
    host.check(&other, &net1);
    assert_eq!(container.net.link_names(), ["lo", "net1"]);
    host.del(&other, &net1);
    assert_eq!(container.net.link_names(), ["lo"]);
    assert_eq!(host.leases_of("other"), []);
}

fn an_mtu_of_the_network_is_the_links(host: &Host) {
    let mut bridge = host.bridge(IPV4);
    bridge["mtu"] = json!(1400);
    let list = host.network(&[bridge]);
    let container = host.container("c1");
    host.add(&list, &container.rt());
    let peer = container.peer(&host.net);
    for link in [container.net.link("eth0"), host.net.link(&peer), host.net.link("cni0")] {
        assert_eq!(link.unwrap()["mtu"], 1400);
    }
    host.check(&list, &container.rt());
    host.del(&list, &container.rt());
}
