//! The same life of an attachment by other users: root itself, and an ordinary one.

use serde_json::json;

use crate::exchange;
use crate::host::{BOTH, Host};
use crate::plugins::Set;
use crate::sandbox::{self, As};

#[test]
fn root_attaches_containers_without_a_user_namespace() {
    let test = concat!(module_path!(), "::root_attaches_containers_without_a_user_namespace");
    sandbox::run(test, Set::Newest, As::RealRoot, attaches_checks_and_deletes);
}

#[test]
fn an_ordinary_user_attaches_containers_in_a_user_namespace() {
    let test = concat!(module_path!(), "::an_ordinary_user_attaches_containers_in_a_user_namespace");
    sandbox::run(test, Set::Newest, As::OrdinaryUser, attaches_checks_and_deletes);
}

fn attaches_checks_and_deletes(host: &Host) {
    let tuning = json!({ "type": "tuning", "sysctl": { "net.core.somaxconn": "500" } });
    let list = host.network(&[host.bridge(BOTH), tuning]);
    let container = host.container("c1");
    let rt = container.rt();
    host.add(&list, &rt);
    assert_eq!(container.net.addresses("eth0"), ["10.20.0.2/24", "fd20::2/64"]);
    for address in ["10.20.0.2", "fd20::2"] {
        exchange::reaches(&host.net, &container.net, address);
    }
    assert_eq!(container.net.sysctl("core/somaxconn"), "500");
    host.check(&list, &rt);
    host.del(&list, &rt);
    assert_eq!(container.net.link_names(), ["lo"]);
    assert_eq!(host.leases(), []);
    assert!(host.cached().is_empty());
}
