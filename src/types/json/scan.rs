//! Taking apart objects and arrays of a text that was found to be JSON before.
//!
//! The first look at a text is [`value`](super::value), which checks all of it. After that it only
//! matters where each part ends, and that takes no recursion and no more than one look at each byte. On
//! a text that is not JSON the parts are arbitrary, but nothing worse happens.

use std::borrow::Cow;

use super::{Member, Problem, string};

/// Hands the members of the object `text` to `visit`, in order, duplicates included.
pub(crate) fn each_member<'a>(
    text: &'a str,
    visit: &mut dyn FnMut(Member<'a>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    Scanner::inside(text).members(visit)
}

/// Hands the elements of the array `text` to `visit`, in order.
pub(crate) fn each_element<'a, E>(
    text: &'a str,
    mut visit: impl FnMut(&'a str) -> Result<(), E>,
) -> Result<(), E> {
    let mut scanner = Scanner::inside(text);
    while !scanner.next_is(b']') && scanner.at < scanner.text.len() {
        visit(scanner.value())?;
        scanner.skip_comma();
    }
    Ok(())
}

/// Hands the elements of the array `text` to `visit`, in order, those that are objects with their members.
pub(crate) fn each_object<'a, E>(
    text: &'a str,
    mut visit: impl FnMut(&'a str, Option<Members<'a>>) -> Result<(), E>,
) -> Result<(), E> {
    let mut scanner = Scanner::inside(text);
    while !scanner.next_is(b']') && scanner.at < scanner.text.len() {
        if scanner.peek() != Some(b'{') {
            visit(scanner.value(), None)?;
        } else {
            let start = scanner.at;
            scanner.at += 1;
            let mut members = Vec::with_capacity(8);
            let read = scanner.members(&mut |member| {
                members.push(member);
                Ok(())
            });
            // The end of the object, or of a text that is none.
            scanner.at += 1;
            visit(text_of(scanner.text, start, scanner.at), Some(read.map(|()| members)))?;
        }
        scanner.skip_comma();
    }
    Ok(())
}

/// The members of an object, or which key cannot be read.
pub(crate) type Members<'a> = Result<Vec<Member<'a>>, Problem>;

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// What a byte means outside of strings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A part of a number, `true`, `false` or `null`; or nothing that JSON has.
    Plain,
    Space,
    /// Ends a value without being part of it.
    Separator,
    Quote,
    Open,
    Close,
}

/// The class of every byte: looking it up takes one step, whatever it is.
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Plain; 256];
    let known: [(&[u8], Class); 5] = [
        (b" \t\n\r", Class::Space),
        (b",:", Class::Separator),
        (b"\"", Class::Quote),
        (b"{[", Class::Open),
        (b"}]", Class::Close),
    ];
    let mut kind = 0;
    while kind < known.len() {
        let (bytes, class) = known[kind];
        let mut at = 0;
        while at < bytes.len() {
            classes[bytes[at] as usize] = class;
            at += 1;
        }
        kind += 1;
    }
    classes
};

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

impl<'a> Scanner<'a> {
    /// Begins behind the bracket that opens an object or an array.
    fn inside(text: &'a str) -> Scanner<'a> {
        Scanner { text: text.trim_ascii_start(), at: 1 }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| class(byte) == Class::Space) {
            self.at += 1;
        }
    }

    /// Whether `byte` comes next, white space aside.
    #[inline]
    fn next_is(&mut self, byte: u8) -> bool {
        self.skip_space();
        self.peek() == Some(byte)
    }

    /// Goes behind the comma; at the end, where there is none, to where nothing follows.
    #[inline]
    fn skip_comma(&mut self) {
        self.at = if self.next_is(b',') { self.at + 1 } else { self.text.len() };
    }

