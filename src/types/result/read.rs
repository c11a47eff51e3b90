//! From JSON to a result, by the rules of the original's decoder.
//!
//! What it does when a key occurs again: an address or a route is replaced as a whole, `dns` and each
//! element of `interfaces` are added to. `null` empties what can be empty and leaves the rest as it is.
//! One thing is not followed: there, what a shorter array cut off can come back with a third array.

use std::borrow::Cow;
use std::net::IpAddr;

use super::address::{Cidr, parse_cidr, parse_ip};
use super::model::{Dns, Interface, IpConfig, LegacyIp, Route};
use super::{CniResult, Family};
use crate::types::json::{self, Kind, Member, Order, Problem, Saved, each_field, each_field_of};

type Outcome = Result<(), Problem>;

/// Reads the members of an object into an empty result. Returns the version that they tell.
pub(super) fn read_members<'a>(
    result: &mut CniResult,
    members: Vec<Member<'a>>,
    order: Order,
) -> Result<Cow<'a, str>, Problem> {
    let family = result.family;
    let names: &[_] = match family {
        Family::V0_1 => &["cniVersion", "ip4", "ip6", "dns"],
        Family::V0_3 | Family::V1_0 => &["cniVersion", "interfaces", "ips", "routes", "dns"],
    };
    let reader = Reader { family, order };
    let mut version = Cow::Borrowed("");
    each_field_of(members, names, order, |name, member| {
        let value = member.value;
        match name {
            Some("cniVersion") => read_string(&mut version, value),
            Some("ip4") => read_nullable(&mut result.ip4, value, |ip, value| reader.legacy_ip(ip, value)),
            Some("ip6") => read_nullable(&mut result.ip6, value, |ip, value| reader.legacy_ip(ip, value)),
            Some("interfaces") => read_list(&mut result.interfaces, value, |interface, value| {
                read_nullable(interface, value, |interface, value| reader.interface(interface, value))
            }),
            Some("ips") => read_list(&mut result.ips, value, |ip, value| {
                read_nullable(ip, value, |ip, value| reader.ip_config(ip, value))
            }),
            Some("routes") => read_list(&mut result.routes, value, |route, value| {
                read_nullable(route, value, |route, value| reader.route(route, value))
            }),
            Some("dns") => reader.dns(&mut result.dns, value),
            _ => {
                result.unknown.push(&member);
                Ok(())
            }
        }
    })?;
    Ok(version)
}

/// Reads a string; `null` leaves the slot as it is.
pub(super) fn read_string<'a, S: From<Cow<'a, str>>>(slot: &mut S, value: &'a str) -> Outcome {
    match Kind::of(value) {
        Kind::Null => Ok(()),
        Kind::String => {
            *slot = json::string(value)?.into();
            Ok(())
        }
        _ => Err(Problem::expected("a string", value)),
    }
}

/// What all parts of one result are read with.
struct Reader {
    family: Family,
    order: Order,
}

impl Reader {
    fn interface(&self, interface: &mut Interface, value: &str) -> Outcome {
        let names: &[_] = match self.family {
            Family::V1_0 => &["name", "mac", "mtu", "sandbox", "socketPath", "pciID"],
            Family::V0_1 | Family::V0_3 => &["name", "mac", "sandbox"],
        };
        self.object(value, names, |name, member| match name {
            Some("name") => read_string(&mut interface.name, member.value),
            Some("mac") => read_string(&mut interface.mac, member.value),
            Some("mtu") => self.number(&mut interface.mtu, member.value),
            Some("sandbox") => read_string(&mut interface.sandbox, member.value),
            Some("socketPath") => read_string(&mut interface.socket_path, member.value),
            Some("pciID") => read_string(&mut interface.pci_id, member.value),
            _ => {
                interface.unknown.push(&member);
                Ok(())
            }
        })
    }

    fn ip_config(&self, slot: &mut IpConfig, value: &str) -> Outcome {
        let names: &[_] = match self.family {
            Family::V1_0 => &["interface", "address", "gateway"],
            Family::V0_1 | Family::V0_3 => &["version", "interface", "address", "gateway"],
        };
        let mut ip = IpConfig::default();
        self.replacing(value, names, |name, member| match name {
            Some("version") => read_string(&mut ip.version, member.value),
            Some("interface") => self.optional_number(&mut ip.interface, member.value),
            Some("address") => read_cidr(&mut ip.address, member.value),
            Some("gateway") => read_ip(&mut ip.gateway, member.value),
            _ => {
                ip.unknown.push(&member);
                Ok(())
            }
        })?;
        *slot = ip;
        Ok(())
    }

    fn route(&self, slot: &mut Route, value: &str) -> Outcome {
        let names = &["dst", "gw", "mtu", "advmss", "priority", "table", "scope"];
        let mut route = Route::default();
        self.replacing(value, names, |name, member| match name {
            Some("dst") => read_cidr(&mut route.dst, member.value),
            Some("gw") => read_ip(&mut route.gw, member.value),
            Some("mtu") => self.number(&mut route.mtu, member.value),
            Some("advmss") => self.number(&mut route.advmss, member.value),
            Some("priority") => self.number(&mut route.priority, member.value),
            Some("table") => self.optional_number(&mut route.table, member.value),
            Some("scope") => self.optional_number(&mut route.scope, member.value),
            _ => {
                route.unknown.push(&member);
                Ok(())
            }
        })?;
        *slot = route;
        Ok(())
    }

