//! Many containers at once, from as many threads, on one network.

use std::collections::BTreeSet;
use std::thread;

use serde_json::json;

use crate::exchange;
use crate::host::{Host, IPV4, ips};

rules! {
    both: eight_containers_are_attached_and_deleted_at_once;
    newest:
        one_attachment_is_made_once_when_eight_threads_want_it
        an_add_and_a_del_of_one_attachment_at_once_leave_all_of_it_or_nothing;
}

fn eight_containers_are_attached_and_deleted_at_once(host: &Host) {
    host.needs_iptables();
    let portmap = json!({ "type": "portmap", "capabilities": { "portMappings": true } });
    let list = &host.network(&[host.bridge(IPV4), portmap]);
    // The first of all makes the chains that all share. portmap looks whether they are there and then makes
    // them; two of its processes that do so at once disturb each other, where iptables has no lock.
    let first = host.container("first");
    let mapping = json!([{ "hostPort": 8080, "containerPort": 80, "protocol": "tcp" }]);
    let first_rt = first.rt_with("portMappings", &mapping);
    host.add(list, &first_rt);
    let containers: Vec<_> = (1..=8).map(|number| host.container(&format!("c{number}"))).collect();
    let rts: Vec<_> = (8081..)
        .zip(&containers)
        .map(|(port, container)| {
            let mapping = json!([{ "hostPort": port, "containerPort": 80, "protocol": "tcp" }]);
            container.rt_with("portMappings", &mapping)
        })
        .collect();
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = rts.iter().map(|rt| scope.spawn(|| host.add(list, rt))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let addresses: Vec<_> = results.iter().map(|result| ips(result).remove(0)).collect();
    assert_eq!(addresses.iter().collect::<BTreeSet<_>>().len(), 8, "{addresses:?}");
    assert_eq!((host.leases().len(), host.cached().len()), (9, 9));
    for (index, (container, address)) in containers.iter().zip(&addresses).enumerate() {
        assert_eq!(container.net.addresses("eth0"), [format!("{address}/24")]);
        let mapped = format!("10.20.0.1:{}", 8081 + index).parse().unwrap();
        exchange::tcp(&host.net, mapped, &container.net, format!("{address}:80").parse().unwrap());
    }
    thread::scope(|scope| {
        for rt in &rts {
            scope.spawn(|| {
                host.check_with_portmap(list, rt);
                host.del(list, rt);
            });
        }
    });
    host.check_with_portmap(list, &first_rt);
    host.del(list, &first_rt);
    assert_eq!(host.leases(), []);
    assert!(host.cached().is_empty());
    assert!(host.net.iptables("iptables-save -t nat", "10.20.0.").is_empty());
    assert_eq!(host.net.link_names(), ["cni0", "lo"]);
}

fn one_attachment_is_made_once_when_eight_threads_want_it(host: &Host) {
    let list = &host.network(&[host.bridge(IPV4)]);
    let container = host.container("c1");
    let rt = &container.rt();
    let added: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| host.try_add(list, rt))).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
    });
    assert_eq!(added.len(), 1);
    assert_eq!(host.cached_result(list, rt).as_ref(), added.first());
    host.check(list, rt);
    host.del(list, rt);
    assert_eq!(container.net.link_names(), ["lo"]);
    assert_eq!(host.leases(), []);
}

fn an_add_and_a_del_of_one_attachment_at_once_leave_all_of_it_or_nothing(host: &Host) {
    let list = &host.network(&[host.bridge(IPV4), json!({ "type": "tuning", "mtu": 1400 })]);
    let container = host.container("c1");
    let rt = &container.rt();
    for round in 0..10 {
        thread::scope(|scope| {
            scope.spawn(|| host.add(list, rt));
            scope.spawn(|| host.try_del(list, rt).unwrap());
        });
        let attached = container.net.link("eth0").is_some();
        assert_eq!(host.leases().len(), usize::from(attached), "round {round}");
        assert_eq!(host.cached().len(), usize::from(attached), "round {round}");
        if attached {
            host.check(list, rt);
        }
        host.del(list, rt);
    }
}
