//! The bandwidth plugin: queueing disciplines on the host's end of the pair, and an ifb for the other way.

use cni::RuntimeConf;
use serde_json::{Value, json};

use crate::exchange;
use crate::host::{Container, Host, IPV4};

rules! {
    both:
        limits_of_the_configuration_are_queueing_disciplines
        limits_of_the_capability_are_queueing_disciplines
        a_limit_changed_by_hand_fails_check;
    newest:;
}

const INGRESS: u64 = 8_000_000;
const EGRESS: u64 = 4_000_000;

fn limits() -> Value {
    json!({
        "ingressRate": INGRESS, "ingressBurst": 800_000, "egressRate": EGRESS, "egressBurst": 400_000,
    })
}

fn limits_of_the_configuration_are_queueing_disciplines(host: &Host) {
    let mut bandwidth = limits();
    bandwidth["type"] = json!("bandwidth");
    life_of_limits(host, &bandwidth, |container| container.rt());
}

fn limits_of_the_capability_are_queueing_disciplines(host: &Host) {
    let bandwidth = json!({ "type": "bandwidth", "capabilities": { "bandwidth": true } });
    life_of_limits(host, &bandwidth, |container| container.rt_with("bandwidth", &limits()));
}

/// The rate of an interface's token bucket, in bits per second.
fn rate(host: &Host, interface: &str) -> Option<u64> {
    let qdiscs = host.net.qdiscs(interface);
    let tbf = qdiscs.iter().find(|qdisc| qdisc["kind"] == "tbf")?;
    // Printed in bytes per second.
    Some(tbf["options"]["rate"].as_u64().expect("a rate") * 8)
}

fn ifbs(host: &Host) -> Vec<String> {
    let names = host.net.link_names();
    names.into_iter().filter(|name| name.starts_with("bwp")).collect()
}

fn life_of_limits(host: &Host, bandwidth: &Value, rt: impl Fn(&Container) -> RuntimeConf) {
    host.needs_traffic_control();
    let list = host.network(&[host.bridge(IPV4), bandwidth.clone()]);
    let container = host.container("c1");
    let rt = rt(&container);
    let result = host.add(&list, &rt);
    // What the container gets is limited on the host's end, what it sends on an ifb that it is diverted to.
    let peer = container.peer(&host.net);
    assert_eq!(rate(host, &peer), Some(INGRESS));
    let ifbs_there = ifbs(host);
    assert_eq!(ifbs_there.len(), 1, "{ifbs_there:?}");
    assert_eq!(rate(host, &ifbs_there[0]), Some(EGRESS));
    let kinds: Vec<_> = host.net.qdiscs(&peer).iter().map(|qdisc| qdisc["kind"].clone()).collect();
    assert!(kinds.contains(&json!("ingress")) || kinds.contains(&json!("clsact")), "{kinds:?}");
    let interfaces = result["interfaces"].as_array().unwrap();
    assert!(interfaces.iter().any(|interface| interface["name"] == ifbs_there[0].as_str()));
    exchange::reaches(&host.net, &container.net, "10.20.0.2");
    host.check(&list, &rt);
    host.del(&list, &rt);
    assert!(ifbs(host).is_empty());
    assert!(host.net.link(&peer).is_none());
}

fn a_limit_changed_by_hand_fails_check(host: &Host) {
    host.needs_traffic_control();
    let mut bandwidth = limits();
    bandwidth["type"] = json!("bandwidth");
    let list = host.network(&[host.bridge(IPV4), bandwidth]);
    let container = host.container("c1");
    host.add(&list, &container.rt());
    host.check(&list, &container.rt());
    let peer = container.peer(&host.net);
    host.net.run(&format!("tc qdisc replace dev {peer} root tbf rate 1mbit burst 32kbit latency 400ms"));
    let error = host.try_check(&list, &container.rt()).unwrap_err();
    assert_eq!(error.facts().plugin.as_deref(), Some("bandwidth"));
    assert_eq!(error.message(), "Rate doesn't match");
    host.del(&list, &container.rt());
    assert!(ifbs(host).is_empty());
}
