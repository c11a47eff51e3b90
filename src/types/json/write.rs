//! Writing JSON: objects member by member, and strings.

use std::fmt::{Display, Write as _};

/// Writes one object into a text, member by member.
pub(crate) struct ObjectWriter<'o> {
    out: &'o mut String,
    empty: bool,
}

impl<'o> ObjectWriter<'o> {
    /// Begins the object.
    pub(crate) fn open(out: &'o mut String) -> ObjectWriter<'o> {
        out.push('{');
        ObjectWriter { out, empty: true }
    }

    /// Begins a member; the caller writes its value into the text that this gives.
    #[inline]
    pub(crate) fn key(&mut self, name: &str) -> &mut String {
        self.comma();
        push_string(self.out, name);
        self.out.push(':');
        self.out
    }

    /// A member whose value is a string.
    #[inline]
    pub(crate) fn string(&mut self, name: &str, value: &str) {
        push_string(self.key(name), value);
    }

    /// A member whose value prints as a number.
    pub(crate) fn number(&mut self, name: &str, value: i64) {
        // Writing to a String cannot fail.
        let _ = write!(self.key(name), "{value}");
    }

    /// A member whose value prints without anything to escape: an address.
    pub(crate) fn display(&mut self, name: &str, value: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.key(name), "\"{value}\"");
    }

    /// Members as they stand, with commas between them.
    pub(crate) fn raw_members(&mut self, text: &str) {
        if !text.is_empty() {
            self.comma();
            self.out.push_str(text);
        }
    }

    /// Ends the object.
    pub(crate) fn close(self) {
        self.out.push('}');
    }

    #[inline]
    fn comma(&mut self) {
        if !self.empty {
            self.out.push(',');
        }
        self.empty = false;
    }
}

/// The text of a string by itself.
pub(crate) fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    push_string(&mut out, value);
    out
}

/// Writes a string: quotes around it, and escaped only what JSON cannot hold otherwise.
pub(crate) fn push_string(out: &mut String, value: &str) {
    out.push('"');
    let mut rest = value;
    while let Some(at) = rest.bytes().position(|b| b < b' ' || b == b'"' || b == b'\\') {
        out.push_str(&rest[..at]);
        // Writing to a String cannot fail.
        let _ = match rest.as_bytes()[at] {
            b'\n' => out.write_str("\\n"),
            b'\r' => out.write_str("\\r"),
            b'\t' => out.write_str("\\t"),
            b'\x08' => out.write_str("\\b"),
            b'\x0c' => out.write_str("\\f"),
            byte @ (b'"' | b'\\') => write!(out, "\\{}", char::from(byte)),
            byte => write!(out, "\\u{byte:04x}"),
        };
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_string_reads_back_and_only_what_must_be_escaped_is() {
        let text = "é <&> \u{2028} \" \\ / \n\r\t\x08\x0c\x00\x1f\x7f";
        let mut out = String::new();
        push_string(&mut out, text);
        assert_eq!(out, "\"é <&> \u{2028} \\\" \\\\ / \\n\\r\\t\\b\\f\\u0000\\u001f\x7f\"");
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }

    #[test]
    fn members_are_separated_by_commas() {
        let mut out = String::new();
        let mut object = ObjectWriter::open(&mut out);
        object.raw_members("");
        object.string("a", "b");
        object.number("n", -1);
        object.raw_members("\"x\":1,\"y\": 2");
        object.close();
        assert_eq!(out, r#"{"a":"b","n":-1,"x":1,"y": 2}"#);
    }
}
