//! All plugins that go together in one chain.

use cni::RuntimeConf;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::exchange;
use crate::host::{BOTH, Container, Host, IPV4, ips};

rules! {
    both:
        every_plugin_of_a_long_chain_does_its_part_and_undoes_it
        a_plugin_hears_what_the_one_before_it_changed;
    newest:;
}

const MAC: &str = "02:11:22:33:44:55";

/// A container with an argument of every capability.
fn with_all_arguments(container: &Container) -> RuntimeConf {
    let raw = |value: Value| RawValue::from_string(value.to_string()).unwrap();
    let capability_args = [
        ("ips", raw(json!(["10.20.0.9/24", "fd20::9/64"]))),
        ("mac", raw(json!(MAC))),
        ("portMappings", raw(json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }]))),
        ("bandwidth", raw(json!({ "ingressRate": 8_000_000, "ingressBurst": 800_000 }))),
        ("unknown", raw(json!(null))),
    ];
    RuntimeConf {
        capability_args: capability_args.map(|(name, value)| (name.to_owned(), value)).into(),
        ..container.rt()
    }
}

fn every_plugin_of_a_long_chain_does_its_part_and_undoes_it(host: &Host) {
    host.needs_iptables();
    host.needs_traffic_control();
    let mut bridge = host.bridge(BOTH);
    bridge["capabilities"] = json!({ "ips": true });
    let sysctl = json!({ "net.core.somaxconn": "500" });
    let list = host.network(&[
        bridge,
        json!({ "type": "tuning", "capabilities": { "mac": true }, "sysctl": sysctl }),
        json!({ "type": "bandwidth", "capabilities": { "bandwidth": true } }),
        json!({ "type": "firewall", "backend": "iptables" }),
        json!({ "type": "portmap", "capabilities": { "portMappings": true } }),
    ]);
    let container = host.container("c1");
    let rt = with_all_arguments(&container);
    let before = host.net.link_names();
    let result = host.add(&list, &rt);

    assert_eq!(ips(&result), ["10.20.0.9", "fd20::9"]);
    assert_eq!(container.net.addresses("eth0"), ["10.20.0.9/24", "fd20::9/64"]);
    assert_eq!(container.net.link("eth0").unwrap()["address"], MAC);
    assert_eq!(container.net.sysctl("core/somaxconn"), "500");
    let peer = container.peer(&host.net);
    assert!(host.net.qdiscs(&peer).iter().any(|qdisc| qdisc["kind"] == "tbf"));
    let rules = |save: &str, text: &str| host.net.iptables(save, text).len();
    assert_eq!(rules("iptables-save -t filter", "10.20.0.9/32"), 2);
    assert_eq!(rules("ip6tables-save -t filter", "fd20::9/128"), 2);
    for (gateway, address) in [("10.20.0.1:8080", "10.20.0.9:80"), ("[fd20::1]:8080", "[fd20::9]:80")] {
        exchange::tcp(&host.net, gateway.parse().unwrap(), &container.net, address.parse().unwrap());
    }
    host.check_with_portmap(&list, &rt);

    host.del(&list, &rt);
    assert_eq!(container.net.link_names(), ["lo"]);
    let left: Vec<_> = host.net.link_names().into_iter().filter(|name| !before.contains(name)).collect();
    assert_eq!(left, ["cni0"]);
    assert_eq!((rules("iptables-save", "10.20.0.9"), rules("ip6tables-save", "fd20::9")), (0, 0));
    assert_eq!(host.leases(), []);
    assert!(host.cached().is_empty());
}

fn a_plugin_hears_what_the_one_before_it_changed(host: &Host) {
    let list = host.network(&[
        host.bridge(IPV4),
        json!({ "type": "tuning", "mac": MAC }),
        json!({ "type": "tuning", "mtu": 1300 }),
    ]);
    let container = host.container("c1");
    let result = host.add(&list, &container.rt());
    // The last plugin passes on what it was told: the second one's result, not the first one's.
    let interfaces = result["interfaces"].as_array().unwrap();
    assert!(interfaces.iter().any(|interface| interface["name"] == "eth0" && interface["mac"] == MAC));
    let link = container.net.link("eth0").unwrap();
    assert_eq!((&link["address"], &link["mtu"]), (&json!(MAC), &json!(1300)));
    host.check(&list, &container.rt());
    host.del(&list, &container.rt());
}
