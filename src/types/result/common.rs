//! The common form of results, read in one pass.
//!
//! Nearly every result is as the original's types print it: `cniVersion` first, each key once and known, no escapes, no nulls. Such a
//! text is checked and read at once here. At anything else this gives up without a word, and [`read`](super::read) begins anew,
//! which knows all the rules and what to say. So there is one thing to hold: what is accepted here, means the same there.

use std::net::IpAddr;

use smol_str::SmolStr;

use super::address::{Cidr, parse_cidr, parse_ip};
use super::model::{Dns, Interface, IpConfig, LegacyIp, Route};
use super::{CniResult, Family, known_version};
use crate::types::json::plain_length;

/// The result that `text` is, if it has the common form.
pub(super) fn read(text: &str) -> Option<CniResult> {
    let mut text = Reader { text, at: 0 };
    let mut result = None;
    text.object(|text, key| {
        let Some(result) = &mut result else {
            let (version, family) = known_version(text.string().filter(|_| key == "cniVersion")?)?;
            result = Some(CniResult::empty(version, family));
            return Some(());
        };
        match (key, result.family) {
            ("ip4", Family::V0_1) => set(&mut result.ip4, text.legacy_ip()?),
            ("ip6", Family::V0_1) => set(&mut result.ip6, text.legacy_ip()?),
            ("interfaces", family @ (Family::V0_3 | Family::V1_0)) => {
                text.list(&mut result.interfaces, |text| text.interface(family).map(Some))
            }
            ("ips", family @ (Family::V0_3 | Family::V1_0)) => {
                text.list(&mut result.ips, |text| text.ip_config(family).map(Some))
            }
            ("routes", Family::V0_3 | Family::V1_0) => {
                text.list(&mut result.routes, |text| text.route().map(Some))
            }
            ("dns", _) if result.dns == Dns::default() => text.dns(&mut result.dns),
            _ => None,
        }
    })?;
    text.space();
    result.filter(|_| text.at == text.text.len())
}

/// Sets a field that has no value yet: a second one is not of the common form.
fn set<T>(field: &mut Option<T>, value: T) -> Option<()> {
    field.replace(value).is_none().then_some(())
}

#[inline]
fn set_text(field: &mut SmolStr, value: &str) -> Option<()> {
    std::mem::replace(field, value.into()).is_empty().then_some(())
}

