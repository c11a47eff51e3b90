//! The plugins that make other interfaces: loopback, ptp, macvlan.

use cni::{Context, conf};
use serde_json::json;

use crate::exchange;
use crate::host::{BOTH, Container, Host, IPV4, ips};

rules! {
    both:
        loopback_is_up_after_add_and_down_after_del
        a_ptp_container_and_the_host_reach_each_other
        macvlan_containers_reach_each_other
        a_single_plugin_is_added_checked_and_deleted;
    newest:;
}

fn lo_is_up(container: &Container) -> bool {
    let lo = container.net.link("lo").unwrap();
    lo["flags"].as_array().unwrap().contains(&json!("UP"))
}

fn loopback_is_up_after_add_and_down_after_del(host: &Host) {
    let list = host.named_network("lo", host.version(), &[json!({ "type": "loopback" })]);
    let container = host.container("c1");
    let mut rt = container.rt();
    rt.if_name = "lo".into();
    assert!(!lo_is_up(&container));
    host.add(&list, &rt);
    assert!(lo_is_up(&container));
    assert_eq!(container.net.addresses("lo"), ["127.0.0.1/8", "::1/128"]);
    exchange::reaches(&container.net, &container.net, "127.0.0.1");
    host.check(&list, &rt);
    container.net.run("ip link set lo down");
    assert_eq!(host.try_check(&list, &rt).unwrap_err().message(), "loopback interface is down");
    host.del(&list, &rt);
    assert!(!lo_is_up(&container));
}

fn a_ptp_container_and_the_host_reach_each_other(host: &Host) {
    let mut ipam = host.host_local(BOTH);
    ipam["routes"] = json!([{ "dst": "0.0.0.0/0" }, { "dst": "::/0" }]);
    let list = host.network(&[json!({ "type": "ptp", "ipam": ipam })]);
    let container = host.container("c1");
    let result = host.add(&list, &container.rt());
    assert_eq!(ips(&result), ["10.20.0.2", "fd20::2"]);
    // Every packet goes through the host, also to neighbours.
    assert!(container.net.routes("-4").contains(&"default via 10.20.0.1".into()));
    let peer = container.peer(&host.net);
    assert_eq!(host.net.addresses(&peer), ["10.20.0.1/32", "fd20::1/128"]);
    for (address, gateway) in [("10.20.0.2", "10.20.0.1"), ("fd20::2", "fd20::1")] {
        exchange::reaches(&host.net, &container.net, address);
        exchange::reaches(&container.net, &host.net, gateway);
    }
    host.check(&list, &container.rt());
    host.del(&list, &container.rt());
    assert_eq!(container.net.link_names(), ["lo"]);
    assert!(host.net.link(&peer).is_none());
    assert_eq!(host.leases(), []);
}

fn macvlan_containers_reach_each_other(host: &Host) {
    host.net.run("ip link add uplink type veth peer name far");
    host.net.run("ip link set uplink up");
    host.net.run("ip link set far up");
    host.needs_kernel("macvlan", "ip link add probe link uplink type macvlan", "ip link del probe");
    let macvlan = json!({
        "type": "macvlan", "master": "uplink", "mode": "bridge", "ipam": host.host_local(IPV4),
    });
    let list = host.network(&[macvlan]);
    let (one, two) = (host.container("c1"), host.container("c2"));
    host.add(&list, &one.rt());
    host.add(&list, &two.rt());
    let link = one.net.link("eth0").unwrap();
    assert_eq!(link["linkinfo"]["info_kind"], "macvlan");
    assert_eq!(link["linkinfo"]["info_data"]["mode"], "bridge");
    assert_eq!(one.net.addresses("eth0"), ["10.20.0.2/24"]);
    exchange::reaches(&one.net, &two.net, "10.20.0.3");
    host.check(&list, &one.rt());
    host.del(&list, &one.rt());
    host.del(&list, &two.rt());
    assert_eq!(one.net.link_names(), ["lo"]);
    assert_eq!(host.leases(), []);
}

/// The operations on one plugin, without a list around it.
fn a_single_plugin_is_added_checked_and_deleted(host: &Host) {
    let mut bridge = host.bridge(IPV4);
    bridge["name"] = json!("net");
    bridge["cniVersion"] = json!(host.version());
    let plugin = conf::plugin_conf_from_bytes(bridge.to_string().as_bytes()).unwrap();
    let container = host.container("c1");
    let (ctx, rt) = (Context::background(), container.rt());
    assert_eq!(host.cni.validate_network(&ctx, &plugin).unwrap(), Vec::<String>::new());
    let result = host.cni.add_network(&ctx, &plugin, &rt).unwrap();
    assert_eq!(container.net.addresses("eth0"), ["10.20.0.2/24"]);
    exchange::reaches(&host.net, &container.net, "10.20.0.2");
    let cached = host.cni.get_network_cached_result(&plugin, &rt).unwrap().unwrap();
    assert_eq!(cached.to_json(), result.to_json());
    let config = host.cni.get_network_cached_config(&plugin, &rt).unwrap().unwrap();
    assert_eq!(config.config, plugin.bytes());
    host.cni.check_network(&ctx, &plugin, &rt).unwrap();
    host.cni.del_network(&ctx, &plugin, &rt).unwrap();
    host.cni.del_network(&ctx, &plugin, &rt).unwrap();
    assert_eq!(container.net.link_names(), ["lo"]);
    assert_eq!(host.leases(), []);
    assert!(host.cached().is_empty());
}
