//! Writing JSON: objects member by member, and strings.

use std::fmt::Write as _;

use super::scan::plain_length;

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

    /// Begins a member whose name has nothing to escape; the caller writes its value into the text that this gives.
    #[inline]
    pub(crate) fn key(&mut self, name: &'static str) -> &mut String {
        self.comma();
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        self.out
    }

    /// The same for a name that came from outside.
    pub(crate) fn any_key(&mut self, name: &str) -> &mut String {
        self.comma();
        push_string(self.out, name);
        self.out.push(':');
        self.out
    }

    /// The same for a name with its quotes, as it stands in another text.
    #[inline]
    pub(crate) fn raw_key(&mut self, quoted: &str) -> &mut String {
        self.comma();
        self.out.push_str(quoted);
        self.out.push(':');
        self.out
    }

    /// A member whose value is a string.
    #[inline]
    pub(crate) fn string(&mut self, name: &'static str, value: &str) {
        push_string(self.key(name), value);
    }

    /// A member whose value prints as a number.
    pub(crate) fn number(&mut self, name: &'static str, value: i64) {
        push_number(self.key(name), value);
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

/// Writes a number as it prints, without the detour by a formatter.
pub(crate) fn push_number(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    let mut digits = [0; 20];
    let (mut start, mut rest) = (digits.len(), value.unsigned_abs());
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits[start..].iter().for_each(|digit| out.push(char::from(*digit)));
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
    loop {
        let at = plain_length(rest.as_bytes());
        out.push_str(&rest[..at]);
        if at == rest.len() {
            break;
        }
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
    fn numbers_are_written_as_they_print() {
        for value in [0, 7, 10, 1500, -1, -70, i64::MAX, i64::MIN] {
            let mut out = String::new();
            push_number(&mut out, value);
            assert_eq!(out, value.to_string());
        }
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
