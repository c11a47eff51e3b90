//! From a result to JSON: known keys in the order of the specification, then the unknown ones.

use smol_str::SmolStr;

use super::address::{push_cidr, push_ip};
use super::model::{Dns, Interface, IpConfig, LegacyIp, Route};
use super::{CniResult, Family};
use crate::types::json::{ObjectWriter, push_string};

pub(super) fn write_result(out: &mut String, result: &CniResult) {
    let family = result.family;
    let mut object = ObjectWriter::open(out);
    object.string("cniVersion", result.version);
    for (name, ip) in [("ip4", &result.ip4), ("ip6", &result.ip6)] {
        if let Some(ip) = ip {
            write_legacy_ip(object.key(name), ip);
        }
    }
    write_list(&mut object, "interfaces", &result.interfaces, |out, interface| {
        write_nullable(out, interface, write_interface);
    });
    write_list(&mut object, "ips", &result.ips, |out, ip| {
        write_nullable(out, ip, |out, ip| write_ip_config(out, ip, family));
    });
    write_list(&mut object, "routes", &result.routes, |out, route| {
        write_nullable(out, route, write_route);
    });
    // Before 1.0.0 `dns` is always there, even when it says nothing.
    if family != Family::V1_0 || result.dns != Dns::default() {
        write_dns(object.key("dns"), &result.dns);
    }
    object.raw_members(result.unknown.text());
    object.close();
}

fn write_interface(out: &mut String, interface: &Interface) {
    let mut object = ObjectWriter::open(out);
    object.string("name", &interface.name);
    write_string(&mut object, "mac", &interface.mac);
    write_number(&mut object, "mtu", interface.mtu);
    write_string(&mut object, "sandbox", &interface.sandbox);
    write_string(&mut object, "socketPath", &interface.socket_path);
    write_string(&mut object, "pciID", &interface.pci_id);
    object.raw_members(interface.unknown.text());
    object.close();
}

fn write_ip_config(out: &mut String, ip: &IpConfig, family: Family) {
    let mut object = ObjectWriter::open(out);
    if family == Family::V0_3 {
        object.string("version", &ip.version);
    }
    if let Some(index) = ip.interface {
        object.number("interface", index);
    }
    if let Some(address) = ip.address {
        push_cidr(object.key("address"), address);
    }
    if let Some(gateway) = ip.gateway {
        push_ip(object.key("gateway"), gateway);
    }
    object.raw_members(ip.unknown.text());
    object.close();
}

fn write_route(out: &mut String, route: &Route) {
    let mut object = ObjectWriter::open(out);
    if let Some(dst) = route.dst {
        push_cidr(object.key("dst"), dst);
    }
    if let Some(gw) = route.gw {
        push_ip(object.key("gw"), gw);
    }
    write_number(&mut object, "mtu", route.mtu);
    write_number(&mut object, "advmss", route.advmss);
    write_number(&mut object, "priority", route.priority);
    if let Some(table) = route.table {
        object.number("table", table);
    }
    if let Some(scope) = route.scope {
        object.number("scope", scope);
    }
    object.raw_members(route.unknown.text());
    object.close();
}

fn write_legacy_ip(out: &mut String, ip: &LegacyIp) {
    let mut object = ObjectWriter::open(out);
    if let Some(address) = ip.ip {
        push_cidr(object.key("ip"), address);
    }
    if let Some(gateway) = ip.gateway {
        push_ip(object.key("gateway"), gateway);
    }
    write_list(&mut object, "routes", &ip.routes, write_route);
    object.raw_members(ip.unknown.text());
    object.close();
}

fn write_dns(out: &mut String, dns: &Dns) {
    let mut object = ObjectWriter::open(out);
    let strings = |out: &mut String, value: &SmolStr| push_string(out, value);
    write_list(&mut object, "nameservers", &dns.nameservers, strings);
    write_string(&mut object, "domain", &dns.domain);
    write_list(&mut object, "search", &dns.search, strings);
    write_list(&mut object, "options", &dns.options, strings);
    object.raw_members(dns.unknown.text());
    object.close();
}

/// A member that an empty string leaves out.
fn write_string(object: &mut ObjectWriter<'_>, name: &'static str, value: &str) {
    if !value.is_empty() {
        object.string(name, value);
    }
}

/// A member that 0 leaves out.
fn write_number(object: &mut ObjectWriter<'_>, name: &'static str, value: i64) {
    if value != 0 {
        object.number(name, value);
    }
}

/// A member that an empty list leaves out.
fn write_list<T>(
    object: &mut ObjectWriter<'_>,
    name: &'static str,
    list: &[T],
    write: impl Fn(&mut String, &T),
) {
    if list.is_empty() {
        return;
    }
    let out = object.key(name);
    for (i, element) in list.iter().enumerate() {
        out.push(if i == 0 { '[' } else { ',' });
        write(out, element);
    }
    out.push(']');
}

fn write_nullable<T>(out: &mut String, value: &Option<T>, write: impl FnOnce(&mut String, &T)) {
    match value {
        Some(value) => write(out, value),
        None => out.push_str("null"),
    }
}
