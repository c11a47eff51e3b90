//! What ADD returned, as tables.

use cni::CniResult;
use cni::types::result::{Interface, IpConfig, LegacyIp, Route};

use crate::table::{Part, number, optional};

pub(crate) fn parts(result: &CniResult) -> Vec<Part> {
    let legacy: Vec<&LegacyIp> = [result.ip4(), result.ip6()].into_iter().flatten().collect();
    let interfaces = result.interfaces().iter().flatten().map(interface);
    let ips = result.ips().iter().flatten().map(|ip| address(result, ip));
    let legacy_ips = legacy.iter().map(|ip| vec![optional(ip.ip), optional(ip.gateway), String::new()]);
    let routes = result.routes().iter().flatten().chain(legacy.iter().flat_map(|ip| &ip.routes)).map(route);
    vec![
        Part::Table(vec!["INTERFACE", "MAC", "MTU", "SANDBOX"], interfaces.collect()),
        Part::Table(vec!["ADDRESS", "GATEWAY", "INTERFACE"], ips.chain(legacy_ips).collect()),
        Part::Table(vec!["ROUTE", "VIA", "MTU", "PRIORITY"], routes.collect()),
        Part::Table(vec!["DNS", "VALUE"], dns(result)),
    ]
}

fn interface(interface: &Interface) -> Vec<String> {
    let Interface { name, mac, mtu, sandbox, .. } = interface;
    vec![name.to_string(), mac.to_string(), number(*mtu), sandbox.to_string()]
}

fn address(result: &CniResult, ip: &IpConfig) -> Vec<String> {
    let index = ip.interface.and_then(|index| usize::try_from(index).ok());
    let interface = index.and_then(|index| result.interfaces().get(index)).and_then(Option::as_ref);
    vec![optional(ip.address), optional(ip.gateway), optional(interface.map(|interface| &interface.name))]
}

fn route(route: &Route) -> Vec<String> {
    vec![optional(route.dst), optional(route.gw), number(route.mtu), number(route.priority)]
}

fn dns(result: &CniResult) -> Vec<Vec<String>> {
    let dns = result.dns();
    let values = [
        ("nameserver", dns.nameservers.join(" ")),
        ("domain", dns.domain.to_string()),
        ("search", dns.search.join(" ")),
        ("options", dns.options.join(" ")),
    ];
    let told = values.into_iter().filter(|(_, value)| !value.is_empty());
    told.map(|(name, value)| vec![name.to_owned(), value]).collect()
}
