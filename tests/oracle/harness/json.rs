//! JSON with the exact text of its numbers.
//!
//! Not the library's own reader, so that a fault of that one cannot hide here.

use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Json>),
    /// Of a repeated key the last value counts.
    Object(BTreeMap<String, Json>),
}

/// One member of an object, with its exact text.
#[derive(Debug, PartialEq)]
pub struct RawMember<'a> {
    pub key: String,
    pub raw_key: &'a str,
    pub raw_value: &'a str,
}

impl Json {
    pub fn parse(bytes: &[u8]) -> Result<Json, String> {
        let text = lossy(bytes);
        let mut reader = Reader { text: &text, at: 0 };
        let value = reader.value()?;
        reader.space();
        if reader.at == text.len() { Ok(value) } else { Err(reader.unexpected()) }
    }

    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.get(key),
            _ => None,
        }
    }

    pub fn str(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Json::String(text)) => text,
            _ => "",
        }
    }
}

/// The members of an object in order, repeated ones included.
pub fn raw_members(text: &str) -> Result<Vec<RawMember<'_>>, String> {
    let mut members = Vec::new();
    Reader { text, at: 0 }.object(|member, _| members.push(member))?;
    Ok(members)
}

/// The elements of an array, each with its exact text.
pub fn raw_elements(text: &str) -> Result<Vec<&str>, String> {
    let mut reader = Reader { text, at: 0 };
    let mut elements = Vec::new();
    reader.expect('[')?;
    if reader.take(']') {
        return Ok(elements);
    }
    loop {
        reader.space();
        let start = reader.at;
        reader.value()?;
        elements.push(&text[start..reader.at]);
        if !reader.take(',') {
            return reader.expect(']').map(|()| elements);
        }
    }
}

/// Bytes as text, where each byte that is not part of UTF-8 becomes U+FFFD, as in Go.
pub fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn unexpected(&self) -> String {
        format!("unexpected {:?} at byte {}", self.rest().chars().take(10).collect::<String>(), self.at)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.space();
        let found = self.rest().starts_with(wanted);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn value(&mut self) -> Result<Json, String> {
        self.space();
        for (word, value) in [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))]
        {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        match self.rest().as_bytes().first() {
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'[') => self.array(),
            Some(b'{') => {
                let mut object = BTreeMap::new();
                self.object(|member, value| drop(object.insert(member.key, value)))?;
                Ok(Json::Object(object))
            }
            Some(b'-' | b'0'..=b'9') => Ok(Json::Number(self.number())),
            _ => Err(self.unexpected()),
        }
    }

    fn object(&mut self, mut each: impl FnMut(RawMember<'a>, Json)) -> Result<(), String> {
        self.expect('{')?;
        if self.take('}') {
            return Ok(());
        }
        loop {
            self.space();
            let start = self.at;
            let key = self.string()?;
            let raw_key = &self.text[start..self.at];
            self.expect(':')?;
            self.space();
            let start = self.at;
            let value = self.value()?;
            each(RawMember { key, raw_key, raw_value: &self.text[start..self.at] }, value);
            if !self.take(',') {
                return self.expect('}');
            }
        }
    }

    fn number(&mut self) -> String {
        let text = self.rest();
        let end =
            text.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(text.len());
        self.at += end;
        text[..end].to_owned()
    }

    fn array(&mut self) -> Result<Json, String> {
        self.expect('[')?;
        let mut elements = Vec::new();
        if self.take(']') {
            return Ok(Json::Array(elements));
        }
        loop {
            elements.push(self.value()?);
            if !self.take(',') {
                self.expect(']')?;
                return Ok(Json::Array(elements));
            }
        }
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.rest().starts_with('"') {
            return Err(self.unexpected());
        }
        self.at += 1;
        let mut units: Vec<u16> = Vec::new();
        loop {
            let Some(c) = self.rest().chars().next() else { return Err(self.unexpected()) };
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(String::from_utf16_lossy(&units)),
                '\\' => {
                    let escape = self.rest().chars().next().ok_or("an unfinished escape")?;
                    self.at += escape.len_utf8();
                    units.push(match escape {
                        'b' => 8,
                        'f' => 12,
                        'n' => 10,
                        'r' => 13,
                        't' => 9,
                        '"' | '\\' | '/' => escape as u16,
                        'u' => {
                            let digits = self.rest().get(..4).ok_or("an unfinished escape")?;
                            self.at += 4;
                            u16::from_str_radix(digits, 16).map_err(|error| error.to_string())?
                        }
                        _ => return Err(self.unexpected()),
                    });
                }
                c => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
            }
        }
    }
}
