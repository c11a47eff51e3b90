//! The tuning plugin: sysctls, and the interface's own properties, from each place that can set them.

use cni::RuntimeConf;
use serde_json::{Value, json};

use crate::host::{Container, Host, IPV4};

rules! {
    both:
        sysctls_of_the_configuration_are_set_in_the_container
        a_mac_of_the_configuration_is_the_links_and_in_the_result
        a_mac_of_the_capability_is_the_links_and_in_the_result
        a_mac_of_cni_args_is_the_links_and_in_the_result
        link_properties_are_set
        a_sysctl_changed_by_hand_fails_check;
    newest:;
}

const MAC: &str = "02:11:22:33:44:55";

fn sysctls_of_the_configuration_are_set_in_the_container(host: &Host) {
    let sysctl = json!({ "net.ipv4.conf.eth0.arp_filter": "1", "net.core.somaxconn": "500" });
    let tuning = json!({ "type": "tuning", "sysctl": sysctl });
    let list = host.network(&[host.bridge(IPV4), tuning]);
    let container = host.container("c1");
    let before = host.net.sysctl("core/somaxconn");
    host.add(&list, &container.rt());
    assert_eq!(container.net.sysctl("ipv4/conf/eth0/arp_filter"), "1");
    assert_eq!(container.net.sysctl("core/somaxconn"), "500");
    assert_eq!(host.net.sysctl("core/somaxconn"), before);
    host.check(&list, &container.rt());
    host.del(&list, &container.rt());
    assert_eq!(container.net.link_names(), ["lo"]);
}

fn a_mac_of_the_configuration_is_the_links_and_in_the_result(host: &Host) {
    mac(host, &json!({ "type": "tuning", "mac": MAC }), |container| container.rt());
}

fn a_mac_of_the_capability_is_the_links_and_in_the_result(host: &Host) {
    let tuning = json!({ "type": "tuning", "capabilities": { "mac": true } });
    mac(host, &tuning, |container| container.rt_with("mac", &json!(MAC)));
}

fn a_mac_of_cni_args_is_the_links_and_in_the_result(host: &Host) {
    let args = [("IgnoreUnknown", "true"), ("MAC", MAC)];
    mac(host, &json!({ "type": "tuning" }), |container| container.rt_with_args(&args));
}

fn mac(host: &Host, tuning: &Value, rt: impl Fn(&Container) -> RuntimeConf) {
    let list = host.network(&[host.bridge(IPV4), tuning.clone()]);
    let container = host.container("c1");
    let rt = rt(&container);
    let result = host.add(&list, &rt);
    assert_eq!(container.net.link("eth0").unwrap()["address"], MAC);
    let interfaces = result["interfaces"].as_array().unwrap();
    let eth0 = interfaces.iter().find(|interface| interface["name"] == "eth0").unwrap();
    // The last plugin's word counts: the bridge had said another one.
    assert_eq!(eth0["mac"], MAC);
    assert_eq!(host.cached_result(&list, &rt).unwrap()["interfaces"], result["interfaces"]);
    // The bridge plugin is asked with the last result, too.
    host.check(&list, &rt);
    host.del(&list, &rt);
    assert_eq!(container.net.link_names(), ["lo"]);
}

fn link_properties_are_set(host: &Host) {
    let tuning = json!({ "type": "tuning", "mtu": 1300, "promisc": true, "allmulti": true });
    let list = host.network(&[host.bridge(IPV4), tuning]);
    let container = host.container("c1");
    host.add(&list, &container.rt());
    let link = container.net.link("eth0").unwrap();
    assert_eq!(link["mtu"], 1300);
    let flags: Vec<_> = link["flags"].as_array().unwrap().iter().filter_map(|flag| flag.as_str()).collect();
    assert!(flags.contains(&"PROMISC") && flags.contains(&"ALLMULTI"), "{flags:?}");
    host.check(&list, &container.rt());
    host.del(&list, &container.rt());
}

fn a_sysctl_changed_by_hand_fails_check(host: &Host) {
    let tuning = json!({ "type": "tuning", "sysctl": { "net.ipv4.conf.eth0.arp_filter": "1" } });
    let list = host.network(&[host.bridge(IPV4), tuning]);
    let container = host.container("c1");
    host.add(&list, &container.rt());
    let file = "/proc/sys/net/ipv4/conf/eth0/arp_filter";
    container.net.inside(|| std::fs::write(file, "0")).unwrap();
    let error = host.try_check(&list, &container.rt()).unwrap_err();
    assert_eq!(error.facts().plugin.as_deref(), Some("tuning"));
    assert_eq!(error.facts().index, Some(1));
    container.net.inside(|| std::fs::write(file, "1")).unwrap();
    host.check(&list, &container.rt());
}
