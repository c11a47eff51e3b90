//! Text as the original prints it, so that messages read the same in both libraries.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` in double quotes, escaped as Go's `%q` does.
pub(crate) fn quote(text: &str) -> String {
    quote_bytes(text.as_bytes())
}

/// Bytes in double quotes, escaped as Go's `%q` does; what is not UTF-8 becomes `\x..`.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_escaped(&mut out, c));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

fn push_escaped(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a String cannot fail.
    let _ = match c {
        '"' => out.write_str("\\\""),
        '\\' => out.write_str("\\\\"),
        '\x07' => out.write_str("\\a"),
        '\x08' => out.write_str("\\b"),
        '\x0c' => out.write_str("\\f"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\x0b' => out.write_str("\\v"),
        _ if is_print(c) => out.write_char(c),
        _ if code < 0x80 => write!(out, "\\x{code:02x}"),
        _ if code < 0x1_0000 => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space.
fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // Behind a letter, a combining mark is printed as itself, which is how Go sees it.
    let mut buffer = [0; 5];
    buffer[0] = b'a';
    let length = 1 + c.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..length]).is_ok_and(|text| text.escape_debug().count() == 2)
}

/// Bytes as text; as in the original, each byte that is not part of UTF-8 becomes U+FFFD.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut out = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                out.push_str(chunk.valid());
                out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
            }
            Cow::Owned(out)
        }
    }
}

/// The end of what a plugin wrote, for an error: enough to see what went wrong, never megabytes.
pub(crate) fn tail(bytes: &[u8]) -> Option<String> {
    const MAX_BYTES: usize = 4096;
    if bytes.is_empty() {
        return None;
    }
    let mut start = bytes.len().saturating_sub(MAX_BYTES);
    // Not in the middle of a character.
    while start < bytes.len() && start > 0 && bytes[start] & 0xc0 == 0x80 {
        start += 1;
    }
    Some(lossy(&bytes[start..]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_go_percent_q() {
        assert_eq!(quote("plain é ✓"), "\"plain é ✓\"");
        assert_eq!(quote("a\"b\\c\n\t\r\x07\x0b\x00\x7f"), r#""a\"b\\c\n\t\r\a\v\x00\x7f""#);
        assert_eq!(quote("\u{a0}\u{200b}\u{2028}\u{10ffff}"), r#""\u00a0\u200b\u2028\U0010ffff""#);
        assert_eq!(quote("e\u{301}"), "\"e\u{301}\"");
        assert_eq!(quote_bytes(b"ok\xff\xc3(\xf0\x9f"), r#""ok\xff\xc3(\xf0\x9f""#);
    }

    #[test]
    fn a_tail_is_short_and_whole() {
        assert_eq!(tail(b""), None);
        assert_eq!(tail(b"short").as_deref(), Some("short"));
        let long = "\u{e9}".repeat(4000);
        assert_eq!(tail(format!("{long}x").as_bytes()).map(|tail| tail.len()), Some(4095));
    }

    #[test]
    fn every_byte_that_is_not_utf8_is_replaced_on_its_own() {
        assert_eq!(lossy(b"a\xf0\x9fb\xff"), "a\u{fffd}\u{fffd}b\u{fffd}");
        assert!(matches!(lossy("é".as_bytes()), Cow::Borrowed("é")));
    }
}
