//! Addresses: leases of host-local, and static ones, from the configuration, a capability or `CNI_ARGS`.

use cni::Status;
use serde_json::{Value, json};

use crate::host::{BOTH, Host, IPV4, ips};

rules! {
    both:
        an_address_of_the_ips_capability_is_leased
        an_address_of_cni_args_is_leased
        an_address_that_is_leased_is_refused_and_its_owner_keeps_it
        a_range_without_free_addresses_is_the_plugins_error
        a_released_address_can_be_leased_again
        a_capability_that_the_plugin_does_not_declare_does_not_reach_it
        static_addresses_and_routes_of_the_configuration_are_on_the_interface
        static_addresses_of_a_capability_are_on_the_interface
        static_addresses_of_cni_args_are_on_the_interface
        dns_of_the_network_is_in_the_result;
    newest: attributes_of_routes_are_in_the_result_and_the_kernel_has_the_route;
}

fn an_address_of_the_ips_capability_is_leased(host: &Host) {
    let mut bridge = host.bridge(BOTH);
    bridge["capabilities"] = json!({ "ips": true });
    let list = host.network(&[bridge]);
    let container = host.container("c1");
    let rt = container.rt_with("ips", &json!(["10.20.0.77/24", "fd20::77/64"]));
    let result = host.add(&list, &rt);
    assert_eq!(ips(&result), ["10.20.0.77", "fd20::77"]);
    assert_eq!(container.net.addresses("eth0"), ["10.20.0.77/24", "fd20::77/64"]);
    let owner = || "c1 eth0".to_owned();
    assert_eq!(host.leases(), [("10.20.0.77".into(), owner()), ("fd20::77".into(), owner())]);
    host.check(&list, &rt);
    host.del(&list, &rt);
    assert_eq!(host.leases(), []);
}

fn an_address_of_cni_args_is_leased(host: &Host) {
    let list = host.network(&[host.bridge(IPV4)]);
    let container = host.container("c1");
    let rt = container.rt_with_args(&[("IgnoreUnknown", "1"), ("IP", "10.20.0.55"), ("K8S_POD_NAME", "web")]);
    assert_eq!(ips(&host.add(&list, &rt)), ["10.20.0.55"]);
    assert_eq!(container.net.addresses("eth0"), ["10.20.0.55/24"]);
    host.check(&list, &rt);
    host.del(&list, &rt);
    assert_eq!(host.leases(), []);
}

fn an_address_that_is_leased_is_refused_and_its_owner_keeps_it(host: &Host) {
    let list = host.network(&[host.bridge(IPV4)]);
    let (one, two) = (host.container("c1"), host.container("c2"));
    host.add(&list, &one.rt_with_args(&[("IgnoreUnknown", "1"), ("IP", "10.20.0.55")]));
    let error =
        host.try_add(&list, &two.rt_with_args(&[("IgnoreUnknown", "1"), ("IP", "10.20.0.55")])).unwrap_err();
    assert_eq!(error.status(), Status::Plugin);
    assert_eq!(error.facts().plugin.as_deref(), Some("bridge"));
    let start = "plugin type=\"bridge\" failed (add): failed to allocate for range 0: requested IP address ";
    assert!(error.message().starts_with(start), "{}", error.message());
    assert_eq!(host.leases(), [("10.20.0.55".into(), "c1 eth0".into())]);
    assert_eq!(host.cached(), ["net-c1-eth0"]);
    host.check(&list, &one.rt());
}

/// A network with room for two containers.
fn tiny(host: &Host) -> Value {
    let mut bridge = host.bridge(IPV4);
    bridge["ipam"]["ranges"] =
        json!([[{ "subnet": "10.20.0.0/24", "rangeStart": "10.20.0.2", "rangeEnd": "10.20.0.3" }]]);
    bridge
}

fn a_range_without_free_addresses_is_the_plugins_error(host: &Host) {
    let list = host.network(&[tiny(host)]);
    let containers = ["c1", "c2", "c3"].map(|id| host.container(id));
    host.add(&list, &containers[0].rt());
    host.add(&list, &containers[1].rt());
    let error = host.try_add(&list, &containers[2].rt()).unwrap_err();
    assert_eq!(error.status(), Status::Plugin);
    assert!(error.message().contains("no IP addresses available in range set"), "{}", error.message());
    assert_eq!(error.facts().index, Some(0));
    assert_eq!(error.facts().attachment.as_ref().unwrap().container_id, "c3");
    // There is nothing to clean up but what DEL cleans up.
    host.del(&list, &containers[2].rt());
    assert_eq!(host.leases().len(), 2);
}

fn a_released_address_can_be_leased_again(host: &Host) {
    let list = host.network(&[tiny(host)]);
    let containers = ["c1", "c2", "c3"].map(|id| host.container(id));
    let freed = ips(&host.add(&list, &containers[0].rt()));
    host.add(&list, &containers[1].rt());
    host.del(&list, &containers[0].rt());
    assert_eq!(ips(&host.add(&list, &containers[2].rt())), freed);
    assert_eq!(containers[2].net.addresses("eth0"), [format!("{}/24", freed[0])]);
}

