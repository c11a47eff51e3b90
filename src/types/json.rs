//! JSON at the level this library needs it: the members of one object, each with its exact text.
//!
//! Configurations pass through to plugins as written, so nothing here re-encodes a value. Keys and
//! strings are decoded as the original decodes them, lone surrogates (U+FFFD) included.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

mod fields;
mod scan;
mod write;

pub(crate) use fields::{Order, Saved, each_field, each_field_of, fold_eq};
pub(crate) use scan::{Members, each_element, each_member, each_object, plain_length};
pub(crate) use write::{ObjectWriter, push_number, push_string, quoted};

/// One member of an object.
#[derive(Clone)]
pub(crate) struct Member<'a> {
    /// The key as it is written, quotes included.
    pub raw_key: &'a str,
    /// The key decoded.
    pub key: Cow<'a, str>,
    /// The value as it is written.
    pub value: &'a str,
}

/// The members of the object `text`, in order, duplicates included. All of `text` is checked.
pub(crate) fn members(text: &str) -> Result<Vec<Member<'_>>, Problem> {
    let RawMembers(members) = object(text)?;
    members
        .into_iter()
        .map(|(key, value)| Ok(Member { raw_key: key.get(), key: string(key.get())?, value: value.get() }))
        .collect()
}

/// The same, for a caller that passes values on as checked texts.
pub(crate) fn raw_members(text: &str) -> Result<Vec<(Cow<'_, str>, &RawValue)>, Problem> {
    let RawMembers(members) = object(text)?;
    members.into_iter().map(|(key, value)| Ok((string(key.get())?, value))).collect()
}

fn object(text: &str) -> Result<RawMembers<'_>, Problem> {
    match Kind::of(text) {
        Kind::Object => parse(text),
        _ => Err(Problem::expected("an object", value(text)?)),
    }
}

/// The members of the object `checked`, which is a part of a text that was checked.
pub(crate) fn members_of(checked: &str) -> Result<Vec<Member<'_>>, Problem> {
    if Kind::of(checked) != Kind::Object {
        return Err(Problem::expected("an object", checked));
    }
    let mut out = Vec::with_capacity(8);
    each_member(checked, &mut |member| {
        out.push(member);
        Ok(())
    })?;
    Ok(out)
}

/// The elements of the array `checked`, which is a part of a text that was checked.
pub(crate) fn elements_of(checked: &str) -> Result<Vec<&str>, Problem> {
    if Kind::of(checked) != Kind::Array {
        return Err(Problem::expected("an array", checked));
    }
    let mut out = Vec::new();
    each_element(checked, |element| {
        out.push(element);
        Ok::<(), Problem>(())
    })?;
    Ok(out)
}

/// The last member with exactly that key: a repeated key means its last value.
pub(crate) fn last<'m, 'a>(members: &'m [Member<'a>], key: &str) -> Option<&'m Member<'a>> {
    members.iter().rev().find(|member| member.key == key)
}

/// Checks that `text` is one JSON value and gives it without the white space around it.
pub(crate) fn value(text: &str) -> Result<&str, Problem> {
    parse::<&RawValue>(text).map(RawValue::get)
}

/// The value of a JSON string.
pub(crate) fn string(text: &str) -> Result<Cow<'_, str>, Problem> {
    // Most strings have nothing to decode: what is between the quotes is the value.
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if let Some(inner) = inner.filter(|inner| plain_length(inner.as_bytes()) == inner.len()) {
        return Ok(Cow::Borrowed(inner));
    }
    match parse::<BorrowedStr<'_>>(text) {
        Ok(BorrowedStr(value)) => Ok(value),
        Err(problem) => match replace_lone_surrogates(text) {
            Some(mended) => parse::<String>(&mended).map(Cow::Owned),
            None => Err(problem),
        },
    }
}

/// What kind of value a JSON text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// The kind of a valid JSON text, told by its first byte.
    #[inline]
    pub(crate) fn of(text: &str) -> Kind {
        match text.trim_ascii_start().as_bytes().first() {
            Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            _ => Kind::Number,
        }
    }

    /// The name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::String => "a string",
            Kind::Array => "an array",
            Kind::Object => "an object",
        }
    }

    /// The name of the Go type that such a value decodes to: part of the original's messages.
    pub(crate) fn go_type(self) -> &'static str {
        match self {
            Kind::Null => "<nil>",
            Kind::Bool => "bool",
            Kind::Number => "float64",
            Kind::String => "string",
            Kind::Array => "[]interface {}",
            Kind::Object => "map[string]interface {}",
        }
    }
}

/// Why a text is not the JSON that was expected, and where.
///
/// In a box, because nearly every result that could carry one carries none.
#[derive(Debug)]
pub(crate) struct Problem(Box<Trouble>);

