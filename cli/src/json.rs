//! JSON for stdout.

use cni::{Error, Result, Status};
use serde::Serialize;
use serde_json::value::RawValue;

/// Deeper than this, nothing is put on a line of its own: what plugins return has no bounds.
const MAX_DEPTH: usize = 64;

/// The JSON text of a value.
///
/// # Errors
/// [`Status::Internal`], for what cannot happen.
pub(crate) fn encode(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(internal)
}

/// A text that is JSON already, as a value. Bytes that are no UTF-8 are replaced.
///
/// # Errors
/// As [`encode`].
pub(crate) fn raw(text: &[u8]) -> Result<Box<RawValue>> {
    RawValue::from_string(String::from_utf8_lossy(text).into_owned()).map_err(internal)
}

fn internal(error: serde_json::Error) -> Error {
    Error::new(Status::Internal, format!("cannot write JSON: {error}"))
}

/// The same JSON with an element per line, indented by four spaces as the original prints it. Numbers and strings keep
/// their text.
pub(crate) fn indent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut just_opened = false;
    for c in text.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            out.push(c);
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        match c {
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if !just_opened {
                    new_line(&mut out, depth);
                }
                just_opened = false;
                out.push(c);
                continue;
            }
            _ if just_opened => new_line(&mut out, depth),
            _ => {}
        }
        just_opened = false;
        out.push(c);
        match c {
            '{' | '[' => {
                depth += 1;
                just_opened = true;
            }
            ',' => new_line(&mut out, depth),
            ':' => out.push(' '),
            '"' => in_string = true,
            _ => {}
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    if depth <= MAX_DEPTH {
        out.push('\n');
        out.extend(std::iter::repeat_n("    ", depth));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_has_a_line_and_keeps_its_text() {
        let text = r#"{"a":[],"b" : {} ,"c":[1.50,"x\\\",{",{"d":1e400}]}"#;
        let wanted = "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1.50,\n        \"x\\\\\\\",{\",\n        \
                      {\n            \"d\": 1e400\n        }\n    ]\n}";
        assert_eq!(indent(text), wanted);
        assert_eq!(indent("null"), "null");
    }

    #[test]
    fn nesting_without_end_is_no_danger() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(indent(&deep).len() < 1_000_000);
    }
}
