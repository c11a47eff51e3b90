//! The JSON shapes in which callers without Rust types pass options and arguments.
//!
//! They are ours, so they are strict: an unknown key is an error that names it, with its place.

mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error as _, Unexpected};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use value::Elements;
pub(crate) use value::{Found, Members, Value, Wanted};

use crate::context::EnvPolicy;
use crate::error::{Error, Status};

/// The result of reading a value. An error gets the place of the value from who reads the text.
pub(crate) type Result<T = (), E = serde_json::Error> = std::result::Result<T, E>;

/// What can be read from a value of JSON.
pub(crate) trait Shape: Sized {
    fn read(value: Value<'_>) -> Result<Self>;
}

/// Reads one argument; `what` names it in errors.
pub(crate) fn read<T: Shape>(what: &str, text: &str) -> Result<T, Error> {
    let mut read = None;
    read_text(what, text, &mut |value| {
        read = Some(T::read(value)?);
        Ok(())
    })?;
    read.ok_or_else(|| Error::new(Status::Internal, "a value was not read"))
}

fn read_text(what: &str, text: &str, read: &mut value::Read<'_>) -> Result<(), Error> {
    value::of_text(text, read)
        .map_err(|problem| Error::new(Status::InvalidArgument, format!("invalid {what}: {problem}")))
}

/// Prints what callers without Rust types get back.
pub(crate) fn print(value: &impl Serialize) -> Result<String> {
    let mut printed = Printed::default();
    serde_json::to_writer(&mut printed, value)?;
    String::from_utf8(printed.0).map_err(serde_json::Error::custom)
}

/// What is printed, where every comma is a call: in place, it would be there some hundred times.
#[derive(Default)]
struct Printed(Vec<u8>);

impl std::io::Write for Printed {
    #[inline(never)]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    #[inline(never)]
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A place for a value: of a member, or of an element.
pub(crate) trait Place {
    fn put(&mut self, value: Value<'_>) -> Result;
}

impl<T: Shape> Place for T {
    fn put(&mut self, value: Value<'_>) -> Result {
        *self = T::read(value)?;
        Ok(())
    }
}

/// One member of an object.
pub(crate) struct Member<'m> {
    key: &'static str,
    place: &'m mut dyn Place,
    takes_null: bool,
    is_required: bool,
    is_there: bool,
}

impl<'m> Member<'m> {
    /// A member that need not be there; null is the same as its absence, and leaves the place as it is.
    pub(crate) fn new(key: &'static str, place: &'m mut dyn Place) -> Member<'m> {
        Member { key, place, takes_null: false, is_required: false, is_there: false }
    }

    /// A member that need not be there; null is for its place to read.
    pub(crate) fn or_null(key: &'static str, place: &'m mut dyn Place) -> Member<'m> {
        Member { takes_null: true, ..Member::new(key, place) }
    }

    /// A member that must be there; null is for its place to read.
    pub(crate) fn required(key: &'static str, place: &'m mut dyn Place) -> Member<'m> {
        Member { is_required: true, ..Member::or_null(key, place) }
    }
}

/// Reads an object that has no other members than these.
pub(crate) fn object(value: Value<'_>, members: &mut [Member<'_>]) -> Result {
    value.find(Wanted::Object, "an object", &mut |found| match found {
        Found::Object(object) => read_members(object, members, true),
        _ => Ok(()),
    })
}

/// Reads an object for these members; others are ignored.
pub(crate) fn part_of_object(value: Value<'_>, members: &mut [Member<'_>]) -> Result {
    value.find(Wanted::Object, "an object", &mut |found| match found {
        Found::Object(object) => read_members(object, members, false),
        _ => Ok(()),
    })
}

