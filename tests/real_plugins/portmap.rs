//! Port mappings behind a bridge, by iptables and by nftables.

use std::net::SocketAddr;

use cni::RuntimeConf;
use serde_json::{Value, json};

use crate::exchange;
use crate::host::{BOTH, Container, Host, IPV4, IPV6};

rules! {
    both:
        an_ipv4_port_is_mapped_by_iptables
        an_ipv6_port_is_mapped_by_iptables
        ports_of_both_families_are_mapped_by_iptables
        without_mappings_there_are_no_rules
        deleting_one_container_keeps_the_ports_of_another;
    newest:
        an_ipv4_port_is_mapped_by_nftables
        an_ipv6_port_is_mapped_by_nftables
        ports_of_both_families_are_mapped_by_nftables;
}

/// Where the rules of mappings are.
#[derive(Clone, Copy)]
enum Backend {
    Iptables,
    Nftables,
}

impl Backend {
    fn portmap(self, host: &Host) -> Value {
        let portmap = json!({ "type": "portmap", "capabilities": { "portMappings": true } });
        match self {
            Backend::Iptables => {
                host.needs_iptables();
                portmap
            }
            Backend::Nftables => {
                host.needs_nftables();
                let mut portmap = portmap;
                portmap["backend"] = json!("nftables");
                portmap
            }
        }
    }

    /// The rules that forward to an address.
    fn rules(self, host: &Host, address: &str) -> Vec<String> {
        match self {
            Backend::Iptables if address.contains(':') => host.net.iptables("ip6tables-save -t nat", address),
            Backend::Iptables => host.net.iptables("iptables-save -t nat", address),
            Backend::Nftables => host.net.nftables(address),
        }
    }
}

fn mappings(container: &Container) -> RuntimeConf {
    let mappings = json!([
        { "hostPort": 8080, "containerPort": 80, "protocol": "tcp" },
        { "hostPort": 5353, "containerPort": 53, "protocol": "udp" },
    ]);
    container.rt_with("portMappings", &mappings)
}

fn an_ipv4_port_is_mapped_by_iptables(host: &Host) {
    life_of_mappings(host, Backend::Iptables, IPV4);
}

fn an_ipv6_port_is_mapped_by_iptables(host: &Host) {
    life_of_mappings(host, Backend::Iptables, IPV6);
}

fn ports_of_both_families_are_mapped_by_iptables(host: &Host) {
    life_of_mappings(host, Backend::Iptables, BOTH);
}

fn an_ipv4_port_is_mapped_by_nftables(host: &Host) {
    life_of_mappings(host, Backend::Nftables, IPV4);
}

fn an_ipv6_port_is_mapped_by_nftables(host: &Host) {
    life_of_mappings(host, Backend::Nftables, IPV6);
}

fn ports_of_both_families_are_mapped_by_nftables(host: &Host) {
    life_of_mappings(host, Backend::Nftables, BOTH);
}

fn life_of_mappings(host: &Host, backend: Backend, subnets: &[&str]) {
    let list = host.network(&[host.bridge(subnets), backend.portmap(host)]);
    let container = host.container("c1");
    let rt = mappings(&container);
    host.add(&list, &rt);
    for subnet in subnets {
        let (address, gateway) = addresses(subnet);
        assert!(!backend.rules(host, address).is_empty(), "no rule forwards to {address}");
        let at = |address: &str, port: u16| SocketAddr::new(address.parse().unwrap(), port);
        exchange::tcp(&host.net, at(gateway, 8080), &container.net, at(address, 80));
        exchange::udp(&host.net, at(gateway, 5353), &container.net, at(address, 53));
        if subnet.starts_with("10.") {
            // For this, portmap switches on routing of local addresses.
            exchange::tcp(&host.net, at("127.0.0.1", 8080), &container.net, at(address, 80));
            assert_eq!(host.net.sysctl("ipv4/conf/cni0/route_localnet"), "1");
        }
    }
    host.check_with_portmap(&list, &rt);
    host.del(&list, &rt);
    for subnet in subnets {
        let (address, _) = addresses(subnet);
        assert_eq!(backend.rules(host, address), Vec::<String>::new());
    }
    assert!(backend.rules(host, "8080").is_empty());
    assert_eq!(host.leases(), []);
}

fn addresses(subnet: &str) -> (&'static str, &'static str) {
    if subnet.contains(':') { ("fd20::2", "fd20::1") } else { ("10.20.0.2", "10.20.0.1") }
}

fn without_mappings_there_are_no_rules(host: &Host) {
    let list = host.network(&[host.bridge(IPV4), Backend::Iptables.portmap(host)]);
    let container = host.container("c1");
    let rt = container.rt();
    host.add(&list, &rt);
    assert!(Backend::Iptables.rules(host, "10.20.0.2").is_empty());
    host.check(&list, &rt);
    host.del(&list, &rt);
}

fn deleting_one_container_keeps_the_ports_of_another(host: &Host) {
    let list = host.network(&[host.bridge(IPV4), Backend::Iptables.portmap(host)]);
    let (one, two) = (host.container("c1"), host.container("c2"));
    let mapping = |container: &Container, port: u16| {
        let mapping = json!([{ "hostPort": port, "containerPort": 80, "protocol": "tcp" }]);
        container.rt_with("portMappings", &mapping)
    };
    host.add(&list, &mapping(&one, 8081));
    host.add(&list, &mapping(&two, 8082));
    host.del(&list, &mapping(&one, 8081));
    assert!(Backend::Iptables.rules(host, "8081").is_empty());
    host.check_with_portmap(&list, &mapping(&two, 8082));
    let server = "10.20.0.3:80".parse().unwrap();
    exchange::tcp(&host.net, "10.20.0.1:8082".parse().unwrap(), &two.net, server);
}