    fn legacy_ip(&self, slot: &mut LegacyIp, value: &str) -> Outcome {
        let mut ip = LegacyIp::default();
        self.replacing(value, &["ip", "gateway", "routes"], |name, member| match name {
            Some("ip") => read_cidr(&mut ip.ip, member.value),
            Some("gateway") => read_ip(&mut ip.gateway, member.value),
            Some("routes") => read_list(&mut ip.routes, member.value, |route, value| {
                if value == "null" {
                    *route = Route::default();
                    return Ok(());
                }
                self.route(route, value)
            }),
            _ => {
                ip.unknown.push(&member);
                Ok(())
            }
        })?;
        *slot = ip;
        Ok(())
    }

    fn dns(&self, dns: &mut Dns, value: &str) -> Outcome {
        if value == "null" {
            return Ok(());
        }
        self.object(value, &["nameservers", "domain", "search", "options"], |name, member| match name {
            Some("nameservers") => read_list(&mut dns.nameservers, member.value, read_string),
            Some("domain") => read_string(&mut dns.domain, member.value),
            Some("search") => read_list(&mut dns.search, member.value, read_string),
            Some("options") => read_list(&mut dns.options, member.value, read_string),
            _ => {
                dns.unknown.push(&member);
                Ok(())
            }
        })
    }

    fn object<'a>(
        &self,
        value: &'a str,
        names: &[&'static str],
        visit: impl FnMut(Option<&'static str>, Member<'a>) -> Outcome,
    ) -> Outcome {
        match Kind::of(value) {
            Kind::Object => each_field(value, names, self.order, visit),
            _ => Err(Problem::expected("an object", value)),
        }
    }

    /// An object that the original has a decoder of its own for: any problem in it ends the decoding.
    fn replacing<'a>(
        &self,
        value: &'a str,
        names: &[&'static str],
        visit: impl FnMut(Option<&'static str>, Member<'a>) -> Outcome,
    ) -> Outcome {
        self.object(value, names, visit).map_err(Problem::stopping)
    }

    fn number(&self, slot: &mut i64, value: &str) -> Outcome {
        if value != "null" {
            *slot = self.integer(value)?;
        }
        Ok(())
    }

    fn optional_number(&self, slot: &mut Option<i64>, value: &str) -> Outcome {
        *slot = if value == "null" { None } else { Some(self.integer(value)?) };
        Ok(())
    }

    fn integer(&self, value: &str) -> Result<i64, Problem> {
        if Kind::of(value) != Kind::Number {
            return Err(Problem::expected("a number", value));
        }
        let integer = value.parse::<i64>().ok().or_else(|| match self.order {
            Order::AsWritten => None,
            // On its way through a map a number was a floating-point one, so 1e3 has become 1000.
            Order::Resorted => value.parse::<f64>().ok()?.to_string().parse().ok(),
        });
        integer.ok_or_else(|| Problem::new(format!("expected a 64-bit integer, found {value}")))
    }
}

/// Reads into a slot that `null` empties.
fn read_nullable<'a, T: Default>(
    slot: &mut Option<T>,
    value: &'a str,
    read: impl FnOnce(&mut T, &'a str) -> Outcome,
) -> Outcome {
    if value == "null" {
        *slot = None;
        return Ok(());
    }
    read(slot.get_or_insert_default(), value)
}

/// Reads an array over a list: elements that are there already are read over, surplus ones dropped.
fn read_list<'a, T: Default>(
    list: &mut Vec<T>,
    value: &'a str,
    mut read: impl FnMut(&mut T, &'a str) -> Outcome,
) -> Outcome {
    match Kind::of(value) {
        Kind::Null => {
            list.clear();
            return Ok(());
        }
        Kind::Array => {}
        _ => return Err(Problem::expected("an array", value)),
    }
    let mut saved = Saved::default();
    let mut length = 0;
    json::each_element(value, |element| {
        if length == list.len() {
            list.push(T::default());
        }
        let outcome = read(&mut list[length], element).map_err(|problem| problem.in_element(length));
        length += 1;
        saved.pass(outcome)
    })?;
    list.truncate(length);
    saved.finish()
}

fn read_cidr(slot: &mut Option<Cidr>, value: &str) -> Outcome {
    *slot = Some(match Kind::of(value) {
        // As in the original, no address is not the same as an absent one.
        Kind::Null => parse_cidr("")?,
        Kind::String => parse_cidr(&json::string(value)?)?,
        _ => return Err(Problem::expected("a string", value).stopping()),
    });
    Ok(())
}

fn read_ip(slot: &mut Option<IpAddr>, value: &str) -> Outcome {
    *slot = match Kind::of(value) {
        Kind::Null => None,
        Kind::String => parse_ip(&json::string(value)?)?,
        _ => return Err(Problem::expected("a string", value)),
    };
    Ok(())
}