fn a_capability_that_the_plugin_does_not_declare_does_not_reach_it(host: &Host) {
    let list = host.network(&[host.bridge(IPV4)]);
    let container = host.container("c1");
    let rt = container.rt_with("ips", &json!(["10.20.0.77/24"]));
    assert_eq!(ips(&host.add(&list, &rt)), ["10.20.0.2"]);
    assert_eq!(container.net.addresses("eth0"), ["10.20.0.2/24"]);
}

fn with_static(host: &Host, ipam: Value) -> Value {
    let mut bridge = host.bridge(&[]);
    bridge["isDefaultGateway"] = json!(false);
    bridge["ipam"] = ipam;
    bridge
}

fn static_addresses_and_routes_of_the_configuration_are_on_the_interface(host: &Host) {
    let ipam = json!({
        "type": "static",
        "addresses": [
            { "address": "10.40.0.9/24", "gateway": "10.40.0.1" },
            { "address": "fd40::9/64", "gateway": "fd40::1" },
        ],
        "routes": [
            { "dst": "0.0.0.0/0" },
            { "dst": "192.0.2.0/24", "gw": "10.40.0.254" },
            { "dst": "2001:db8::/32", "gw": "fd40::fe" },
        ],
    });
    let list = host.network(&[with_static(host, ipam)]);
    let container = host.container("c1");
    let result = host.add(&list, &container.rt());
    assert_eq!(ips(&result), ["10.40.0.9", "fd40::9"]);
    assert_eq!(container.net.addresses("eth0"), ["10.40.0.9/24", "fd40::9/64"]);
    assert_eq!(container.net.routes("-4"), ["192.0.2.0/24 via 10.40.0.254", "default via 10.40.0.1"]);
    assert_eq!(container.net.routes("-6"), ["2001:db8::/32 via fd40::fe"]);
    host.check(&list, &container.rt());
    host.del(&list, &container.rt());
    assert_eq!(container.net.link_names(), ["lo"]);
}

fn static_addresses_of_a_capability_are_on_the_interface(host: &Host) {
    let mut bridge = with_static(host, json!({ "type": "static" }));
    bridge["capabilities"] = json!({ "ips": true });
    let list = host.network(&[bridge]);
    let container = host.container("c1");
    let rt = container.rt_with("ips", &json!(["10.40.0.8/24", "fd40::8/64"]));
    host.add(&list, &rt);
    assert_eq!(container.net.addresses("eth0"), ["10.40.0.8/24", "fd40::8/64"]);
    host.del(&list, &rt);
    assert_eq!(container.net.link_names(), ["lo"]);
}

fn static_addresses_of_cni_args_are_on_the_interface(host: &Host) {
    let list = host.network(&[with_static(host, json!({ "type": "static" }))]);
    let container = host.container("c1");
    let rt = container.rt_with_args(&[
        ("IgnoreUnknown", "1"),
        ("IP", "10.40.0.7/24,fd40::7/64"),
        ("GATEWAY", "10.40.0.1"),
    ]);
    let result = host.add(&list, &rt);
    assert_eq!(result["ips"][0]["gateway"], "10.40.0.1");
    assert_eq!(container.net.addresses("eth0"), ["10.40.0.7/24", "fd40::7/64"]);
    host.del(&list, &rt);
    assert_eq!(container.net.link_names(), ["lo"]);
}

fn dns_of_the_network_is_in_the_result(host: &Host) {
    let dns = json!({ "nameservers": ["10.20.0.53"], "domain": "example.org", "search": ["a.example.org"] });
    let mut bridge = host.bridge(IPV4);
    bridge["dns"] = dns.clone();
    let list = host.network(&[bridge]);
    let container = host.container("c1");
    assert_eq!(host.add(&list, &container.rt())["dns"], dns);
    assert_eq!(host.cached_result(&list, &container.rt()).unwrap()["dns"], dns);
    host.del(&list, &container.rt());
}

/// What 1.1.0 added to routes: nothing on the way, conversions and the cache included, loses it.
fn attributes_of_routes_are_in_the_result_and_the_kernel_has_the_route(host: &Host) {
    let route = json!({
        "dst": "192.0.2.0/24", "gw": "10.20.0.1", "mtu": 1300, "advmss": 1200, "priority": 77, "table": 300,
        "scope": 0,
    });
    let mut bridge = host.bridge(IPV4);
    bridge["ipam"]["routes"] = json!([route]);
    let list = host.network(&[bridge, json!({ "type": "tuning" })]);
    let container = host.container("c1");
    let result = host.add(&list, &container.rt());
    assert!(result["routes"].as_array().unwrap().contains(&route), "{}", result["routes"]);
    assert_eq!(host.cached_result(&list, &container.rt()).unwrap()["routes"], result["routes"]);
    // The plugins of this release set no mtu and advmss, and their CHECK does not find such a route again.
    let in_kernel = container.net.run("ip route show table 300");
    let expected = "192.0.2.0/24 via 10.20.0.1 dev eth0 metric 77";
    assert_eq!(in_kernel.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    host.del(&list, &container.rt());
}
