//! The firewall plugin, by iptables. Its DEL finds the rules by the addresses in prevResult alone, so it
//! shows that DEL gets one.

use serde_json::json;

use crate::host::{BOTH, Host, IPV4};

rules! {
    both:
        a_container_is_let_through_until_it_is_deleted
        a_rule_removed_by_hand_fails_check;
    newest:;
}

fn rules_about(host: &Host, address: &str) -> Vec<String> {
    let save = if address.contains(':') { "ip6tables-save -t filter" } else { "iptables-save -t filter" };
    host.net.iptables(save, address)
}

fn a_container_is_let_through_until_it_is_deleted(host: &Host) {
    host.needs_iptables();
    let list = host.network(&[host.bridge(BOTH), json!({ "type": "firewall", "backend": "iptables" })]);
    let (one, two) = (host.container("c1"), host.container("c2"));
    host.add(&list, &one.rt());
    host.add(&list, &two.rt());
    for address in ["10.20.0.2/32", "10.20.0.3/32", "fd20::2/128", "fd20::3/128"] {
        let rules = rules_about(host, address);
        assert_eq!(rules.len(), 2, "{rules:?}");
        assert!(rules.iter().all(|rule| rule.starts_with("-A CNI-FORWARD")), "{rules:?}");
    }
    host.check(&list, &one.rt());
    host.del(&list, &one.rt());
    for address in ["10.20.0.2/32", "fd20::2/128"] {
        assert_eq!(rules_about(host, address), Vec::<String>::new());
    }
    host.check(&list, &two.rt());
    host.del(&list, &two.rt());
    for address in ["10.20.0.3/32", "fd20::3/128"] {
        assert_eq!(rules_about(host, address), Vec::<String>::new());
    }
}

fn a_rule_removed_by_hand_fails_check(host: &Host) {
    host.needs_iptables();
    let list = host.network(&[host.bridge(IPV4), json!({ "type": "firewall", "backend": "iptables" })]);
    let container = host.container("c1");
    host.add(&list, &container.rt());
    host.net.run("iptables -D CNI-FORWARD -s 10.20.0.2/32 -j ACCEPT");
    let error = host.try_check(&list, &container.rt()).unwrap_err();
    assert_eq!((error.facts().plugin.as_deref(), error.facts().command), (Some("firewall"), Some("CHECK")));
    host.del(&list, &container.rt());
    assert_eq!(rules_about(host, "10.20.0.2"), Vec::<String>::new());
}
