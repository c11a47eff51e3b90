//! STATUS and VERSION: whether a network is ready, and which plugins support it.

use std::fs;

use cni::{Context, Status};
use serde_json::json;

use crate::host::{Host, IPV4};

rules! {
    both:
        a_network_of_the_plugins_is_ready
        every_plugin_supports_the_version_of_the_network
        a_version_that_a_plugin_does_not_support_is_told
        a_missing_plugin_is_told_before_anything_runs;
    newest:
        a_plugin_that_is_not_available_says_so_by_code_50
        a_plugin_with_limited_connectivity_says_so_by_code_51
        the_status_of_an_ipam_plugin_comes_through_the_plugin_that_calls_it;
}

fn a_network_of_the_plugins_is_ready(host: &Host) {
    let plugins = [host.bridge(IPV4), json!({ "type": "portmap" }), json!({ "type": "tuning" })];
    host.status(&host.network(&plugins)).unwrap();
    // Before 1.1.0 there is no STATUS, and nothing runs.
    let missing = json!({ "type": "no-such-plugin" });
    host.status(&host.network_in("1.0.0", &[missing])).unwrap();
}

fn ledger_network(host: &Host) -> cni::NetworkConfigList {
    let ledger = json!({ "type": "ledger", "ledger": host.path("ledger") });
    host.network(&[host.bridge(IPV4), ledger])
}

fn a_plugin_that_is_not_available_says_so_by_code_50(host: &Host) {
    let list = ledger_network(host);
    let error = host.status(&list).unwrap_err();
    assert_eq!((error.status(), error.code()), (Status::Plugin, 50));
    assert_eq!(error.facts().plugin.as_deref(), Some("ledger"));
    assert_eq!((error.facts().index, error.facts().command), (Some(1), Some("STATUS")));
    assert!(error.message().starts_with("the ledger is missing; "), "{}", error.message());
    fs::create_dir(host.path("ledger")).unwrap();
    host.status(&list).unwrap();
}

fn a_plugin_with_limited_connectivity_says_so_by_code_51(host: &Host) {
    fs::create_dir(host.path("ledger")).unwrap();
    fs::write(host.path("ledger/closed"), "").unwrap();
    let error = host.status(&ledger_network(host)).unwrap_err();
    assert_eq!((error.status(), error.code()), (Status::Plugin, 51));
    assert_eq!(error.message(), "the ledger is closed; closed by hand");
}

fn the_status_of_an_ipam_plugin_comes_through_the_plugin_that_calls_it(host: &Host) {
    let mut bridge = host.bridge(IPV4);
    bridge["ipam"] = json!({ "type": "ledger", "ledger": host.path("ledger") });
    let list = host.network(&[bridge]);
    let error = host.status(&list).unwrap_err();
    assert_eq!((error.status(), error.code()), (Status::Plugin, 50));
    assert_eq!(error.facts().plugin.as_deref(), Some("bridge"));
    fs::create_dir(host.path("ledger")).unwrap();
    host.status(&list).unwrap();
}

fn every_plugin_supports_the_version_of_the_network(host: &Host) {
    let plugins = [
        host.bridge(IPV4),
        json!({ "type": "portmap", "capabilities": { "portMappings": true } }),
        json!({ "type": "tuning", "capabilities": { "mac": true, "allmulti": false } }),
        json!({ "type": "bandwidth", "capabilities": { "bandwidth": true } }),
        json!({ "type": "firewall" }),
        json!({ "type": "loopback" }),
        json!({ "type": "ptp", "ipam": {} }),
        json!({ "type": "macvlan", "ipam": {} }),
        json!({ "type": "host-local", "capabilities": { "ips": true } }),
        json!({ "type": "static" }),
    ];
    let capabilities =
        host.cni.validate_network_list(&Context::background(), &host.network(&plugins)).unwrap();
    assert_eq!(capabilities, ["bandwidth", "ips", "mac", "portMappings"]);
}

fn a_version_that_a_plugin_does_not_support_is_told(host: &Host) {
    let list = host.network_in("0.3.1", &[host.bridge(IPV4), json!({ "type": "firewall" })]);
    let ctx = Context::background();
    let error = host.cni.validate_network_list(&ctx, &list).unwrap_err();
    assert_eq!(error.status(), Status::IncompatibleVersion);
    assert_eq!(error.message(), "[plugin firewall does not support config version \"0.3.1\"]");
    // The plugin itself says the same, by code 1.
    let container = host.container("c1");
    let error = host.try_add(&list, &container.rt()).unwrap_err();
    assert_eq!((error.status(), error.code()), (Status::Plugin, cni::code::INCOMPATIBLE_VERSION));
    assert_eq!(error.facts().index, Some(1));
    // The installed plugins may know less than the newest version.
    let newest = host.network_in("1.1.0", &[host.bridge(IPV4)]);
    let outcome = host.cni.validate_network_list(&ctx, &newest);
    assert_eq!(outcome.is_ok(), host.version() == "1.1.0");
}

fn a_missing_plugin_is_told_before_anything_runs(host: &Host) {
    let list = host.network(&[host.bridge(IPV4), json!({ "type": "no-such-plugin" })]);
    let container = host.container("c1");
    let error = host.try_add(&list, &container.rt()).unwrap_err();
    assert_eq!(error.status(), Status::PluginNotFound);
    assert!(error.message().contains("failed to find plugin \"no-such-plugin\" in path ["), "{error}");
    assert_eq!(container.net.link_names(), ["lo"]);
    assert_eq!(host.leases(), []);
    let error = host.cni.validate_network_list(&Context::background(), &list).unwrap_err();
    assert_eq!(error.status(), Status::PluginNotFound);
}
