//! How two JSON values differ, where one is ours and one the original's.

use super::json::Json;
use super::rules::{Rule, Tally};

/// What a value is about: it decides which keys the original would have dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Node {
    /// Nothing that this protocol knows: it must be the same.
    Plain,
    /// A plugin's request, whose prevResult is a result.
    Request,
    Result,
    Part(Part, Family),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Whole,
    LegacyIp,
    Interface,
    Ip,
    Route,
    Dns,
}

/// The versions whose results have the same keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V0_1,
    V0_3,
    V1_0,
}

impl Node {
    /// The node with the version that the value itself tells.
    fn resolved(self, value: &Json) -> Node {
        if self != Node::Result {
            return self;
        }
        let family = match value.str("cniVersion") {
            "0.3.0" | "0.3.1" | "0.4.0" => Family::V0_3,
            "1.0.0" | "1.1.0" => Family::V1_0,
            _ => Family::V0_1,
        };
        Node::Part(Part::Whole, family)
    }

    fn keys(self) -> &'static [&'static str] {
        let Node::Part(part, family) = self else { return &[] };
        match (part, family) {
            (Part::Whole, Family::V0_1) => &["cniVersion", "ip4", "ip6", "dns"],
            (Part::Whole, _) => &["cniVersion", "interfaces", "ips", "routes", "dns"],
            (Part::LegacyIp, _) => &["ip", "gateway", "routes"],
            (Part::Interface, Family::V1_0) => &["name", "mac", "mtu", "sandbox", "socketPath", "pciID"],
            (Part::Interface, _) => &["name", "mac", "sandbox"],
            (Part::Ip, Family::V1_0) => &["interface", "address", "gateway"],
            (Part::Ip, _) => &["version", "interface", "address", "gateway"],
            (Part::Route, _) => &["dst", "gw", "mtu", "advmss", "priority", "table", "scope"],
            (Part::Dns, _) => &["nameservers", "domain", "search", "options"],
        }
    }

    /// Whether the original drops that key: it does not know it, or knows nothing in it.
    fn leaves_behind(self, key: &str, value: &Json) -> bool {
        if !matches!(self, Node::Part(..)) {
            return false;
        }
        match value {
            Json::Object(members) if key == "dns" && !members.is_empty() => {
                members.iter().all(|(key, value)| self.child("dns").leaves_behind(key, value))
            }
            _ => !self.keys().contains(&key),
        }
    }

    fn child(self, key: &str) -> Node {
        let Node::Part(part, family) = self else {
            return if self == Node::Request && key == "prevResult" { Node::Result } else { Node::Plain };
        };
        let child = match (part, key) {
            (Part::Whole, "ip4" | "ip6") => Part::LegacyIp,
            (Part::Whole, "interfaces") => Part::Interface,
            (Part::Whole, "ips") => Part::Ip,
            (Part::Whole | Part::LegacyIp, "routes") => Part::Route,
            (Part::Whole, "dns") => Part::Dns,
            _ => return Node::Plain,
        };
        Node::Part(child, family)
    }
}

/// # Errors
/// The path to the first difference that no rule allows, and both values.
pub fn diff(ours: &Json, theirs: &Json, node: Node, tally: &mut Tally) -> Result<(), String> {
    let node = node.resolved(ours);
    match (ours, theirs) {
        (Json::Object(a), Json::Object(b)) => {
            for (key, value) in a {
                match b.get(key) {
                    Some(other) => diff(value, other, node.child(key), tally).map_err(|why| at(key, &why))?,
                    None if node.leaves_behind(key, value) => {
                        tally.note(Rule::UnknownResultKeysStay);
                    }
                    None => return Err(at(key, &format!("ours alone has {value:?}"))),
                }
            }
            // An address that nobody gave.
            let nil = Json::String("<nil>".to_owned());
            let missing = |key: &str, value: &Json| {
                matches!(node, Node::Part(..)) && matches!(key, "address" | "ip" | "dst") && *value == nil
            };
            if b.iter().any(|(key, value)| !a.contains_key(key) && missing(key, value)) {
                tally.note(Rule::NoAddressIsNoText);
            }
            match b.iter().find(|(key, value)| !a.contains_key(*key) && !missing(key, value)) {
                Some((key, value)) => Err(at(key, &format!("the original alone has {value:?}"))),
                None => Ok(()),
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                diff(a, b, node, tally).map_err(|why| at(&index.to_string(), &why))?;
            }
            Ok(())
        }
        (Json::Number(a), Json::Number(b)) => number(a, b, tally),
        _ if ours == theirs => Ok(()),
        _ => Err(format!(": ours {ours:?}, the original's {theirs:?}")),
    }
}

fn at(step: &str, why: &str) -> String {
    format!("/{step}{why}")
}

fn number(ours: &str, theirs: &str, tally: &mut Tally) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    let value = |text: &str| text.parse::<f64>().ok();
    if value(ours).is_some() && value(ours) == value(theirs) {
        tally.note(Rule::NumbersThroughFloats);
        return Ok(());
    }
    Err(format!(": ours {ours}, the original's {theirs}"))
}
