//! What is remembered of attachments, and deleting from it.

use std::fs;

use cni::{AttachmentFilter, Context};
use serde_json::{Value, json};

use crate::host::{Host, IPV4};

rules! {
    both:
        the_cached_result_and_configuration_are_those_of_add
        cached_attachments_are_deleted_with_what_add_was_given
        deleting_cached_attachments_goes_on_after_a_failure
        a_list_that_changed_since_add_is_not_what_cached_attachments_are_deleted_with;
    newest:;
}

fn filter(filter: Value) -> AttachmentFilter {
    AttachmentFilter::from_json(&filter.to_string()).unwrap()
}

fn portmap() -> Value {
    json!({ "type": "portmap", "capabilities": { "portMappings": true } })
}

fn mapping() -> Value {
    json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }])
}

fn the_cached_result_and_configuration_are_those_of_add(host: &Host) {
    let list = host.network(&[host.bridge(IPV4), portmap()]);
    let container = host.container("c1");
    let mut rt = container.rt_with("portMappings", &mapping());
    rt.args = vec![("IgnoreUnknown".into(), "1".into()), ("K8S_POD_NAME".into(), "web".into())];
    assert_eq!(host.cached_result(&list, &rt), None);
    let result = host.add(&list, &rt);
    assert_eq!(host.cached_result(&list, &rt), Some(result));
    // Asked without the arguments, the cache knows them.
    let config = host.cached_config(&list, &container.rt()).unwrap();
    assert_eq!(config.config, list.bytes());
    assert_eq!(config.runtime_conf.args, rt.args);
    assert_eq!(config.runtime_conf.capability_args["portMappings"].get(), mapping().to_string());
    let attachments = host.cni.get_cached_attachments(&AttachmentFilter::default()).unwrap();
    assert_eq!(attachments.len(), 1);
    assert_eq!(attachments[0].netns, rt.netns);
    host.del(&list, &rt);
    assert_eq!(host.cached_result(&list, &rt), None);
    assert!(host.cached_config(&list, &rt).is_none());
}

fn cached_attachments_are_deleted_with_what_add_was_given(host: &Host) {
    host.needs_iptables();
    let list = host.network(&[host.bridge(IPV4), portmap()]);
    let mut other_bridge = host.bridge(&["10.30.0.0/24"]);
    other_bridge["bridge"] = json!("cni1");
    let other = host.named_network("other", host.version(), &[other_bridge]);
    let (one, two) = (host.container("c1"), host.container("c2"));
    let mut net1 = one.rt();
    net1.if_name = "net1".into();
    // Without the mapping, which is in the cache alone, the rules would stay.
    host.add(&list, &one.rt_with("portMappings", &mapping()));
    host.add(&other, &net1);
    host.add(&list, &two.rt());
    assert!(!host.net.iptables("iptables-save -t nat", "8080").is_empty());

    let ctx = Context::background();
    let report = host.cni.del_cached_attachments(&ctx, &filter(json!({ "containerId": "c1" }))).unwrap();
    let report: Vec<_> = report
        .iter()
        .map(|entry| {
            (entry.attachment.network_name.as_str(), entry.error.as_ref().map(|error| error.to_json()))
        })
        .collect();
    assert_eq!(report, [("net", None), ("other", None)]);
    assert_eq!(one.net.link_names(), ["lo"]);
    assert_eq!(host.net.iptables("iptables-save -t nat", "8080"), Vec::<String>::new());
    assert_eq!(host.leases(), [("10.20.0.3".into(), "c2 eth0".into())]);
    assert_eq!(host.leases_of("other"), []);
    assert_eq!(host.cached(), ["net-c2-eth0"]);
    host.check(&list, &two.rt());
}

fn deleting_cached_attachments_goes_on_after_a_failure(host: &Host) {
    let list = host.network(&[host.bridge(IPV4)]);
    let (one, two) = (host.container("c1"), host.container("c2"));
    host.add(&list, &one.rt());
    host.add(&list, &two.rt());
    let mut bridge = host.bridge(&["10.50.0.0/24"]);
    bridge["bridge"] = json!("cni1");
    let broken = host.named_network("broken", host.version(), &[bridge]);
    let three = host.container("c3");
    host.add(&broken, &three.rt());
    // Its leases are out of reach for now, and DEL fails.
    fs::rename(host.path("leases/broken"), host.path("aside")).unwrap();
    fs::write(host.path("leases/broken"), "").unwrap();

    let ctx = Context::background();
    let report = host.cni.del_cached_attachments(&ctx, &AttachmentFilter::default()).unwrap();
    let failed: Vec<_> = report.iter().map(|entry| entry.error.is_some()).collect();
    assert_eq!(failed, [true, false, false]);
    assert_eq!(report[0].attachment.network_name, "broken");
    assert_eq!(host.cached(), ["broken-c3-eth0"]);
    assert_eq!((one.net.link_names(), two.net.link_names()), (vec!["lo".into()], vec!["lo".into()]));

    fs::remove_file(host.path("leases/broken")).unwrap();
    fs::rename(host.path("aside"), host.path("leases/broken")).unwrap();
    let report = host.cni.del_cached_attachments(&ctx, &AttachmentFilter::default()).unwrap();
    assert!(report.iter().all(|entry| entry.error.is_none()) && report.len() == 1);
    assert_eq!(host.leases_of("broken"), []);
    assert!(host.cached().is_empty());
}

fn a_list_that_changed_since_add_is_not_what_cached_attachments_are_deleted_with(host: &Host) {
    let old = host.network(&[host.bridge(IPV4)]);
    let container = host.container("c1");
    host.add(&old, &container.rt());
    // The network of that name is another one by now, with its leases elsewhere.
    let mut bridge = host.bridge(&["10.60.0.0/24"]);
    bridge["ipam"]["dataDir"] = json!(host.path("elsewhere"));
    let new = host.network(&[bridge]);
    assert_eq!(host.cached_config(&new, &container.rt()).unwrap().config, old.bytes());
    let report = host
        .cni
        .del_cached_attachments(&Context::background(), &filter(json!({ "networkName": "net" })))
        .unwrap();
    assert!(report.iter().all(|entry| entry.error.is_none()) && report.len() == 1);
    assert_eq!(host.leases(), []);
    assert_eq!(container.net.link_names(), ["lo"]);
}
