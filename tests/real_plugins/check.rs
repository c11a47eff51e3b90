//! CHECK, when what ADD made has been changed by hand.

use std::fs;

use cni::{NetworkConfigList, RuntimeConf, Status};
use serde_json::json;

use crate::host::{Container, Host, IPV4};

rules! {
    both:
        a_removed_interface_fails_check_and_del_cleans_up
        a_removed_address_fails_check
        a_removed_route_fails_check
        a_removed_lease_fails_check
        a_removed_port_mapping_fails_check
        a_network_that_disables_check_is_not_checked
        check_of_what_was_never_added_runs_nothing;
    newest:;
}

/// An attached container, checked once.
fn attached(host: &Host) -> (NetworkConfigList, Container, RuntimeConf) {
    let list = host.network(&[host.bridge(IPV4), json!({ "type": "tuning" })]);
    let container = host.container("c1");
    let rt = container.rt();
    host.add(&list, &rt);
    host.check(&list, &rt);
    (list, container, rt)
}

/// CHECK fails in that plugin, plainly with the plugin's own words, and changes nothing.
fn fails_in(host: &Host, plugin: &str, list: &NetworkConfigList, rt: &RuntimeConf) -> String {
    let leases = host.leases();
    let error = host.try_check(list, rt).unwrap_err();
    let facts = error.facts();
    assert_eq!(error.status(), Status::Plugin);
    assert_eq!((facts.plugin.as_deref(), facts.command), (Some(plugin), Some("CHECK")));
    assert_eq!(facts.exit_code, Some(1));
    assert_eq!(facts.attachment.as_ref().unwrap().container_id, "c1");
    let details = facts.details.as_deref().map(|details| format!("; {details}")).unwrap_or_default();
    assert_eq!(error.message(), format!("{}{details}", facts.msg.as_deref().unwrap()));
    assert_eq!(host.cached(), ["net-c1-eth0"]);
    assert_eq!(host.leases(), leases);
    error.message().to_owned()
}

fn a_removed_interface_fails_check_and_del_cleans_up(host: &Host) {
    let (list, container, rt) = attached(host);
    container.net.run("ip link del eth0");
    fails_in(host, "bridge", &list, &rt);
    host.del(&list, &rt);
    assert_eq!(host.leases(), []);
    assert!(host.cached().is_empty());
}

fn a_removed_address_fails_check(host: &Host) {
    let (list, container, rt) = attached(host);
    container.net.run("ip addr del 10.20.0.2/24 dev eth0");
    let message = fails_in(host, "bridge", &list, &rt);
    assert!(message.contains("10.20.0.2"), "{message}");
    // The plugins compare with the result of ADD, which has nothing of what happened since.
    container.net.run("ip addr add 10.20.0.2/24 dev eth0");
    container.net.run("ip route replace default via 10.20.0.1");
    host.check(&list, &rt);
}

fn a_removed_route_fails_check(host: &Host) {
    let (list, container, rt) = attached(host);
    container.net.run("ip route del default");
    fails_in(host, "bridge", &list, &rt);
}

fn a_removed_lease_fails_check(host: &Host) {
    let (list, _container, rt) = attached(host);
    fs::remove_file(host.path("leases/net/10.20.0.2")).unwrap();
    let message = fails_in(host, "bridge", &list, &rt);
    assert_eq!(message, "host-local: Failed to find address added by container c1");
}

fn a_removed_port_mapping_fails_check(host: &Host) {
    host.needs_iptables();
    let portmap = json!({ "type": "portmap", "capabilities": { "portMappings": true } });
    let list = host.network(&[host.bridge(IPV4), portmap]);
    let container = host.container("c1");
    let mapping = json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }]);
    let rt = container.rt_with("portMappings", &mapping);
    host.add(&list, &rt);
    host.check_with_portmap(&list, &rt);
    host.net.run("iptables -t nat -F");
    fails_in(host, "portmap", &list, &rt);
    host.del(&list, &rt);
    assert_eq!(host.leases(), []);
}

fn a_network_that_disables_check_is_not_checked(host: &Host) {
    let text = json!({
        "cniVersion": host.version(), "name": "net", "disableCheck": true, "plugins": [host.bridge(IPV4)],
    });
    let list = cni::conf::network_conf_from_bytes(text.to_string().as_bytes()).unwrap();
    let container = host.container("c1");
    host.add(&list, &container.rt());
    container.net.run("ip link del eth0");
    host.check(&list, &container.rt());
}

fn check_of_what_was_never_added_runs_nothing(host: &Host) {
    let list = host.network(&[host.bridge(IPV4)]);
    let container = host.container("c1");
    let error = host.try_check(&list, &container.rt()).unwrap_err();
    assert_eq!(error.status(), Status::NotAdded);
    assert_eq!(host.net.link_names(), ["lo"]);
}
