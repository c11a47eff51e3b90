//! The members of a cache file, found as they are mostly written, or as the original's decoder finds them.

use std::borrow::Cow;

use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::types::json::{self, Kind, Problem};

/// What a member is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Kind,
    ContainerId,
    NetworkName,
    IfName,
    Netns,
    Config,
    Args,
    CapabilityArgs,
    Result,
}

/// In the order in which the original writes them.
const FIELDS: [(&str, Field); 10] = [
    ("kind", Field::Kind),
    ("containerId", Field::ContainerId),
    ("config", Field::Config),
    ("ifName", Field::IfName),
    ("networkName", Field::NetworkName),
    ("netns", Field::Netns),
    ("cniArgs", Field::Args),
    ("capabilityArgs", Field::CapabilityArgs),
    ("result", Field::Result),
    // iSulad spells the key its own way.
    ("cni_args", Field::Args),
];

/// A member that means something.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub field: Field,
    /// The key as it is in the file, for messages.
    pub key: Cow<'a, str>,
    pub value: Value<'a>,
}

/// The text of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// A string with nothing to decode, in its quotes.
    Plain(&'a str),
    /// The configuration that is known already, however it is written.
    Known(&'a str),
    Any(&'a RawValue),
}

impl<'a> Value<'a> {
    pub(super) fn get(self) -> &'a str {
        match self {
            Value::Plain(text) | Value::Known(text) => text,
            Value::Any(value) => value.get(),
        }
    }

    /// A string; null leaves what is there, as in the original.
    pub(super) fn read_string(self, into: &mut Cow<'a, str>) -> Result<(), Problem> {
        match self {
            Value::Plain(text) => *into = Cow::Borrowed(&text[1..text.len() - 1]),
            Value::Known(_) | Value::Any(_) => read_string(self.get(), into)?,
        }
        Ok(())
    }
}

/// The same of a text.
pub(super) fn read_string<'a>(value: &'a str, into: &mut Cow<'a, str>) -> Result<(), Problem> {
    match Kind::of(value) {
        Kind::Null => {}
        Kind::String => *into = json::string(value)?,
        _ => return Err(Problem::expected("a string", value)),
    }
    Ok(())
}

/// The members of the file `text`, in order, duplicates included. All of it is checked.
///
/// `config` is how a configuration may be written in it: a checked text, or empty.
pub(super) fn members<'a>(text: &'a str, config: &str) -> Result<Vec<Member<'a>>, Problem> {
    match as_written(text, config) {
        Some(members) => Ok(members),
        None => Ok(json::raw_members(text)?
            .into_iter()
            .filter_map(|(key, value)| Some(Member { field: field(&key)?, key, value: Value::Any(value) }))
            .collect()),
    }
}

fn field(key: &str) -> Option<Field> {
    FIELDS.iter().find(|(known, _)| json::fold_eq(key, known)).map(|(_, field)| *field)
}

/// The members of a file that holds what this library and the original write, in that order, without white space or
/// escapes: nearly every file. Everything else is left to those who look at it closely.
fn as_written<'a>(text: &'a str, config: &str) -> Option<Vec<Member<'a>>> {
    let mut members = Vec::with_capacity(FIELDS.len());
    let mut rest = text.strip_prefix('{')?;
    for (key, field) in FIELDS {
        let Some(behind) = rest.strip_prefix('"').and_then(|rest| rest.strip_prefix(key)) else { continue };
        // It may have escapes, which only what reads configurations need not decode again.
        let known = if field == Field::Config { config } else { "" };
        let (value, behind) = value(behind.strip_prefix("\":")?, known)?;
        members.push(Member { field, key: Cow::Borrowed(key), value });
        match behind.strip_prefix(',') {
            Some(behind) => rest = behind,
            None => return (behind == "}").then_some(members),
        }
    }
    None
}

/// The value that `text` begins with, `known` if it is that, and what stands behind it.
fn value<'a>(text: &'a str, known: &str) -> Option<(Value<'a>, &'a str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let mut values = Deserializer::from_str(text).into_iter();
        let value = values.next()?.ok()?;
        return Some((Value::Any(value), text.get(values.byte_offset()..)?));
    };
    if let Some(behind) = text.strip_prefix(known).filter(|_| !known.is_empty()) {
        return Some((Value::Known(text.get(..known.len())?), behind));
    }
    let length = json::plain_length(inner.as_bytes());
    let behind = inner.get(length..)?.strip_prefix('"')?;
    Some((Value::Plain(text.get(..length + 2)?), behind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    type Seen = Vec<(Field, String, String)>;

    fn seen(members: Vec<Member<'_>>) -> Seen {
        let mut seen = Vec::new();
        for Member { field, key, value } in members {
            let mut text = Cow::Borrowed("");
            let _ = value.read_string(&mut text);
            seen.push((field, format!("{key} {text}"), value.get().to_owned()));
        }
        seen
    }

    /// As the original's decoder finds them; `None` for a text that is no object.
    fn closely(text: &str) -> Option<Seen> {
        let members = json::raw_members(text).ok()?;
        let known = |(key, value): (Cow<'static, str>, _)| {
            Some(Member { field: field(&key)?, key, value: Value::Any(value) })
        };
        let owned = members.into_iter().map(|(key, value)| (Cow::Owned(key.into_owned()), value));
        Some(seen(owned.filter_map(known).collect()))
    }

    const WRITTEN: &str = concat!(
        r#"{"kind":"cniCacheV1","containerId":"é","config":"eyJhIjoxfQ==","ifName":"eth0","networkName":"","#,
        r#""netns":null,"cniArgs":[["K","V"]],"capabilityArgs":{"a":1.50},"result":{"big":12345678901234567890}}"#
    );

    #[test]
    fn what_is_written_as_usual_is_read_at_once_and_the_rest_as_well() {
        assert_eq!(as_written(WRITTEN, "").map(seen), closely(WRITTEN));
        assert_eq!(as_written(WRITTEN, "\"eyJhIjoxfQ==\"").map(seen), closely(WRITTEN));
        for (from, to) in
            [("{\"k", "{ \"k"), ("é", "\\u00e9"), ("ifName", "IFNAME"), ("\"netns\"", "\"x\":1,\"netns\"")]
        {
            let other = WRITTEN.replacen(from, to, 1);
            assert!(as_written(&other, "").is_none(), "{other}");
            assert_eq!(members(&other, "").ok().map(seen), closely(&other));
        }
        for end in 0..WRITTEN.len() {
            if let Some(part) = WRITTEN.get(..end) {
                assert!(members(part, "").is_err(), "{part}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_read_at_once_is_what_a_close_look_finds(
            at in 0..WRITTEN.len(), removed in 0..3_usize, added in "[\"\\\\{}\\[\\],: 1a\u{1}é]{0,3}",
        ) {
            let (front, back) = (WRITTEN.get(..at), WRITTEN.get(at + removed..));
            let text = [front.unwrap_or_default(), &added, back.unwrap_or_default()].concat();
            for config in ["", "\"eyJhIjoxfQ==\"", "\"\"", "\"e\""] {
                if let Some(members) = as_written(&text, config) {
                    prop_assert_eq!(Some(seen(members)), closely(&text), "{}", text);
                }
            }
        }
    }
}