    /// Hands the members that begin here to `visit`, and stops at the bracket behind them.
    fn members(&mut self, visit: &mut dyn FnMut(Member<'a>) -> Result<(), Problem>) -> Result<(), Problem> {
        while self.next_is(b'"') {
            let start = self.at;
            let (length, escapes) = string_length(self.text.as_bytes().get(start..).unwrap_or_default());
            self.at += length;
            let raw_key = text_of(self.text, start, self.at);
            let key = match raw_key.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                Some(plain) if !escapes => Cow::Borrowed(plain),
                _ => string(raw_key)?,
            };
            self.next_is(b':');
            self.at += 1;
            self.skip_space();
            visit(Member { raw_key, key, value: self.value() })?;
            if !self.next_is(b',') {
                break;
            }
            self.at += 1;
        }
        Ok(())
    }

    /// The value that begins here.
    fn value(&mut self) -> &'a str {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = match rest.first().map(|first| class(*first)) {
            Some(Class::Quote) => string_length(rest).0,
            Some(Class::Open) => nested_length(rest),
            _ => rest.iter().position(|byte| class(*byte) != Class::Plain).unwrap_or(rest.len()),
        };
        let start = self.at;
        self.at += length;
        text_of(self.text, start, self.at)
    }
}

/// That part of the text, or nothing where there is none.
fn text_of(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// How long the string is that `rest` begins with, quotes included, and whether it has escapes.
#[inline]
fn string_length(rest: &[u8]) -> (usize, bool) {
    let (mut at, mut escapes) = (1, false);
    loop {
        at += length_before(is_stop, stops, rest.get(at..).unwrap_or_default());
        match rest.get(at) {
            Some(b'"') => return (at + 1, escapes),
            Some(_) => (at, escapes) = (at + 2, true),
            None => return (rest.len(), escapes),
        }
    }
}

/// How many bytes in front stand for themselves in a JSON string: no quote, no backslash, no control character.
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    length_before(|byte| byte < b' ' || is_stop(byte), |word| below(word, b' ') | stops(word), bytes)
}

/// How many bytes come before the first one that is sought, eight at a time as long as there are eight.
#[inline]
fn length_before(sought: impl Fn(u8) -> bool, mark: impl Fn(u64) -> u64, bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes.get(at..).unwrap_or_default().first_chunk() {
        let marks = mark(u64::from_le_bytes(*word));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| sought(*byte)).unwrap_or(rest.len())
}

fn is_stop(byte: u8) -> bool {
    byte == b'"' || byte == b'\\'
}

/// Marks the first quote or backslash in the word, by its highest bit, counted from the lowest byte.
#[inline]
fn stops(word: u64) -> u64 {
    let same = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    same(b'"') | same(b'\\')
}

