//! Taking apart objects and arrays of a text that was found to be JSON before.
//!
//! The first look at a text is [`value`](super::value), which checks all of it. After that it only
//! matters where each part ends, and that takes no recursion and no more than one look at each byte. On
//! a text that is not JSON the parts are arbitrary, but nothing worse happens.

use super::{Member, Problem, string};

/// Hands the members of the object `text` to `visit`, in order, duplicates included.
pub(crate) fn each_member<'a>(
    text: &'a str,
    visit: &mut dyn FnMut(Member<'a>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut scanner = Scanner::inside(text);
    while scanner.next_is(b'"') {
        let raw_key = scanner.value();
        scanner.next_is(b':');
        scanner.at += 1;
        scanner.skip_space();
        visit(Member { raw_key, key: string(raw_key)?, value: scanner.value() })?;
        scanner.skip_comma();
    }
    Ok(())
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

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| class(byte) == Class::Space) {
            self.at += 1;
        }
    }

    /// Whether `byte` comes next, white space aside.
    fn next_is(&mut self, byte: u8) -> bool {
        self.skip_space();
        self.peek() == Some(byte)
    }

    /// Goes behind the comma; at the end, where there is none, to where nothing follows.
    fn skip_comma(&mut self) {
        self.at = if self.next_is(b',') { self.at + 1 } else { self.text.len() };
    }

    /// The value that begins here.
    fn value(&mut self) -> &'a str {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = match rest.first().map(|first| class(*first)) {
            Some(Class::Quote) => string_length(rest),
            Some(Class::Open) => nested_length(rest),
            _ => rest.iter().position(|byte| class(*byte) != Class::Plain).unwrap_or(rest.len()),
        };
        let start = self.at;
        self.at += length;
        self.text.get(start..self.at).unwrap_or_default()
    }
}

/// How long the string is that `rest` begins with, quotes included.
#[inline]
fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    loop {
        at += match rest.get(at..).unwrap_or_default().first_chunk() {
            // Eight bytes at a time, as long as nothing in them needs a look.
            Some(word) => match first_quote_or_backslash(u64::from_le_bytes(*word)) {
                8 => {
                    at += 8;
                    continue;
                }
                length => length,
            },
            None => match rest.get(at..).unwrap_or_default().iter().position(|b| matches!(b, b'"' | b'\\')) {
                Some(length) => length,
                None => return rest.len(),
            },
        };
        if rest[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
}

/// The place of the first such byte in the word, counted from the lowest; 8 when there is none.
fn first_quote_or_backslash(word: u64) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // The lowest bit that this sets is that of the first zero byte; bits above it may be wrong.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let found = zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64));
    found.trailing_zeros() as usize / 8
}

/// How long the object or array is that `rest` begins with.
fn nested_length(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = rest.get(at) {
        match class(*byte) {
            Class::Plain | Class::Space | Class::Separator => at += 1,
            Class::Quote => at += string_length(&rest[at..]),
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
            assert_eq!(string_length(format!("{plain}, \"more\"").as_bytes()), plain.len());
            assert_eq!(string_length(plain.as_bytes()), plain.len());
            for escaped in ["\\\"", "\\\\"] {
                let text = format!("\"{}{escaped}{}\"", "x".repeat(length), "y".repeat(length % 9));
                assert_eq!(string_length(format!("{text}]").as_bytes()), text.len());
            }
            let open = &plain[..plain.len() - 1];
            assert_eq!(string_length(open.as_bytes()), open.len());
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