/// Reads the members of an object; `are_all`: others are an error.
pub(crate) fn read_members(object: &mut dyn Members, members: &mut [Member<'_>], are_all: bool) -> Result {
    let mut known = None;
    while object.key(&mut |key| {
        known = members.iter().position(|member| member.key == key);
        if known.is_none() && are_all { Err(unknown_key(key, members)) } else { Ok(()) }
    })? {
        let Some(member) = known.and_then(|index| members.get_mut(index)) else {
            object.value(&mut |value| value.find(Wanted::Nothing, "", &mut |_| Ok(())))?;
            continue;
        };
        if std::mem::replace(&mut member.is_there, true) {
            return Err(serde_json::Error::duplicate_field(member.key));
        }
        object.value(&mut |value| {
            if member.takes_null { member.place.put(value) } else { unless_null(value, member.place) }
        })?;
    }
    match members.iter().find(|member| member.is_required && !member.is_there) {
        Some(missing) => Err(serde_json::Error::missing_field(missing.key)),
        None => Ok(()),
    }
}

fn unless_null(value: Value<'_>, place: &mut dyn Place) -> Result {
    value.find(Wanted::Option, "option", &mut |found| match found {
        Found::Value(value) => place.put(value),
        _ => Ok(()),
    })
}

/// In serde's words.
fn unknown_key(key: &str, members: &[Member<'_>]) -> serde_json::Error {
    let known: Vec<_> = members.iter().map(|member| format!("`{}`", member.key)).collect();
    let known = match &known[..] {
        [_] | [_, _] => known.join(" or "),
        _ => format!("one of {}", known.join(", ")),
    };
    serde_json::Error::custom(format_args!("unknown field `{key}`, expected {known}"))
}

/// A word of an enumeration, which is one of `words`: its index.
pub(crate) fn word(value: Value<'_>, words: &'static [&'static str]) -> Result<usize> {
    let mut index = 0;
    value.find(Wanted::Word, "", &mut |found| {
        let Found::Text(text) = found else { return Ok(()) };
        let known = words.iter().position(|word| *word == text);
        index = known.ok_or_else(|| serde_json::Error::unknown_variant(text, words))?;
        Ok(())
    })?;
    Ok(index)
}

fn text(value: Value<'_>, expected: &str) -> Result<String> {
    let mut text = String::new();
    value.find(Wanted::Text, expected, &mut |found| {
        if let Found::Text(found) = found {
            text = found.to_owned();
        }
        Ok(())
    })?;
    Ok(text)
}

fn number(value: Value<'_>, expected: &str) -> Result<u64> {
    let mut number = 0;
    value.find(Wanted::Unsigned, expected, &mut |found| match found {
        Found::Unsigned(found) => {
            number = found;
            Ok(())
        }
        Found::Signed(found) => Err(serde_json::Error::invalid_value(Unexpected::Signed(found), &expected)),
        Found::Float(found) => Err(serde_json::Error::invalid_type(Unexpected::Float(found), &expected)),
        _ => Ok(()),
    })?;
    Ok(number)
}

impl Shape for bool {
    fn read(value: Value<'_>) -> Result<bool> {
        let mut is = false;
        value.find(Wanted::Bool, "a boolean", &mut |found| {
            is = matches!(found, Found::Bool(true));
            Ok(())
        })?;
        Ok(is)
    }
}

impl Shape for usize {
    fn read(value: Value<'_>) -> Result<usize> {
        let number = number(value, "usize")?;
        let too_large = |_| serde_json::Error::invalid_value(Unexpected::Unsigned(number), &"usize");
        usize::try_from(number).map_err(too_large)
    }
}

/// In milliseconds.
impl Shape for Duration {
    fn read(value: Value<'_>) -> Result<Duration> {
        number(value, "u64").map(Duration::from_millis)
    }
}

impl Shape for String {
    fn read(value: Value<'_>) -> Result<String> {
        text(value, "a string")
    }
}

impl Shape for PathBuf {
    fn read(value: Value<'_>) -> Result<PathBuf> {
        text(value, "path string").map(PathBuf::from)
    }
}

/// For members whose place tells a value from none.
impl<T: Shape> Shape for Option<T> {
    fn read(value: Value<'_>) -> Result<Option<T>> {
        let mut read = None;
        value.find(Wanted::Option, "option", &mut |found| {
            if let Found::Value(value) = found {
                read = Some(T::read(value)?);
            }
            Ok(())
        })?;
        Ok(read)
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn read(value: Value<'_>) -> Result<Vec<T>> {
        let mut array = Vec::new();
        each(value, &mut |element| {
            array.push(T::read(element)?);
            Ok(())
        })?;
        Ok(array)
    }
}

fn each(value: Value<'_>, read: &mut value::Read<'_>) -> Result {
    value.find(Wanted::Array, "a sequence", &mut |found| {
        let Found::Array(elements) = found else { return Ok(()) };
        while elements.next(read)? {}
        Ok(())
    })
}

/// An array of the two.
impl Shape for (String, String) {
    fn read(value: Value<'_>) -> Result<(String, String)> {
        let mut pair = [String::new(), String::new()];
        value.find(Wanted::Array, "a tuple of size 2", &mut |found| {
            let Found::Array(elements) = found else { return Ok(()) };
            for (index, text) in pair.iter_mut().enumerate() {
                if !elements.next(&mut |value| text.put(value))? {
                    return Err(serde_json::Error::invalid_length(index, &"a tuple of size 2"));
                }
            }
            Ok(())
        })?;
        Ok(pair.into())
    }
}

impl Shape for Box<RawValue> {
    fn read(value: Value<'_>) -> Result<Box<RawValue>> {
        let mut raw = RawValue::NULL.to_owned();
        value.find(Wanted::Raw, "", &mut |found| {
            if let Found::Raw(found) = found {
                raw = found;
            }
            Ok(())
        })?;
        Ok(raw)
    }
}

impl Shape for BTreeMap<String, Box<RawValue>> {
    fn read(value: Value<'_>) -> Result<Self> {
        values(value, "a map")
    }
}

/// Any object: its values, as they are written.
#[cfg(feature = "capi")]
pub(crate) struct Values(pub(crate) BTreeMap<String, Box<RawValue>>);

#[cfg(feature = "capi")]
impl Shape for Values {
    fn read(value: Value<'_>) -> Result<Values> {
        values(value, "an object").map(Values)
    }
}

fn values(value: Value<'_>, expected: &str) -> Result<BTreeMap<String, Box<RawValue>>> {
    let mut values = BTreeMap::new();
    value.find(Wanted::Object, expected, &mut |found| {
        let Found::Object(object) = found else { return Ok(()) };
        let mut name = String::new();
        while next_name(object, &mut name)? {
            object.value(&mut |value| {
                values.insert(std::mem::take(&mut name), Shape::read(value)?);
                Ok(())
            })?;
        }
        Ok(())
    })?;
    Ok(values)
}

fn next_name(object: &mut dyn Members, name: &mut String) -> Result<bool> {
    object.key(&mut |key| {
        key.clone_into(name);
        Ok(())
    })
}

/// A place for bytes, which are written as base64 text (standard alphabet, padded).
pub(crate) struct Base64<'p>(pub(crate) &'p mut Option<Vec<u8>>);

impl Place for Base64<'_> {
    fn put(&mut self, value: Value<'_>) -> Result {
        let bytes = STANDARD.decode(String::read(value)?);
        *self.0 =
            Some(bytes.map_err(|error| serde_json::Error::custom(format_args!("not base64: {error}")))?);
        Ok(())
    }
}

pub(crate) fn as_base64<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    match bytes {
        Some(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
        None => serializer.serialize_none(),
    }
}

/// A list of strings or an object of strings or a word: see [`crate::context::EnvPolicy`].
impl Shape for EnvPolicy {
    fn read(value: Value<'_>) -> Result<EnvPolicy> {
        let expected = "\"inherit\", \"clean\", an array of names, or an object of variables";
        let mut policy = EnvPolicy::Inherit;
        value.find(Wanted::Any, expected, &mut |found| {
            policy = match found {
                Found::Text("inherit") => EnvPolicy::Inherit,
                Found::Text("clean") => EnvPolicy::Clean,
                Found::Array(elements) => EnvPolicy::Keep(names(elements)?),
                Found::Object(object) => EnvPolicy::Exactly(variables(object)?),
                Found::Text(word) => {
                    return Err(serde_json::Error::invalid_value(Unexpected::Str(word), &expected));
                }
                other => return Err(serde_json::Error::invalid_type(other.unexpected(), &expected)),
            };
            Ok(())
        })?;
        Ok(policy)
    }
}

fn names(elements: &mut dyn Elements) -> Result<Vec<String>> {
    let (mut names, mut name) = (Vec::new(), String::new());
    while elements.next(&mut |value| name.put(value))? {
        check_name(&name)?;
        names.push(std::mem::take(&mut name));
    }
    Ok(names)
}

fn variables(object: &mut dyn Members) -> Result<Vec<(String, String)>> {
    let (mut variables, mut name, mut value) = (Vec::new(), String::new(), String::new());
    while next_name(object, &mut name)? {
        object.value(&mut |found| value.put(found))?;
        check_name(&name)?;
        if value.contains('\0') {
            return Err(serde_json::Error::custom(format_args!("the value of {name} has a NUL")));
        }
        variables.push((std::mem::take(&mut name), std::mem::take(&mut value)));
    }
    Ok(variables)
}

fn check_name(name: &str) -> Result {
    if name.is_empty() || name.contains(['=', '\0']) {
        let name = crate::text::quote(name);
        return Err(serde_json::Error::custom(format_args!(
            "{name} is not the name of an environment variable"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Outer {
        inner: Vec<Inner>,
    }

    #[derive(Debug, Default, PartialEq)]
    struct Inner {
        name: String,
        number: Option<usize>,
    }

    impl Shape for Outer {
        fn read(value: Value<'_>) -> Result<Outer> {
            let mut outer = Outer::default();
            object(value, &mut [Member::new("inner", &mut outer.inner)])?;
            Ok(outer)
        }
    }

    impl Shape for Inner {
        fn read(value: Value<'_>) -> Result<Inner> {
            let mut inner = Inner::default();
            let Inner { name, number } = &mut inner;
            object(value, &mut [Member::required("name", name), Member::new("number", number)])?;
            Ok(inner)
        }
    }

    fn problem(text: &str) -> String {
        let error = super::read::<Outer>("thing", text).unwrap_err();
        error.message().strip_prefix("invalid thing: ").unwrap().to_owned()
    }

    #[test]
    fn null_is_as_absent_but_for_what_is_required() {
        let outer = |text| super::read::<Outer>("thing", text).unwrap();
        assert_eq!(outer(r#"{"inner":null}"#), outer("{}"));
        let inner = Inner { name: "a".to_owned(), number: None };
        assert_eq!(outer(r#"{"inner":[{"number":null,"name":"a"}]}"#).inner, [inner]);
        assert!(problem(r#"{"inner":[{"name":null}]}"#).contains("invalid type: null, expected a string"));
        assert!(problem(r#"{"inner":[{}]}"#).contains("missing field `name`"));
    }

    #[test]
    fn errors_begin_with_the_place() {
        assert_eq!(
            problem(r#"{"inner":[{"name":"a"},{"name":7}]}"#),
            "inner[1].name: invalid type: integer `7`, expected a string at line 1 column 32"
        );
        assert_eq!(
            problem(r#"{"inner":[{"size":7}]}"#),
            "inner[0].size: unknown field `size`, expected `name` or `number` at line 1 column 17"
        );
        assert_eq!(problem(r#"{"inner":[],"inner":[]}"#), "duplicate field `inner` at line 1 column 19");
        assert_eq!(problem(r#"{"inner":[{7:7}]}"#), "inner[0].?: key must be a string at line 1 column 12");
        assert_eq!(problem("[]"), "invalid type: sequence, expected an object at line 1 column 0");
        assert_eq!(problem("{} {}"), "trailing characters at line 1 column 4");
    }
}