fn set_number(field: &mut i64, value: i64) -> Option<()> {
    (std::mem::replace(field, value) == 0).then_some(())
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn interface(&mut self, family: Family) -> Option<Interface> {
        let mut interface = Interface::default();
        self.object(|text, key| match (key, family) {
            ("name", _) => set_text(&mut interface.name, text.string()?),
            ("mac", _) => set_text(&mut interface.mac, text.string()?),
            ("sandbox", _) => set_text(&mut interface.sandbox, text.string()?),
            ("mtu", Family::V1_0) => set_number(&mut interface.mtu, text.integer()?),
            ("socketPath", Family::V1_0) => set_text(&mut interface.socket_path, text.string()?),
            ("pciID", Family::V1_0) => set_text(&mut interface.pci_id, text.string()?),
            _ => None,
        })?;
        Some(interface)
    }

    fn ip_config(&mut self, family: Family) -> Option<IpConfig> {
        let mut ip = IpConfig::default();
        self.object(|text, key| match (key, family) {
            ("version", Family::V0_3) => set_text(&mut ip.version, text.string()?),
            ("interface", _) => set(&mut ip.interface, text.integer()?),
            ("address", _) => set(&mut ip.address, text.cidr()?),
            ("gateway", _) => set(&mut ip.gateway, text.ip()?),
            _ => None,
        })?;
        Some(ip)
    }

    fn route(&mut self) -> Option<Route> {
        let mut route = Route::default();
        self.object(|text, key| match key {
            "dst" => set(&mut route.dst, text.cidr()?),
            "gw" => set(&mut route.gw, text.ip()?),
            "mtu" => set_number(&mut route.mtu, text.integer()?),
            "advmss" => set_number(&mut route.advmss, text.integer()?),
            "priority" => set_number(&mut route.priority, text.integer()?),
            "table" => set(&mut route.table, text.integer()?),
            "scope" => set(&mut route.scope, text.integer()?),
            _ => None,
        })?;
        Some(route)
    }

    fn legacy_ip(&mut self) -> Option<LegacyIp> {
        let mut ip = LegacyIp::default();
        self.object(|text, key| match key {
            "ip" => set(&mut ip.ip, text.cidr()?),
            "gateway" => set(&mut ip.gateway, text.ip()?),
            "routes" => text.list(&mut ip.routes, Reader::route),
            _ => None,
        })?;
        Some(ip)
    }

    fn dns(&mut self, dns: &mut Dns) -> Option<()> {
        self.object(|text, key| {
            let strings = match key {
                "nameservers" => &mut dns.nameservers,
                "search" => &mut dns.search,
                "options" => &mut dns.options,
                "domain" => return set_text(&mut dns.domain, text.string()?),
                _ => return None,
            };
            text.list(strings, |text| text.string().map(SmolStr::new))
        })
    }

    fn cidr(&mut self) -> Option<Cidr> {
        parse_cidr(self.string()?).ok()
    }

    fn ip(&mut self) -> Option<IpAddr> {
        parse_ip(self.string()?).ok()?
    }

    /// Hands each key to `member`, which reads the value.
    #[inline]
    fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        if self.expect(b'}').is_some() {
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            member(self, key)?;
            if self.expect(b',').is_none() {
                return self.expect(b'}');
            }
        }
    }

    /// Reads an array into a list that has nothing yet.
    #[inline]
    fn list<T>(&mut self, list: &mut Vec<T>, mut element: impl FnMut(&mut Self) -> Option<T>) -> Option<()> {
        self.expect(b'[').filter(|()| list.is_empty())?;
        if self.expect(b']').is_some() {
            return Some(());
        }
        loop {
            list.push(element(self)?);
            if self.expect(b',').is_none() {
                return self.expect(b']');
            }
        }
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        self.at += plain_length(&self.text.as_bytes()[start..]);
        let string = self.text.get(start..self.at)?;
        self.byte(b'"')?;
        Some(string)
    }

    fn integer(&mut self) -> Option<i64> {
        self.space();
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().take_while(|byte| matches!(byte, b'-' | b'0'..=b'9')).count();
        let digits = self.text.get(self.at..self.at + length)?;
        // Neither a part of another number, nor what a number in JSON may not begin with.
        let ends = !matches!(rest.get(length), Some(b'.' | b'e' | b'E' | b'+'));
        let begins = matches!(digits.as_bytes(), [b'0'] | [b'1'..=b'9', ..] | [b'-', b'1'..=b'9', ..]);
        self.at += length;
        digits.parse().ok().filter(|_| ends && begins)
    }

    /// Goes behind `byte`, if it comes next, white space aside.
    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.space();
        self.byte(byte)
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Option<()> {
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found.then_some(())
    }

    #[inline]
    fn space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::super::members_or_null;
    use super::*;
    use crate::types::json::Order;
    use crate::version;

    /// What the reader that knows all the rules says.
    fn by_all_rules(text: &str, order: Order) -> Option<CniResult> {
        CniResult::from_members(members_or_null(text), order).ok()
    }

    #[test]
    fn the_common_form_is_read_whole() {
        for text in [
            r#"{"cniVersion":"1.1.0"}"#,
            r#" { "cniVersion" : "0.4.0" , "interfaces" : [ { "name" : "eth0" } ] , "dns" : { } } "#,
            r#"{"cniVersion":"1.0.0","interfaces":[{"name":"br0","mac":"0a:58:0a:01:00:01"},{"name":"eth0","mtu":1500,
               "sandbox":"/run/netns/a","socketPath":"/s","pciID":"0000:00:1f.6"}],"ips":[{"interface":1,
               "address":"10.1.0.5/16","gateway":"10.1.0.1"},{"address":"fd00::5/64"}],"routes":[{"dst":"0.0.0.0/0",
               "gw":"10.1.0.1","mtu":-1,"advmss":1,"priority":10,"table":100,"scope":0}],"dns":{"nameservers":
               ["10.1.0.1"],"domain":"é","search":["a","b"],"options":[]}}"#,
            r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.1.0.5/16","gateway":"10.1.0.1","routes":[{"dst":"0.0.0.0/0"}]},
               "ip6":{"ip":"fd00::5/64"},"dns":{}}"#,
        ] {
            let result = read(text).unwrap();
            for order in [Order::AsWritten, Order::Resorted] {
                assert_eq!(Some(&result), by_all_rules(text, order).as_ref(), "{text}");
            }
        }
    }

    #[test]
    fn everything_else_is_left_to_the_rules() {
        let result = |members: &str| format!(r#"{{"cniVersion":"1.0.0",{members}}}"#);
        for text in [
            "",
            "null",
            "{}",
            r#"{"dns":{},"cniVersion":"1.0.0"}"#,
            r#"{"cniVersion":""}"#,
            r#"{"cniVersion":"9.0.0"}"#,
            r#"{"cniVersion":"1.0.0"} x"#,
            r#"{"cniVersion":"1.0.0""#,
            r#"{"cniVersion":"1.0.0",}"#,
            r#"{"cniVersion":"0.1.0","ips":[]}"#,
            r#"{"cniVersion":"0.4.0","interfaces":[{"name":"a","mtu":0}]}"#,
            &result(r#""cniVersion":"1.1.0""#),
            &result(r#""ip4":{}"#),
            &result(r#""DNS":{}"#),
            &result(r#""x":1"#),
            &result(r#""ips":null"#),
            &result(r#""interfaces":[null]"#),
            &result(r#""interfaces":[{"name":null}]"#),
            &result(r#""interfaces":[{"name":"a\n"}]"#),
            &result("\"interfaces\":[{\"name\":\"a\u{1}\"}]"),
            &result(r#""interfaces":[{"name":"a","name":"b"}]"#),
            &result(r#""interfaces":[{"name":"a"}],"interfaces":[]"#),
            &result(r#""interfaces":[{"name":"a","mtu":1.0}]"#),
            &result(r#""interfaces":[{"name":"a","mtu":01}]"#),
            &result(r#""interfaces":[{"name":"a","mtu":-0}]"#),
            &result(r#""interfaces":[{"name":"a","mtu":1e3}]"#),
            &result(r#""interfaces":[{"name":"a","mtu":9223372036854775808}]"#),
            &result(r#""ips":[{"version":"4"}]"#),
            &result(r#""ips":[{"address":"10.0.0.1"}]"#),
            &result(r#""ips":[{"gateway":""}]"#),
            &result(r#""routes":[{"table":1,"table":1}]"#),
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    fn spaced(inner: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        let space = || prop_oneof![9 => Just(""), 1 => select(vec![" ", "\n\t", "\r"])];
        (space(), inner, space()).prop_map(|(before, inner, behind)| format!("{before}{inner}{behind}"))
    }

    /// An object with some of these fields, each with a value of its kind; now and then with what is not of the common form.
    fn object(fields: &'static [(&'static str, &'static [&'static str])]) -> impl Strategy<Value = String> {
        let strange = select(vec![
            r#""x":1"#,
            r#""Name":"a""#,
            r#""mt\u0075":1"#,
            r#""mtu":1.0"#,
            r#""mtu":1e3"#,
            r#""mtu":-0"#,
            r#""mtu":01"#,
            r#""name":null"#,
            r#""name":"\t""#,
            r#""name":true"#,
            r#""gateway":"""#,
            r#""table":9223372036854775808"#,
        ]);
        let member = move |(name, values): (&str, &'static [&'static str])| {
            let name = name.to_owned();
            select(values.to_vec()).prop_map(move |value| format!("\"{name}\":{value}"))
        };
        let known = subsequence(fields.to_vec(), 0..=fields.len());
        let known = known.prop_flat_map(move |fields| fields.into_iter().map(member).collect::<Vec<_>>());
        // A member twice is written twice.
        let more = prop_oneof![
            30 => Just(None),
            1 => strange.prop_map(|member| Some(member.to_owned())),
            1 => select(fields.to_vec()).prop_flat_map(member).prop_map(Some),
        ];
        (known, more).prop_flat_map(|(mut members, more)| {
            members.extend(more);
            let members: Vec<_> = members.into_iter().map(|member| spaced(Just(member))).collect();
            members.prop_map(|members| format!("{{{}}}", members.join(",")))
        })
    }

    fn list(element: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        vec(spaced(element), 0..4).prop_map(|elements| format!("[{}]", elements.join(",")))
    }

    const TEXTS: &[&str] =
        &[r#""eth0""#, r#""""#, r#""é""#, r#""/run/netns/a-name-that-is-longer-than-most""#];
    const CIDRS: &[&str] = &[r#""10.1.0.5/16""#, r#""fd00::5/64""#, r#""::ffff:1.2.3.4/120""#];
    const IPS: &[&str] = &[r#""10.1.0.1""#, r#""fd00::1""#, r#""::ffff:1.2.3.4""#];
    const NUMBERS: &[&str] = &["0", "1", "-7", "1500", "9223372036854775807"];

    /// Results that are mostly of the common form.
    fn near() -> impl Strategy<Value = String> {
        let route = || {
            const FIELDS: &[(&str, &[&str])] = &[
                ("dst", CIDRS),
                ("gw", IPS),
                ("mtu", NUMBERS),
                ("advmss", NUMBERS),
                ("priority", NUMBERS),
                ("table", NUMBERS),
                ("scope", NUMBERS),
            ];
            object(FIELDS)
        };
        let interface = |new: bool| {
            object(if new {
                &[
                    ("name", TEXTS),
                    ("mac", TEXTS),
                    ("mtu", NUMBERS),
                    ("sandbox", TEXTS),
                    ("socketPath", TEXTS),
                    ("pciID", TEXTS),
                ]
            } else {
                &[("name", TEXTS), ("mac", TEXTS), ("sandbox", TEXTS)]
            })
        };
        let ip = |new: bool| {
            object(if new {
                &[("interface", NUMBERS), ("address", CIDRS), ("gateway", IPS)]
            } else {
                &[("version", TEXTS), ("interface", NUMBERS), ("address", CIDRS), ("gateway", IPS)]
            })
        };
        let legacy = move || {
            (object(&[("ip", CIDRS), ("gateway", IPS)]), list(route())).prop_map(|(object, routes)| {
                let comma = if object.trim().len() > 2 { "," } else { "" };
                format!("{}{comma}\"routes\":{routes}}}", &object[..object.len() - 1])
            })
        };
        const STRINGS: &[&str] = &["[]", r#"["a"]"#, r#"[ "a" , "b" ]"#];
        let dns = || {
            object(&[("nameservers", STRINGS), ("domain", TEXTS), ("search", STRINGS), ("options", STRINGS)])
        };
        let version = select(version::ALL.to_vec());
        version.prop_flat_map(move |version| {
            let member = |name: &'static str, value: BoxedStrategy<String>| {
                prop_oneof![1 => Just(String::new()), 2 => value.prop_map(move |value| format!(",\"{name}\":{value}"))]
            };
            let new = version >= "1.0.0";
            let parts = if version < "0.3.0" {
                vec![member("ip4", legacy().boxed()), member("ip6", legacy().boxed())]
            } else {
                vec![
                    member("interfaces", list(interface(new)).boxed()),
                    member("ips", list(ip(new)).boxed()),
                    member("routes", list(route()).boxed()),
                ]
            };
            (parts, member("dns", dns().boxed()), prop_oneof![20 => Just(""), 1 => Just("}")]).prop_map(
                move |(parts, dns, more)| format!(r#"{{"cniVersion":"{version}"{}{dns}}}{more}"#, parts.concat()),
            )
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_is_accepted_means_the_same_by_all_rules(text in near()) {
            if let Some(result) = read(&text) {
                for order in [Order::AsWritten, Order::Resorted] {
                    prop_assert_eq!(Some(result.clone()), by_all_rules(&text, order));
                }
            }
        }

        #[test]
        fn what_was_printed_is_of_the_common_form(text in near()) {
            if let Some(result) = read(&text) {
                prop_assert_eq!(read(&result.to_json()), Some(result));
            }
        }
    }
}