/// Marks the first byte that is less than `bound` (at most 128). Marks above it may be wrong.
#[inline]
fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(bound)) & !word & (ONES << 7)
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// How long the object or array is that `rest` begins with.
fn nested_length(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = rest.get(at) {
        match class(*byte) {
            Class::Plain | Class::Space | Class::Separator => at += 1,
            Class::Quote => at += string_length(&rest[at..]).0,
            Class::Open => {
                depth += 1;
                at += 1;
            }
            Class::Close => {
                depth = depth.saturating_sub(1);
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::super::{Kind, members};
    use super::*;

    fn members_of(text: &str) -> Vec<(&str, &str)> {
        let mut seen = Vec::new();
        each_member(text, &mut |member| {
            seen.push((member.raw_key, member.value));
            Ok(())
        })
        .unwrap();
        seen
    }

    fn elements_of(text: &str) -> Vec<&str> {
        let mut seen = Vec::new();
        each_element(text, |element| {
            seen.push(element);
            assert!(seen.len() <= text.len(), "no end: {text}");
            Ok::<(), Problem>(())
        })
        .unwrap();
        seen
    }

    #[test]
    fn members_and_elements_are_told_apart_whatever_is_in_them() {
        let object = " { \"a\" :1,\"b\\\"}\":\t{\"x\":[\"]}\\\\\"]} , \"c\":\"\\\\\",\"d\":-1.5e3\n} ";
        let members = [
            ("\"a\"", "1"),
            ("\"b\\\"}\"", "{\"x\":[\"]}\\\\\"]}"),
            ("\"c\"", "\"\\\\\""),
            ("\"d\"", "-1.5e3"),
        ];
        assert_eq!(members_of(object), members);
        assert_eq!(elements_of("[ 1 ,\"é,]\",[[],[2]] , null\n]"), ["1", "\"é,]\"", "[[],[2]]", "null"]);
        assert!(members_of("{ }").is_empty());
        assert_eq!(elements_of(" \n[1, 2]\t"), ["1", "2"]);
        assert!(elements_of("[\n]").is_empty());
        assert!(elements_of(" [ ] ").is_empty());
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_that_stands() {
        for length in 0..40 {
            let plain = format!("\"{}\"", "é".repeat(length));
            assert_eq!(string_length(format!("{plain}, \"more\"").as_bytes()), (plain.len(), false));
            assert_eq!(string_length(plain.as_bytes()), (plain.len(), false));
            for escaped in ["\\\"", "\\\\"] {
                let text = format!("\"{}{escaped}{}\"", "x".repeat(length), "y".repeat(length % 9));
                assert_eq!(string_length(format!("{text}]").as_bytes()), (text.len(), true));
            }
            let open = &plain[..plain.len() - 1];
            assert_eq!(string_length(open.as_bytes()), (open.len(), false));
        }
    }

    #[test]
    fn what_is_not_json_does_no_harm() {
        for text in [
            "",
            "{",
            "[",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "[1,",
            "[,",
            "[]]",
            "[}",
            "[\"\\",
            "é",
            "[é",
            "{\"é\\é",
        ] {
            let _ = each_member(text, &mut |_| Ok(()));
            let _ = each_element(text, |_| Ok::<(), Problem>(()));
        }
    }

    /// Any JSON text, with white space wherever there may be some.
    fn json() -> impl Strategy<Value = String> {
        let string = r#""([^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\\u[dD][89a-fA-F]00){0,12}""#;
        let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,4})?";
        let leaf = prop_oneof!["null|true|false", number, string];
        let spaced = |inner: BoxedStrategy<String>| {
            ("[ \t\n\r]{0,2}", inner, "[ \t\n\r]{0,2}")
                .prop_map(|(before, inner, behind)| format!("{before}{inner}{behind}"))
                .boxed()
        };
        let value = leaf.prop_recursive(4, 32, 6, move |inner| {
            let element = spaced(inner.boxed());
            let member =
                (spaced(string.boxed()), element.clone()).prop_map(|(key, value)| format!("{key}:{value}"));
            let all = |parts: Vec<String>| parts.join(",");
            prop_oneof![
                vec(element, 0..6).prop_map(move |parts| format!("[{}]", all(parts))),
                vec(member, 0..6).prop_map(move |parts| format!("{{{}}}", all(parts))),
                Just("[ ]".to_owned()),
                Just("{\n}".to_owned()),
            ]
        });
        spaced(value.boxed())
    }

    proptest! {
        #[test]
        fn the_parts_are_those_that_the_check_finds(text in json()) {
            let parts = |members: Vec<Member<'_>>| -> Vec<[String; 3]> {
                members
                    .into_iter()
                    .map(|member| [member.raw_key.to_owned(), member.key.into_owned(), member.value.to_owned()])
                    .collect()
            };
            match Kind::of(super::super::value(&text).unwrap()) {
                Kind::Object => {
                    let checked = parts(members(&text).unwrap());
                    prop_assert_eq!(parts(super::super::members_of(&text).unwrap()), checked);
                }
                Kind::Array => {
                    let checked: Vec<&RawValue> = serde_json::from_str(&text).unwrap();
                    prop_assert_eq!(elements_of(&text), checked.iter().map(|raw| raw.get()).collect::<Vec<_>>());
                }
                _ => {}
            }
        }

        #[test]
        fn whatever_the_text_there_is_an_end(text in r#"[ \n]{0,2}["\\{}\[\],: 1aé]{0,24}"#) {
            let mut seen = 0;
            let _ = each_member(&text, &mut |_| { seen += 1; assert!(seen <= text.len()); Ok(()) });
            let _ = elements_of(&text);
        }
    }
}
