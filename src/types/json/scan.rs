//! Taking apart objects and arrays of a text that was found to be JSON before.
//!
//! The first look at a text is [`value`](super::value), which checks all of it. After that it only
//! matters where each part ends, and that takes no recursion and no more than one look at each byte. On
//! a text that is not JSON the parts are arbitrary, but nothing worse happens.

use super::{Member, Problem, string};

/// Hands the members of the object `text` to `visit`, in order, duplicates included.
pub(crate) fn each_member<'a>(
    text: &'a str,
    mut visit: impl FnMut(Member<'a>) -> Result<(), Problem>,
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
pub(crate) fn each_element<'a>(
    text: &'a str,
    mut visit: impl FnMut(&'a str) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut scanner = Scanner::inside(text);
    while !scanner.next_is(b']') && scanner.at < text.len() {
        visit(scanner.value())?;
        scanner.skip_comma();
    }
    Ok(())
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
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
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
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
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(b'{' | b'[') => self.skip_nested(),
            _ => {
                while !matches!(self.peek(), None | Some(b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r')) {
                    self.at += 1;
                }
            }
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(length) = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\')) {
            let quote = self.rest()[length] == b'"';
            self.at += length + if quote { 1 } else { 2 };
            if quote {
                return;
            }
        }
        self.at = self.text.len();
    }

    fn skip_nested(&mut self) {
        let mut depth = 0_usize;
        let bracket_or_quote = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']');
        while let Some(length) = self.rest().iter().position(bracket_or_quote) {
            self.at += length;
            match self.rest()[0] {
                b'"' => {
                    self.skip_string();
                    continue;
                }
                b'{' | b'[' => depth += 1,
                _ => depth = depth.saturating_sub(1),
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
        self.at = self.text.len();
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn members_of(text: &str) -> Vec<(&str, &str)> {
        let mut seen = Vec::new();
        each_member(text, |member| {
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
            Ok(())
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
        assert!(elements_of("[\n]").is_empty());
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
            let _ = each_member(text, |_| Ok(()));
            let _ = each_element(text, |_| Ok(()));
        }
    }
}
