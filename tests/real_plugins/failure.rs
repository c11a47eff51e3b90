//! A plugin in the middle that fails, with and without rollback.

use cni::{Cni, CniOptions, Context, Error, NetworkConfigList, RuntimeConf, Status};
use serde_json::{Value, json};

use crate::host::{Container, Host, IPV4};

rules! {
    both:
        without_rollback_a_failed_add_leaves_what_ran_before_and_del_removes_it
        with_rollback_a_failed_add_leaves_nothing
        rollback_goes_on_after_a_plugin_that_cannot_be_rolled_back
        rollback_takes_back_rules_of_plugins_before_the_failing_one
        what_was_attached_before_is_not_rolled_back
        a_namespace_that_does_not_exist_is_the_plugins_error;
    newest:;
}

/// Fails on ADD, and does nothing on DEL.
fn failing() -> Value {
    json!({ "type": "tuning", "sysctl": { "net.ipv4.no_such_sysctl": "1" } })
}

fn with_rollback(host: &Host) -> Cni {
    Cni::new(CniOptions { rollback: true, ..host.options() })
}

fn fails(cni: &Cni, list: &NetworkConfigList, rt: &RuntimeConf, plugin: &str, index: usize) -> Error {
    let error = cni.add_network_list(&Context::background(), list, rt).unwrap_err();
    assert_eq!(error.status(), Status::Plugin, "{}", error.to_json());
    let facts = error.facts();
    assert_eq!(
        (facts.plugin.as_deref(), facts.index, facts.command),
        (Some(plugin), Some(index), Some("ADD"))
    );
    let start = format!("plugin type=\"{plugin}\" failed (add): ");
    assert!(error.message().starts_with(&start), "{}", error.message());
    error
}

fn assert_nothing_left(host: &Host, container: &Container) {
    assert_eq!(container.net.link_names(), ["lo"]);
    assert_eq!(host.net.link_names(), ["cni0", "lo"]);
    assert_eq!(host.leases(), []);
    assert!(host.cached().is_empty());
}

fn without_rollback_a_failed_add_leaves_what_ran_before_and_del_removes_it(host: &Host) {
    let list = host.network(&[host.bridge(IPV4), failing(), json!({ "type": "loopback" })]);
    let container = host.container("c1");
    fails(&host.cni, &list, &container.rt(), "tuning", 1);
    assert_eq!(container.net.addresses("eth0"), ["10.20.0.2/24"]);
    assert_eq!(host.leases(), [("10.20.0.2".into(), "c1 eth0".into())]);
    assert!(host.cached().is_empty(), "a failed ADD is not remembered");
    host.del(&list, &container.rt());
    assert_nothing_left(host, &container);
}

fn with_rollback_a_failed_add_leaves_nothing(host: &Host) {
    let list = host.network(&[host.bridge(IPV4), failing(), json!({ "type": "loopback" })]);
    let container = host.container("c1");
    let error = fails(&with_rollback(host), &list, &container.rt(), "tuning", 1);
    assert!(error.facts().causes.is_empty());
    assert!(!error.message().contains("rollback failed"), "{error}");
    assert_nothing_left(host, &container);
}

fn rollback_goes_on_after_a_plugin_that_cannot_be_rolled_back(host: &Host) {
    let portmap = json!({ "type": "portmap", "capabilities": { "portMappings": true } });
    let list = host.network(&[host.bridge(IPV4), portmap]);
    let container = host.container("c1");
    // A mapping that portmap refuses on ADD, and on DEL again.
    let mapping = json!([{ "hostPort": -1, "containerPort": 80, "protocol": "tcp" }]);
    let rt = container.rt_with("portMappings", &mapping);
    let error = fails(&with_rollback(host), &list, &rt, "portmap", 1);
    assert!(
        error.message().contains("; rollback failed: plugin type=\"portmap\" failed (delete): "),
        "{error}"
    );
    let causes = &error.facts().causes;
    assert_eq!(causes.len(), 1);
    assert_eq!(
        (causes[0].facts().plugin.as_deref(), causes[0].facts().command),
        (Some("portmap"), Some("DEL"))
    );
    assert_nothing_left(host, &container);

    // A plain DEL stops there: the bridge is the one behind it.
    fails(&host.cni, &list, &rt, "portmap", 1);
    let error = host.try_del(&list, &rt).unwrap_err();
    assert!(error.message().starts_with("plugin type=\"portmap\" failed (delete): "), "{error}");
    assert_eq!(container.net.link_names(), ["eth0", "lo"]);
    assert_eq!(host.leases().len(), 1);
}

fn rollback_takes_back_rules_of_plugins_before_the_failing_one(host: &Host) {
    host.needs_iptables();
    // The firewall plugin finds its rules by prevResult: the rollback has the last result of this ADD.
    let firewall = json!({ "type": "firewall", "backend": "iptables" });
    let list = host.network(&[host.bridge(IPV4), firewall, failing()]);
    let container = host.container("c1");
    fails(&host.cni, &list, &container.rt(), "tuning", 2);
    assert_eq!(host.net.iptables("iptables-save", "10.20.0.2/32").len(), 2);
    let other = host.container("c2");
    fails(&with_rollback(host), &list, &other.rt(), "tuning", 2);
    assert_eq!(host.net.iptables("iptables-save", "10.20.0.3/32"), Vec::<String>::new());
    assert_eq!(other.net.link_names(), ["lo"]);
    assert_eq!(host.leases(), [("10.20.0.2".into(), "c1 eth0".into())]);
}

fn what_was_attached_before_is_not_rolled_back(host: &Host) {
    let list = host.network(&[host.bridge(IPV4)]);
    let container = host.container("c1");
    let rt = container.rt();
    host.add(&list, &rt);
    // The bridge refuses a second eth0, or host-local a second lease.
    fails(&with_rollback(host), &list, &rt, "bridge", 0);
    assert_eq!(container.net.addresses("eth0"), ["10.20.0.2/24"]);
    assert!(host.leases().contains(&("10.20.0.2".into(), "c1 eth0".into())));
    host.check(&list, &rt);
    host.del(&list, &rt);
    assert_nothing_left(host, &container);
}

fn a_namespace_that_does_not_exist_is_the_plugins_error(host: &Host) {
    let list = host.network(&[host.bridge(IPV4)]);
    let container = host.container("c1");
    let mut rt = container.rt();
    rt.netns = "/run/netns/no-such-namespace".into();
    let error = fails(&with_rollback(host), &list, &rt, "bridge", 0);
    assert!(error.message().contains("failed to open netns \"/run/netns/no-such-namespace\""), "{error}");
    assert_eq!(host.leases(), []);
    host.del(&list, &rt);
}
