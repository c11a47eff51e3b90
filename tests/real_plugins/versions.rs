//! One chain in every version of the specification that its plugins support.

use cni::{Context, Status, version};
use serde_json::{Value, json};

use crate::exchange;
use crate::host::{BOTH, Host};

rules! {
    both:
        a_chain_works_in_every_version_of_the_specification
        a_network_with_several_versions_uses_the_highest_known_one;
    newest:;
}

fn a_chain_works_in_every_version_of_the_specification(host: &Host) {
    let ctx = Context::background();
    let supported = |plugin: &str| host.cni.get_version_info(&ctx, plugin).unwrap().supported_versions;
    let [bridge, host_local, tuning] = ["bridge", "host-local", "tuning"].map(supported);
    let supports =
        |version: &str| [&bridge, &host_local, &tuning].iter().all(|by| by.iter().any(|v| v == version));
    let versions: Vec<_> = version::ALL.iter().copied().filter(|version| supports(version)).collect();
    assert!(versions.len() >= 6, "{versions:?}");
    for version in versions {
        let tuning = json!({ "type": "tuning", "mac": "02:11:22:33:44:55" });
        let list = host.network_in(version, &[host.bridge(BOTH), tuning]);
        let container = host.container(&format!("c-{version}"));
        let rt = container.rt();
        assert_eq!(host.cni.validate_network_list(&ctx, &list).unwrap(), Vec::<String>::new());
        let result = host.add(&list, &rt);
        let addresses = addresses(version, &result);
        assert_eq!(container.net.addresses("eth0"), addresses);
        assert_eq!(container.net.link("eth0").unwrap()["address"], "02:11:22:33:44:55");
        for address in &addresses {
            exchange::reaches(&host.net, &container.net, address.split_once('/').unwrap().0);
        }
        assert_eq!(host.cached_result(&list, &rt), Some(result), "{version}");
        match host.try_check(&list, &rt) {
            Ok(()) => assert!(has_check(version)),
            Err(error) => {
                assert!(!has_check(version), "{version}: {error}");
                assert_eq!(error.status(), Status::CheckNotSupported);
            }
        }
        host.del(&list, &rt);
        assert_eq!(container.net.link_names(), ["lo"], "{version}");
        assert_eq!(host.leases(), [], "{version}");
        assert!(host.cached().is_empty(), "{version}");
    }
}

fn has_check(version: &str) -> bool {
    !version.starts_with("0.1") && !version.starts_with("0.2") && !version.starts_with("0.3")
}

/// The addresses of a result where its version has them, in the shape that the version has.
fn addresses(version: &str, result: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    if matches!(version, "0.1.0" | "0.2.0") {
        assert_eq!((result.get("ips"), result.get("interfaces")), (None, None));
        assert_eq!(result["ip4"]["gateway"], "10.20.0.1");
        return vec![text(&result["ip4"]["ip"]), text(&result["ip6"]["ip"])];
    }
    let ips = result["ips"].as_array().unwrap();
    let families: Vec<_> = ips.iter().map(|ip| ip.get("version").and_then(Value::as_str)).collect();
    let expected = if version.starts_with("0.") { [Some("4"), Some("6")] } else { [None, None] };
    assert_eq!(families, expected, "{version}");
    // Every address says whose it is: eth0's, in the container.
    for ip in ips {
        let index = usize::try_from(ip["interface"].as_u64().unwrap()).unwrap();
        assert_eq!(result["interfaces"][index]["name"], "eth0");
    }
    let has_mtu = result["interfaces"].as_array().unwrap().iter().any(|link| link.get("mtu").is_some());
    assert!(!has_mtu || version.starts_with("1."), "{version} has no mtu");
    ips.iter().map(|ip| text(&ip["address"])).collect()
}

fn a_network_with_several_versions_uses_the_highest_known_one(host: &Host) {
    let text = json!({
        "cniVersion": "0.4.0",
        "cniVersions": ["0.3.1", "0.4.0", host.version(), "9.0.0"],
        "name": "net",
        "plugins": [host.bridge(BOTH)],
    });
    let list = cni::conf::network_conf_from_bytes(text.to_string().as_bytes()).unwrap();
    assert_eq!(list.cni_version(), host.version());
    let container = host.container("c1");
    host.add(&list, &container.rt());
    host.check(&list, &container.rt());
    host.del(&list, &container.rt());
}
