//! One plugin's configuration: what the protocol itself reads of it. Everything else is the plugin's.

use std::collections::BTreeMap;

use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::json::{self, Kind, Member, Members, Order, Problem};
use crate::types::network::{PluginConf, PluginConfig};

/// Reads one plugin's configuration: a plugin object of a list, or a single configuration (`.conf`).
///
/// # Errors
/// [`Status::InvalidConfig`] when it is not JSON, has no `type`, or a key that the protocol knows has a
/// value of the wrong type.
pub fn plugin_conf_from_bytes(bytes: &[u8]) -> Result<PluginConfig> {
    let text = text::lossy(bytes);
    let exact = matches!(text, std::borrow::Cow::Borrowed(_));
    let conf = parse(&text, Order::AsWritten)?;
    Ok(PluginConfig { conf, text: text.into_owned(), bytes: (!exact).then(|| bytes.to_owned()) })
}

/// Reads a configuration of which only the name and the version count, as for the question what is remembered
/// of it: it need not have a type.
///
/// # Errors
/// As [`plugin_conf_from_bytes`], but for the type.
pub fn named_conf_from_bytes(bytes: &[u8]) -> Result<PluginConfig> {
    let text = text::lossy(bytes);
    let conf = read(&text, Order::AsWritten).map_err(invalid)?;
    Ok(PluginConfig { conf, text: text.into_owned(), bytes: None })
}

/// Reads the protocol's keys of a plugin object.
pub(super) fn parse(text: &str, order: Order) -> Result<PluginConf> {
    with_type(read(text, order).map_err(invalid)?)
}

/// The same for a part of a text that was checked, with its members if it is an object.
pub(super) fn parse_checked(text: &str, members: Option<Members<'_>>, order: Order) -> Result<PluginConf> {
    with_type(read_object(text, order, members.unwrap_or_else(|| json::members_of(text))).map_err(invalid)?)
}

fn with_type(conf: PluginConf) -> Result<PluginConf> {
    if conf.plugin_type.is_empty() {
        return Err(invalid(Problem::new("missing 'type'")));
    }
    Ok(conf)
}

fn invalid(problem: Problem) -> Error {
    Error::new(Status::InvalidConfig, format!("error parsing configuration: {problem}"))
}

fn read(text: &str, order: Order) -> Result<PluginConf, Problem> {
    read_object(text, order, json::members(text))
}

fn read_object(text: &str, order: Order, members: Members<'_>) -> Result<PluginConf, Problem> {
    let mut conf = PluginConf::default();
    // The original decodes null into an empty configuration, which then lacks its type.
    if Kind::of(text) == Kind::Null && json::value(text).is_ok() {
        return Ok(conf);
    }
    json::each_field_of(members?, &FIELDS, order, |name, Member { value, .. }| match name {
        Some("cniVersion") => set_string(&mut conf.cni_version, value),
        Some("name") => set_string(&mut conf.name, value),
        Some("type") => set_string(&mut conf.plugin_type, value),
        Some("capabilities") => merge_capabilities(&mut conf.capabilities, value),
        Some("ipam") => check_object(value, order, &["type"], |_, value| check_string(value)),
        Some("dns") => check_object(value, order, &DNS, |name, value| match name {
            "domain" => check_string(value),
            _ => check_array(value, check_string),
        }),
        Some("prevResult") => check_kind(value, Kind::Object),
        Some("cni.dev/valid-attachments") => check_array(value, |attachment| {
            check_object(attachment, order, &["containerID", "ifname"], |_, value| check_string(value))
        }),
        _ => Ok(()),
    })?;
    Ok(conf)
}

const FIELDS: [&str; 8] =
    ["cniVersion", "name", "type", "capabilities", "ipam", "dns", "prevResult", "cni.dev/valid-attachments"];

const DNS: [&str; 4] = ["nameservers", "domain", "search", "options"];

/// null leaves the value as it is, as in the original.
fn set_string(slot: &mut String, value: &str) -> Result<(), Problem> {
    check_string(value)?;
    if Kind::of(value) == Kind::String {
        *slot = json::string(value)?.into_owned();
    }
    Ok(())
}

fn merge_capabilities(capabilities: &mut BTreeMap<String, bool>, value: &str) -> Result<(), Problem> {
    check_kind(value, Kind::Object)?;
    if Kind::of(value) == Kind::Null {
        capabilities.clear();
        return Ok(());
    }
    json::each_member(value, &mut |member| {
        check_kind(member.value, Kind::Bool).map_err(|problem| problem.in_key(&member.key))?;
        capabilities.insert(member.key.into_owned(), member.value == "true");
        Ok(())
    })
}

