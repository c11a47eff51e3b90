//! The request of one plugin: its configuration with what the runtime injects.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::error::{Error, Result, Status};
use crate::types::json::{self, Kind, Member, ObjectWriter, Order, Problem};
use crate::types::network::PluginConfig;

use super::plugin;

/// A key and what it gets.
type Injection<'a> = (&'a str, Value<'a>);

#[derive(Clone, Copy)]
enum Value<'a> {
    Json(&'a str),
    /// A string, to be written as one.
    Text(&'a str),
}

/// Puts `values` into a plugin's configuration. Injected keys go last; other occurrences of them are
/// removed; everything else keeps its place and its text.
///
/// # Errors
/// [`Status::InvalidArgument`] for an empty key or a null value; [`Status::InvalidConfig`] when `conf` is
/// not an object, or what comes out is not a plugin's configuration.
pub fn inject_conf(conf: &str, values: &BTreeMap<String, Box<RawValue>>) -> Result<PluginConfig> {
    let values: Vec<Injection<'_>> =
        values.iter().map(|(key, value)| (key.as_str(), Value::Json(value.get()))).collect();
    let members = json::members(conf).map_err(not_an_object)?;
    let text = inject(members, conf.len(), &values)?;
    let conf = plugin::parse(&text, Order::Resorted)?;
    Ok(PluginConfig { conf, text, bytes: None })
}

/// What the runtime puts into a plugin's configuration for one command.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Injected<'a> {
    /// The network's name.
    pub name: &'a str,
    /// The network's version, as it stands in the list; may be empty.
    pub cni_version: &'a str,
    /// The result that the plugin is to build on, to check or to undo.
    pub prev_result: Option<&'a str>,
    /// The runtime's capability arguments, for commands that pass them.
    pub capability_args: Option<&'a BTreeMap<String, Box<RawValue>>>,
    /// GC: the JSON array of the attachments that are still valid.
    pub valid_attachments: Option<&'a str>,
}

/// The request of one plugin in a list or on its own (specification, section 3, "Deriving request
/// configuration from plugin configuration").
pub(crate) fn derive(plugin: &PluginConfig, injected: &Injected<'_>) -> Result<String> {
    let runtime_config =
        injected.capability_args.and_then(|args| runtime_config(plugin.capabilities(), args));
    let mut values: Vec<Injection<'_>> = Vec::with_capacity(5);
    values.extend([("cniVersion", Value::Text(injected.cni_version)), ("name", Value::Text(injected.name))]);
    values.extend(injected.prev_result.map(|result| ("prevResult", Value::Json(result))));
    values.extend(runtime_config.as_deref().map(|config| ("runtimeConfig", Value::Json(config))));
    // The specification's text and its conventions name this key differently; plugins look for either.
    let attachments = ["cni.dev/valid-attachments", "cni.dev/attachments"];
    let array = injected.valid_attachments.map(Value::Json);
    values.extend(array.into_iter().flat_map(|array| attachments.map(|key| (key, array))));
    // A plugin's text was checked when it was read.
    let members = json::members_of(plugin.text()).map_err(not_an_object)?;
    inject(members, plugin.text().len(), &values)
}

/// The capability arguments whose capability the plugin declares, if there is one.
fn runtime_config(
    capabilities: &BTreeMap<String, bool>,
    capability_args: &BTreeMap<String, Box<RawValue>>,
) -> Option<String> {
    let passed = capability_args.iter().filter(|(name, _)| capabilities.get(*name) == Some(&true));
    let room: usize = passed.clone().map(|(name, value)| name.len() + value.get().len() + 4).sum();
    if room == 0 {
        return None;
    }
    let mut out = String::with_capacity(room + 2);
    let mut object = ObjectWriter::open(&mut out);
    passed.for_each(|(name, value)| object.any_key(name).push_str(value.get()));
    object.close();
    Some(out)
}

fn not_an_object(problem: Problem) -> Error {
    Error::new(Status::InvalidConfig, format!("unmarshal existing network bytes: {problem}"))
}

