//! DEL when the world has changed since ADD.

use std::fs;

use cni::{CacheDir, Cni, CniOptions, Context};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::host::{BOTH, Host, IPV4};

rules! {
    both:
        del_succeeds_when_the_namespace_is_gone
        del_succeeds_without_a_namespace
        del_of_what_was_never_added_succeeds
        del_works_from_a_given_prev_result_without_a_cache
        a_corrupt_cache_does_not_stand_in_the_way_of_del;
    newest:;
}

fn chain(host: &Host) -> Vec<Value> {
    host.needs_iptables();
    let portmap = json!({ "type": "portmap", "capabilities": { "portMappings": true } });
    vec![host.bridge(BOTH), json!({ "type": "firewall", "backend": "iptables" }), portmap]
}

fn mapping() -> Value {
    json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }])
}

/// Leases, rules and the cache: what outlives a namespace.
fn assert_nothing_left(host: &Host) {
    assert_eq!(host.leases(), []);
    for (save, address) in [("iptables-save", "10.20.0.2"), ("ip6tables-save", "fd20::2")] {
        assert_eq!(host.net.iptables(save, address), Vec::<String>::new());
    }
    assert!(host.cached().is_empty(), "{:?}", host.cached());
}

fn del_succeeds_when_the_namespace_is_gone(host: &Host) {
    let list = host.network(&chain(host));
    let container = host.container("c1");
    let rt = container.rt_with("portMappings", &mapping());
    host.add(&list, &rt);
    assert_eq!(host.leases().len(), 2);
    container.net.remove();
    host.del(&list, &rt);
    assert_nothing_left(host);
}

fn del_succeeds_without_a_namespace(host: &Host) {
    let list = host.network(&chain(host));
    let container = host.container("c1");
    let mut rt = container.rt_with("portMappings", &mapping());
    host.add(&list, &rt);
    rt.netns = String::new();
    host.del(&list, &rt);
    assert_nothing_left(host);
    // Nobody said where the interface is; it goes with the namespace.
    assert_eq!(container.net.link_names(), ["eth0", "lo"]);
}

fn del_of_what_was_never_added_succeeds(host: &Host) {
    let list = host.network(&chain(host));
    let container = host.container("c1");
    host.del(&list, &container.rt_with("portMappings", &mapping()));
    assert_nothing_left(host);
}

fn del_works_from_a_given_prev_result_without_a_cache(host: &Host) {
    let list = host.network(&chain(host));
    let cni = Cni::new(CniOptions { cache_dir: CacheDir::Nowhere, ..host.options() });
    let container = host.container("c1");
    let mut rt = container.rt_with("portMappings", &mapping());
    let ctx = Context::background();
    let result = cni.add_network_list(&ctx, &list, &rt).unwrap();
    assert!(!host.path("cache").exists());
    // The firewall plugin needs a prevResult for CHECK, and to find its rules in DEL.
    rt.prev_result = Some(RawValue::from_string(result.to_json()).unwrap());
    host.accept_portmap_defect(cni.check_network_list(&ctx, &list, &rt));
    cni.del_network_list(&ctx, &list, &rt).unwrap();
    assert_nothing_left(host);
    assert_eq!(container.net.link_names(), ["lo"]);
}

fn a_corrupt_cache_does_not_stand_in_the_way_of_del(host: &Host) {
    let list = host.network(&[host.bridge(IPV4)]);
    let container = host.container("c1");
    host.add(&list, &container.rt());
    let file = host.path("cache/results/net-c1-eth0");
    fs::write(&file, "{\"kind\":\"cniCach").unwrap();
    // A young file may be one that somebody is still writing; this one is old.
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
    host.try_del(&list, &container.rt()).unwrap();
    assert_eq!(container.net.link_names(), ["lo"]);
    assert_eq!(host.leases(), []);
    assert!(host.cached().is_empty(), "{:?}", host.cached());
}