#[derive(Debug)]
struct Trouble {
    /// The path of keys and indices to the place, outermost first.
    path: Vec<String>,
    message: String,
    /// Line and column, both from 1, when the text itself is at fault.
    place: Option<(usize, usize)>,
    /// Whether the message is a fixed text that people look for: then it comes first, the path last.
    fixed: bool,
    /// Whether it ends the decoding at once, see [`Saved`].
    stops: bool,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Problem {
        let (path, message) = (Vec::new(), message.into());
        Problem(Box::new(Trouble { path, message, place: None, fixed: false, stops: false }))
    }

    /// A problem whose text is part of the contract and must begin the whole message.
    pub(crate) fn fixed(message: impl Into<String>) -> Problem {
        let mut problem = Problem::new(message);
        problem.0.fixed = true;
        problem
    }

    /// The same problem, found where the original's decoder gives up at once.
    pub(crate) fn stopping(mut self) -> Problem {
        self.0.stops = true;
        self
    }

    /// A value of the wrong kind.
    pub(crate) fn expected(what: &str, found: &str) -> Problem {
        Problem::new(format!("expected {what}, found {}", Kind::of(found).name()))
    }

    /// The same problem, seen from the object that holds `key`.
    pub(crate) fn in_key(self, key: &str) -> Problem {
        self.inside(key.to_owned())
    }

    /// The same problem, seen from the array that holds the element.
    pub(crate) fn in_element(self, index: usize) -> Problem {
        self.inside(format!("[{index}]"))
    }

    fn inside(mut self, step: String) -> Problem {
        self.0.path.insert(0, step);
        self.0.place = None;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trouble { path, message, place, fixed, .. } = &*self.0;
        let path = path.join(".").replace(".[", "[");
        match (path.is_empty(), fixed) {
            (true, _) => formatter.write_str(message)?,
            (false, true) => write!(formatter, "{message} (in {path})")?,
            (false, false) => write!(formatter, "{path}: {message}")?,
        }
        match place {
            Some((line, column)) => write!(formatter, " at line {line} column {column}"),
            None => Ok(()),
        }
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Problem {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let message = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        let mut problem = Problem::new(message);
        problem.0.place = (line > 0).then_some((line, column));
        problem
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    Ok(serde_json::from_str(text)?)
}

/// The same JSON text with each escape of half a surrogate pair made an escape of U+FFFD, if there is one.
fn replace_lone_surrogates(text: &str) -> Option<String> {
    let unit = |at: usize| -> Option<u16> {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut out = String::with_capacity(text.len());
    let (mut at, mut replaced) = (0, false);
    while let Some(c) = text[at..].chars().next() {
        if c != '\\' {
            out.push(c);
            at += c.len_utf8();
            continue;
        }
        let taken = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push_str("\\ufffd");
                (at, replaced) = (at + 6, true);
                continue;
            }
            (Some(_), _) => 6,
            // Any other escape: the backslash and the character behind it.
            (None, _) => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&text[at..at + taken]);
        at += taken;
    }
    replaced.then_some(out)
}

/// Keys and values as they are written, told apart in the one pass that checks them.
struct RawMembers<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RawMembers<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(RawMembers(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

struct BorrowedStr<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for BorrowedStr<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = BorrowedStr<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(BorrowedStr(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(BorrowedStr(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn members_keep_their_exact_text_and_order() {
        let text = "{ \"b\" : 1.50 , \"\\u0061\":[ 1E400 ],\"b\":-0 }";
        let members = members(text).unwrap();
        let seen: Vec<_> = members.iter().map(|m| (m.raw_key, m.key.as_ref(), m.value)).collect();
        assert_eq!(seen, [("\"b\"", "b", "1.50"), ("\"\\u0061\"", "a", "[ 1E400 ]"), ("\"b\"", "b", "-0")]);
        assert_eq!(last(&members, "b").unwrap().value, "-0");
    }

    #[test]
    fn half_a_surrogate_pair_reads_as_the_replacement_character() {
        assert_eq!(string(r#""a\ud800b""#).unwrap(), "a\u{fffd}b");
        assert_eq!(string(r#""\ud83d\ude00\udc00\\ud800""#).unwrap(), "\u{1f600}\u{fffd}\\ud800");
        assert!(string(r#""\ud8zz""#).is_err());
        assert_eq!(members(r#"{"\udfff":1}"#).unwrap()[0].key, "\u{fffd}");
    }

    #[test]
    fn a_problem_tells_the_path_or_the_place() {
        let problem = members("{\"a\":1,\n}").err().unwrap();
        assert_eq!(problem.to_string(), "trailing comma at line 2 column 1");
        let nested = Problem::expected("a string", "7").in_element(2).in_key("search").in_key("dns");
        assert_eq!(nested.to_string(), "dns.search[2]: expected a string, found a number");
        let fixed = Problem::fixed("invalid CIDR address: x").in_key("address").in_element(0).in_key("ips");
        assert_eq!(fixed.to_string(), "invalid CIDR address: x (in ips[0].address)");
    }

    #[test]
    fn nesting_without_end_is_no_danger() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(members(&deep).unwrap().len(), 1);
    }
}