/// The kind, or null, which stands for absent.
#[inline]
fn check_kind(value: &str, kind: Kind) -> Result<(), Problem> {
    let found = Kind::of(value);
    if found == kind || found == Kind::Null { Ok(()) } else { Err(Problem::expected(kind.name(), value)) }
}

fn check_string(value: &str) -> Result<(), Problem> {
    check_kind(value, Kind::String)
}

fn check_array(value: &str, check: impl Fn(&str) -> Result<(), Problem>) -> Result<(), Problem> {
    check_kind(value, Kind::Array)?;
    if Kind::of(value) == Kind::Null {
        return Ok(());
    }
    let mut index = 0;
    json::each_element(value, |element| {
        check(element).map_err(|problem| problem.in_element(index))?;
        index += 1;
        Ok(())
    })
}

fn check_object(
    value: &str,
    order: Order,
    names: &[&'static str],
    check: impl Fn(&'static str, &str) -> Result<(), Problem>,
) -> Result<(), Problem> {
    check_kind(value, Kind::Object)?;
    if Kind::of(value) == Kind::Null {
        return Ok(());
    }
    json::each_field(value, names, order, |name, member| {
        name.map_or(Ok(()), |name| check(name, member.value))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn message(text: &str) -> String {
        plugin_conf_from_bytes(text.as_bytes()).unwrap_err().message().to_owned()
    }

    #[test]
    fn keys_of_the_protocol_are_read_in_any_letter_case() {
        let text = r#"{"TYPE":"a","Name":"n","CNIVersion":"1.0.0","Capabilities":{"mac":true,"ips":false}}"#;
        let plugin = plugin_conf_from_bytes(text.as_bytes()).unwrap();
        assert_eq!((plugin.plugin_type(), plugin.name(), plugin.cni_version()), ("a", "n", "1.0.0"));
        let capabilities: Vec<_> = plugin.capabilities().iter().map(|(k, v)| (k.as_str(), *v)).collect();
        assert_eq!(capabilities, [("ips", false), ("mac", true)]);
        assert_eq!(plugin.text(), text);
    }

    #[test]
    fn of_keys_that_differ_in_case_a_list_takes_the_last_in_order_and_a_single_one_the_last_written() {
        let text = r#"{"type":"lower","Type":"upper","capabilities":{"a":true},"CAPABILITIES":{"b":true}}"#;
        let written = parse(text, Order::AsWritten).unwrap();
        let sorted = parse(text, Order::Resorted).unwrap();
        assert_eq!((written.plugin_type.as_str(), sorted.plugin_type.as_str()), ("upper", "lower"));
        assert_eq!(written.capabilities.len(), 2);
        assert_eq!(sorted.capabilities.len(), 2);
        let repeated = parse(r#"{"type":7,"type":"x"}"#, Order::Resorted).unwrap();
        assert_eq!(repeated.plugin_type, "x");
    }

    #[test]
    fn a_wrong_type_names_the_key() {
        assert_eq!(message("{}"), "error parsing configuration: missing 'type'");
        assert_eq!(message("null"), "error parsing configuration: missing 'type'");
        let cases = [
            (r#"{"type":"x","name":1}"#, "name: expected a string, found a number"),
            (
                r#"{"type":"x","capabilities":{"mac":"true"}}"#,
                "capabilities.mac: expected a boolean, found a string",
            ),
            (r#"{"type":"x","ipam":{"type":[]}}"#, "ipam.type: expected a string, found an array"),
            (
                r#"{"type":"x","dns":{"Search":["a",{}]}}"#,
                "dns.search[1]: expected a string, found an object",
            ),
            (r#"{"type":"x","prevResult":[]}"#, "prevResult: expected an object, found an array"),
            (
                r#"{"type":"x","cni.dev/valid-attachments":[{"ifname":3}]}"#,
                "cni.dev/valid-attachments[0].ifname: expected a string, found a number",
            ),
        ];
        for (text, rest) in cases {
            assert_eq!(message(text), format!("error parsing configuration: {rest}"));
        }
        assert!(message("[]").starts_with("error parsing configuration: "));
        assert!(message("{\"type\":\n}").ends_with("at line 2 column 1"), "{}", message("{\"type\":\n}"));
    }

    #[test]
    fn null_stands_for_absent() {
        let text = r#"{"type":"x","name":null,"ipam":null,"dns":{"search":null,"options":[null]},"prevResult":null}"#;
        assert_eq!(plugin_conf_from_bytes(text.as_bytes()).unwrap().name(), "");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_kept() {
        let bytes = b"{\"type\":\"x\",\"note\":\"\xff\"}";
        let plugin = plugin_conf_from_bytes(bytes).unwrap();
        assert_eq!(plugin.bytes(), bytes);
        assert_eq!(plugin.text(), "{\"type\":\"x\",\"note\":\"\u{fffd}\"}");
    }
}
