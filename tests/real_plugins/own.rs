//! Plugins made with the library itself, as programs and inside the process, beside the reference plugins.

use std::fs;

use cni::plugin::Builtin;
use cni::{Cni, CniResult, Context, NetworkConfigList, RuntimeConf, Status};
use serde_json::{Value, json};

use crate::host::{Container, Host};

rules! {
    both:
        loopback_is_the_same_in_the_process_as_a_program_and_from_the_reference
        loopback_passes_a_result_on_and_minds_what_is_not_its_own
        loopback_of_a_namespace_that_is_gone_is_deleted_and_nothing_else;
    newest:;
}

/// The reference plugin, our program of the same name, and the same in the process.
fn loopbacks(host: &Host) -> [(&'static str, Cni); 3] {
    let dir = host.path("own");
    fs::create_dir_all(&dir).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_cni-loopback"), dir.join("loopback")).unwrap();
    let mut options = host.options();
    options.plugin_dirs.insert(0, dir);
    let nowhere = cni::CniOptions { plugin_dirs: vec!["/nowhere".into()], ..host.options() };
    [
        ("reference", host.cni.clone()),
        ("program", Cni::new(options)),
        ("process", Cni::new(nowhere).with_builtin(Builtin::Loopback)),
    ]
}

fn is_up(container: &Container) -> bool {
    container.net.link("lo").unwrap()["flags"].as_array().unwrap().contains(&json!("UP"))
}

fn own_netns() -> std::path::PathBuf {
    fs::read_link("/proc/thread-self/ns/net").unwrap()
}

fn loopback_is_the_same_in_the_process_as_a_program_and_from_the_reference(host: &Host) {
    let ctx = Context::background();
    let home = own_netns();
    for version in ["0.2.0", "0.3.1", "0.4.0", "1.0.0"] {
        let list = host.named_network("lo", version, &[json!({ "type": "loopback" })]);
        let container = host.container(&format!("c-{version}"));
        let mut results = Vec::new();
        for (what, cni) in loopbacks(host) {
            let rt = RuntimeConf { if_name: "lo".into(), ..container.rt() };
            assert!(!is_up(&container));
            let result = cni.add_network_list(&ctx, &list, &rt).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(is_up(&container), "{what}");
            if version >= "0.4.0" {
                cni.check_network_list(&ctx, &list, &rt).unwrap();
                container.net.run("ip link set lo down");
                let error = cni.check_network_list(&ctx, &list, &rt).unwrap_err();
                assert_eq!(error.message(), "loopback interface is down", "{what}");
                assert_eq!(error.code(), 999, "{what}");
            }
            for _ in ["DEL", "second DEL"] {
                cni.del_network_list(&ctx, &list, &rt).unwrap();
            }
            assert!(!is_up(&container), "{what}");
            results.push(serde_json::from_str::<Value>(&result.to_json()).unwrap());
            assert_eq!(own_netns(), home, "{what} left the thread elsewhere");
        }
        assert_eq!(results[1], results[2], "{version}");
        // Before 1.0.0 the reference plugin prints a result of 1.0.0 under the name of the older version.
        if version == "1.0.0" {
            assert_eq!(results[0], results[1]);
        }
        let addresses = match version {
            "0.2.0" => [&results[1]["ip4"]["ip"], &results[1]["ip6"]["ip"]],
            _ => [&results[1]["ips"][0]["address"], &results[1]["ips"][1]["address"]],
        };
        assert_eq!(addresses, ["127.0.0.1/8", "::1/128"], "{version}");
        container.net.remove();
    }
}

fn loopback_passes_a_result_on_and_minds_what_is_not_its_own(host: &Host) {
    let list = host.network(&[host.bridge(&["10.20.0.0/24"]), json!({ "type": "loopback" })]);
    for (what, cni) in loopbacks(host) {
        let mut options = host.options();
        options.builtins = vec![Builtin::Loopback];
        // The process has no bridge of its own: it goes on in the file system.
        let cni = if what == "process" { Cni::new(options) } else { cni };
        let container = host.container("chained");
        let result = cni.add_network_list(&Context::background(), &list, &container.rt()).unwrap();
        assert_eq!(result.interfaces().len(), 3, "{what}: {}", result.to_json());
        assert!(is_up(&container), "{what}");
        cni.del_network_list(&Context::background(), &list, &container.rt()).unwrap();
        container.net.remove();
    }
    let container = host.container("strange");
    container.net.run("ip addr add 10.9.9.9/32 dev lo");
    let list = host.named_network("lo", "1.0.0", &[json!({ "type": "loopback" })]);
    let rt = container.rt();
    let messages = loopbacks(host).map(|(_, cni)| {
        cni.add_network_list(&Context::background(), &list, &rt).unwrap_err().message().to_owned()
    });
    assert!(messages[0].ends_with("loopback interface found with non-loopback address \"10.9.9.9\""));
    assert_eq!((&messages[0], &messages[0]), (&messages[1], &messages[2]));
}

fn loopback_of_a_namespace_that_is_gone_is_deleted_and_nothing_else(host: &Host) {
    let list = host.named_network("lo", "1.0.0", &[json!({ "type": "loopback" })]);
    let file = host.path("a-file");
    fs::write(&file, "").unwrap();
    for (what, cni) in &loopbacks(host)[1..] {
        for gone in ["/run/netns/gone", ""] {
            let rt = RuntimeConf { netns: gone.into(), ..host_rt() };
            cni.del_network_list(&Context::background(), &list, &rt)
                .unwrap_or_else(|e| panic!("{what}: {e}"));
        }
        let refused = |netns: &str, names: &str| {
            let rt = RuntimeConf { netns: netns.into(), ..host_rt() };
            let error = added(cni, &list, &rt).unwrap_err();
            assert_eq!((error.status(), error.code()), (Status::Plugin, 8), "{what}: {error}");
            assert!(error.message().contains(names), "{what}: {error}");
        };
        refused("/run/netns/gone", "the network namespace /run/netns/gone: No such file");
        refused(file.to_str().unwrap(), "a-file: it is not a network namespace");
        refused("/proc/self/ns/net", "should not be the same");
    }
}

fn added(cni: &Cni, list: &NetworkConfigList, rt: &RuntimeConf) -> cni::Result<CniResult> {
    cni.add_network_list(&Context::background(), list, rt)
}

fn host_rt() -> RuntimeConf {
    RuntimeConf { container_id: "c1".into(), if_name: "lo".into(), ..RuntimeConf::default() }
}