/// The object of `members`, whose text has `length` bytes, with `values` put in.
fn inject(members: Vec<Member<'_>>, length: usize, values: &[Injection<'_>]) -> Result<String> {
    for (key, value) in values {
        if key.is_empty() {
            return Err(Error::new(Status::InvalidArgument, "keys cannot be empty"));
        }
        if matches!(value, Value::Json(value) if Kind::of(value) == Kind::Null) {
            let message = format!("key '{key}' value must not be nil");
            return Err(Error::new(Status::InvalidArgument, message));
        }
    }
    let size = |value: &Value<'_>| match value {
        Value::Json(value) => value.len(),
        Value::Text(value) => value.len() + 2,
    };
    let room: usize = values.iter().map(|(key, value)| key.len() + size(value) + 4).sum();
    let mut out = String::with_capacity(length + room + 2);
    let mut object = ObjectWriter::open(&mut out);
    for member in &members {
        if !values.iter().any(|(key, _)| member.key == *key) {
            object.raw_key(member.raw_key).push_str(member.value);
        }
    }
    for (key, value) in values {
        let out = object.any_key(key);
        match value {
            Value::Json(value) => out.push_str(value),
            Value::Text(value) => json::push_string(out, value),
        }
    }
    object.close();
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::conf::plugin_conf_from_bytes;

    fn args(pairs: &[(&str, &str)]) -> BTreeMap<String, Box<RawValue>> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), RawValue::from_string((*v).to_owned()).unwrap()))
            .collect()
    }

    #[test]
    fn a_request_differs_from_the_configuration_only_in_the_injected_keys() {
        let text = r#"{ "type":"x", "name":"own", "big":18446744073709551616, "z":1.50,
            "\u0061": "<\u2028>", "cniVersion" : "0.1.0", "n":null, "n":-0.0, "name":"again" }"#;
        let plugin = plugin_conf_from_bytes(text.as_bytes()).unwrap();
        let injected = Injected {
            name: "net",
            cni_version: "1.0.0",
            prev_result: Some("{\"ips\":[]}"),
            ..Injected::default()
        };
        let request = derive(&plugin, &injected).unwrap();
        assert_eq!(
            request,
            concat!(
                r#"{"type":"x","big":18446744073709551616,"z":1.50,"\u0061":"<\u2028>","n":null,"n":-0.0,"#,
                r#""cniVersion":"1.0.0","name":"net","prevResult":{"ips":[]}}"#
            )
        );
    }

    #[test]
    fn runtime_config_holds_what_the_plugin_declares_and_the_caller_supplied() {
        let text = r#"{"type":"x","capabilities":{"a":true,"b":false,"c":true},"runtimeConfig":{"kept":1}}"#;
        let plugin = plugin_conf_from_bytes(text.as_bytes()).unwrap();
        let derive = |args| {
            let injected = Injected { name: "n", capability_args: Some(&args), ..Injected::default() };
            derive(&plugin, &injected).unwrap()
        };
        let with = derive(args(&[("a", "[1e3,null]"), ("b", "2"), ("d", "3")]));
        assert!(with.ends_with(r#""cniVersion":"","name":"n","runtimeConfig":{"a":[1e3,null]}}"#), "{with}");
        assert_eq!(with.matches("runtimeConfig").count(), 1);
        let without = derive(args(&[("b", "2")]));
        assert!(without.contains(r#""runtimeConfig":{"kept":1}"#), "{without}");
    }

    #[test]
    fn injecting_an_empty_key_or_null_is_an_error() {
        let inject = |key, value| inject_conf(r#"{"type":"x"}"#, &args(&[(key, value)]));
        assert_eq!(inject("", "1").unwrap_err().message(), "keys cannot be empty");
        assert_eq!(inject("k", " null").unwrap_err().message(), "key 'k' value must not be nil");
        assert_eq!(inject("k", "[null]").unwrap().text(), r#"{"type":"x","k":[null]}"#);
        let error = inject_conf("[]", &args(&[("k", "1")])).unwrap_err();
        assert!(error.message().starts_with("unmarshal existing network bytes: "), "{error}");
        assert!(inject_conf("{}", &args(&[("type", "\"t\"")])).is_ok());
    }
}
