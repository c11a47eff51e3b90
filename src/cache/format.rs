//! The JSON of one cache file: written as the original writes it, read as the original reads it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde_json::value::RawValue;

use super::members::{self, Field, Member, Value, read_string};
use super::{Entry, Legacy};
use crate::error::{Error, Result, Status};
use crate::types::attachment::{Attachment, AttachmentKey};
use crate::types::json::{self, Kind, ObjectWriter, Problem};

const KIND: &str = "cniCacheV1";

/// Go's decoder does not mind bits behind the end, ours would.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// What a file that parses holds.
pub(super) enum Parsed<'a> {
    /// An attachment; parts of its key may be empty.
    Entry(Found<'a>),
    /// A JSON object of another kind, or of none: the bare result that very old versions wrote.
    Legacy(Legacy),
}

/// An [`Entry`] as it stands in a file.
pub(crate) struct Found<'a> {
    pub container_id: Cow<'a, str>,
    pub network_name: Cow<'a, str>,
    pub if_name: Cow<'a, str>,
    pub netns: Cow<'a, str>,
    pub config: &'a mut Config,
    pub args: Vec<(String, String)>,
    pub capability_args: BTreeMap<String, Box<RawValue>>,
    result: Option<&'a RawValue>,
}

impl Found<'_> {
    pub(super) fn key(&self) -> AttachmentKey {
        AttachmentKey {
            container_id: self.container_id.as_ref().to_owned(),
            network_name: self.network_name.as_ref().to_owned(),
            if_name: self.if_name.as_ref().to_owned(),
        }
    }

    pub(super) fn into_attachment(self) -> Attachment {
        Attachment {
            key: self.key(),
            netns: self.netns.into_owned(),
            config: self.config.take(),
            args: self.args,
            capability_args: self.capability_args,
        }
    }

    pub(super) fn into_entry(self) -> Entry {
        let result = self.result.map(ToOwned::to_owned);
        Entry { attachment: self.into_attachment(), result }
    }
}

/// The configuration in the file that was read last. Most of the files that follow one another in a list are of one
/// network: of the same configuration, which is decoded once.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// How it is written, which is as the text of a JSON value; empty when the file has none.
    written: String,
    bytes: Vec<u8>,
    changes: u64,
}

impl Config {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How often it has been another one than before.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    fn read(&mut self, value: Value<'_>) -> Result<(), Problem> {
        if !matches!(value, Value::Known(_)) {
            self.set("", Vec::new());
            self.set(value.get(), read_config(value)?);
        }
        Ok(())
    }

    fn take(&mut self) -> Vec<u8> {
        let bytes = std::mem::take(&mut self.bytes);
        self.set("", Vec::new());
        bytes
    }

    fn set(&mut self, written: &str, bytes: Vec<u8>) {
        written.clone_into(&mut self.written);
        self.bytes = bytes;
        self.changes += 1;
    }
}

/// An [`Entry`] of somebody else's parts.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub key: &'a AttachmentKey,
    pub netns: &'a str,
    pub config: &'a [u8],
    pub args: &'a [(String, String)],
    pub capability_args: &'a BTreeMap<String, Box<RawValue>>,
    /// A checked JSON text.
    pub result: Option<&'a str>,
}

impl<'a> Record<'a> {
    pub(super) fn of(entry: &'a Entry) -> Record<'a> {
        let Attachment { key, netns, config, args, capability_args } = &entry.attachment;
        Record {
            key,
            netns,
            config,
            args,
            capability_args,
            result: entry.result.as_deref().map(RawValue::get),
        }
    }
}

/// The members in the original's order; those that it leaves out when they are empty are left out.
///
/// # Errors
/// [`Status::InvalidResult`] when the result is not an object: the original could not read the file.
pub(super) fn print(record: &Record<'_>) -> Result<String> {
    let Record { key, netns, config, args, capability_args, result } = record;
    let result = match result.map(|text| (Kind::of(text), text)) {
        None | Some((Kind::Null, _)) => None,
        Some((Kind::Object, text)) => Some(text).filter(|text| !is_empty_object(text)),
        Some((other, _)) => {
            let message = format!("failed to cache the result: expected an object, found {}", other.name());
            return Err(Error::new(Status::InvalidResult, message));
        }
    };
    let mut out = String::with_capacity(512 + config.len() * 4 / 3 + result.map_or(0, str::len));
    let mut file = ObjectWriter::open(&mut out);
    file.string("kind", KIND);
    file.string("containerId", &key.container_id);
    let digits = file.key("config");
    digits.push('"');
    STANDARD.encode_string(config, digits);
    digits.push('"');
    file.string("ifName", &key.if_name);
    file.string("networkName", &key.network_name);
    if !netns.is_empty() {
        file.string("netns", netns);
    }
    if !args.is_empty() {
        print_args(file.key("cniArgs"), args);
    }
    if !capability_args.is_empty() {
        let mut members = ObjectWriter::open(file.key("capabilityArgs"));
        for (name, value) in *capability_args {
            members.any_key(name).push_str(value.get());
        }
        members.close();
    }
    if let Some(result) = result {
        file.key("result").push_str(result);
    }
    file.close();
    Ok(out)
}

fn is_empty_object(text: &str) -> bool {
    text.trim_ascii_start().strip_prefix('{').is_some_and(|rest| rest.trim_ascii_start().starts_with('}'))
}

fn print_args(out: &mut String, args: &[(String, String)]) {
    for (index, (name, value)) in args.iter().enumerate() {
        out.push_str(if index == 0 { "[[" } else { ",[" });
        json::push_string(out, name);
        out.push(',');
        json::push_string(out, value);
        out.push(']');
    }
    out.push(']');
}

/// Reads a file. The error says what is wrong with it.
pub(super) fn parse<'a>(text: &'a str, config: &'a mut Config) -> Result<Parsed<'a>, String> {
    if text.is_empty() {
        return Err("the file is empty".to_owned());
    }
    parse_text(text, config).map_err(|problem| problem.to_string())
}

fn parse_text<'a>(text: &'a str, config: &'a mut Config) -> Result<Parsed<'a>, Problem> {
    let members = members::members(text, &config.written)?;
    let mut kind = Cow::Borrowed("");
    for member in members.iter().filter(|member| member.field == Field::Kind) {
        member.value.read_string(&mut kind).map_err(|problem| problem.in_key("kind"))?;
    }
    if kind != KIND {
        return Ok(Parsed::Legacy(Legacy { kind: kind.into_owned(), text: text.to_owned() }));
    }
    let mut found = Found {
        container_id: Cow::Borrowed(""),
        network_name: Cow::Borrowed(""),
        if_name: Cow::Borrowed(""),
        netns: Cow::Borrowed(""),
        config,
        args: Vec::new(),
        capability_args: BTreeMap::new(),
        result: None,
    };
    let mut has_config = false;
    for Member { field, key, value } in members {
        match field {
            Field::Kind => Ok(()),
            Field::ContainerId => value.read_string(&mut found.container_id),
            Field::NetworkName => value.read_string(&mut found.network_name),
            Field::IfName => value.read_string(&mut found.if_name),
            Field::Netns => value.read_string(&mut found.netns),
            Field::Config => {
                has_config = true;
                found.config.read(value)
            }
            Field::Args => read_args(value.get()).map(|value| found.args = value),
            Field::CapabilityArgs => read_capability_args(value.get(), &mut found.capability_args),
            Field::Result => read_result(value).map(|value| found.result = value),
        }
        .map_err(|problem| problem.in_key(&key))?;
    }
    if !has_config {
        found.config.set("", Vec::new());
    }
    Ok(Parsed::Entry(found))
}

/// The configuration's bytes in base64. iSulad writes the text itself, which as JSON never is base64.
fn read_config(value: Value<'_>) -> Result<Vec<u8>, Problem> {
    let mut text = Cow::Borrowed("");
    value.read_string(&mut text)?;
    let decoded = BASE64.decode(text.as_bytes()).or_else(|error| match text.contains(['\r', '\n']) {
        false => Err(error),
        true => BASE64.decode(text.replace(['\r', '\n'], "")),
    });
    match decoded {
        Ok(bytes) => Ok(bytes),
        Err(_) if json::value(&text).is_ok_and(|json| Kind::of(json) == Kind::Object) => {
            Ok(text.into_owned().into_bytes())
        }
        Err(error) => Err(Problem::new(format!("neither base64 ({error}) nor a JSON object"))),
    }
}

/// Pairs of strings, or (iSulad) an object of strings. The original fills up and cuts off what is not
/// a pair.
fn read_args(value: &str) -> Result<Vec<(String, String)>, Problem> {
    let mut args = Vec::new();
    match Kind::of(value) {
        Kind::Null => {}
        Kind::Array => {
            for (index, pair) in json::elements_of(value)?.into_iter().enumerate() {
                args.push(read_pair(pair).map_err(|problem| problem.in_element(index))?);
            }
        }
        Kind::Object => {
            for member in json::members_of(value)? {
                let mut text = Cow::Borrowed("");
                read_string(member.value, &mut text).map_err(|problem| problem.in_key(&member.key))?;
                args.push((member.key.into_owned(), text.into_owned()));
            }
        }
        _ => return Err(Problem::expected("an array of pairs", value)),
    }
    Ok(args)
}

fn read_pair(value: &str) -> Result<(String, String), Problem> {
    let mut pair = [Cow::Borrowed(""), Cow::Borrowed("")];
    match Kind::of(value) {
        Kind::Null => {}
        Kind::Array => {
            for (part, element) in pair.iter_mut().zip(json::elements_of(value)?) {
                read_string(element, part)?;
            }
        }
        _ => return Err(Problem::expected("a pair", value)),
    }
    let [name, value] = pair;
    Ok((name.into_owned(), value.into_owned()))
}

fn read_capability_args(value: &str, into: &mut BTreeMap<String, Box<RawValue>>) -> Result<(), Problem> {
    match Kind::of(value) {
        Kind::Null => into.clear(),
        Kind::Object => {
            for member in json::members_of(value)? {
                let value = RawValue::from_string(member.value.to_owned())?;
                into.insert(member.key.into_owned(), value);
            }
        }
        _ => return Err(Problem::expected("an object", value)),
    }
    Ok(())
}

fn read_result(value: Value<'_>) -> Result<Option<&RawValue>, Problem> {
    match (Kind::of(value.get()), value) {
        (Kind::Null, _) => Ok(None),
        (Kind::Object, Value::Any(value)) => Ok(Some(value)),
        _ => Err(Problem::expected("an object", value.get())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(text: &str) -> Entry {
        match parse(text, &mut Config::default()).unwrap() {
            Parsed::Entry(found) => found.into_entry(),
            Parsed::Legacy(legacy) => panic!("kind {:?}", legacy.kind),
        }
    }

    fn reason(text: &str) -> String {
        parse(text, &mut Config::default()).err().unwrap()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const FULL: &str = concat!(
        r#"{"kind":"cniCacheV1","containerId":"id","config":"eyJhIjoxfQ==","ifName":"eth0","networkName":"net","#,
        r#""netns":"/n","cniArgs":[["K","V"],["K","W"]],"capabilityArgs":{"a":1.50,"b":{ "x" : null }},"#,
        r#""result":{"cniVersion":"1.1.0", "big":12345678901234567890}}"#
    );

    #[test]
    fn a_file_is_written_as_the_original_writes_it_with_every_value_as_it_came() {
        let entry = entry(FULL);
        assert_eq!(entry.attachment.config, b"{\"a\":1}");
        assert_eq!(entry.attachment.args, pairs(&[("K", "V"), ("K", "W")]));
        assert_eq!(print(&Record::of(&entry)).unwrap(), FULL);
    }

    #[test]
    fn every_text_is_escaped_as_json_needs_it_and_no_more() {
        let text: String = ('\u{1}'..='\u{7f}').chain("/é\u{2028}\u{fffd}😀".chars()).collect();
        let quoted = serde_json::to_string(&text).unwrap();
        let full = FULL.replace("\"id\"", &quoted).replace("\"eth0\"", &quoted).replace("\"net\"", &quoted);
        let full = full.replace("\"/n\"", &quoted).replace("[\"K\",\"W\"]", &format!("[{quoted},{quoted}]"));
        let full = full.replace("{\"a\":1.50", &format!("{{{quoted}:1.50"));
        assert_eq!(full.matches(&quoted).count(), 7);
        let entry = entry(&full);
        assert_eq!((&entry.attachment.netns, &entry.attachment.args[1].1), (&text, &text));
        assert_eq!(print(&Record::of(&entry)).unwrap(), full);
    }

    #[test]
    fn what_is_empty_is_left_out() {
        let text =
            r#"{"kind":"cniCacheV1","containerId":"id","config":"","ifName":"eth0","networkName":"net"}"#;
        for result in [None, Some("null"), Some("{}"), Some("{ }")] {
            let mut entry = entry(text);
            entry.result = result.map(|result| RawValue::from_string(result.to_owned()).unwrap());
            assert_eq!(print(&Record::of(&entry)).unwrap(), text, "{result:?}");
        }
    }

    #[test]
    fn a_result_that_the_original_could_not_read_back_is_not_written() {
        let mut entry = entry(FULL);
        entry.result = Some(RawValue::from_string("[1]".to_owned()).unwrap());
        assert_eq!(print(&Record::of(&entry)).unwrap_err().status(), Status::InvalidResult);
    }

    #[test]
    fn keys_match_in_any_letter_case_and_nulls_leave_things_as_they_are() {
        let entry = entry(concat!(
            "{\"\u{212a}IND\":\"cniCacheV1\",\"CONTAINERID\":\"id\",\"netN\u{17f}\":\"/n\",\"other\":[1],",
            "\"ifname\":\"eth0\",\"ifName\":null,\"networkName\":\"x\",\"NetworkName\":\"net\",",
            "\"config\":null,\"cniArgs\":null,\"capabilityArgs\":null,\"result\":null}"
        ));
        let Attachment { key, netns, config, args, capability_args } = entry.attachment;
        assert_eq!(
            (key.container_id.as_str(), key.if_name.as_str(), key.network_name.as_str()),
            ("id", "eth0", "net")
        );
        assert_eq!(netns, "/n");
        assert!(config.is_empty() && args.is_empty() && capability_args.is_empty() && entry.result.is_none());
    }

    #[test]
    fn base64_is_read_as_the_original_reads_it() {
        let config =
            |text: &str| entry(&format!(r#"{{"kind":"cniCacheV1","config":"{text}"}}"#)).attachment.config;
        assert_eq!(config("eyJh\\r\\nIjox\\nfQ=="), b"{\"a\":1}");
        assert_eq!(config("YR=="), b"a");
        assert!(reason(r#"{"kind":"cniCacheV1","config":"YQ"}"#).starts_with("config: neither base64"));
        assert!(reason(r#"{"kind":"cniCacheV1","config":7}"#).starts_with("config: expected a string"));
    }

    #[test]
    fn args_that_are_not_pairs_are_filled_up_and_cut_off() {
        let entry = entry(r#"{"kind":"cniCacheV1","cniArgs":[["a"],null,["b","c","d"],[null,"e"]]}"#);
        assert_eq!(entry.attachment.args, pairs(&[("a", ""), ("", ""), ("b", "c"), ("", "e")]));
        assert!(
            reason(r#"{"kind":"cniCacheV1","cniArgs":[["a",1]]}"#)
                .starts_with("cniArgs[0]: expected a string")
        );
    }

    #[test]
    fn a_file_of_isulad_is_usable() {
        for args_key in ["cniArgs", "cni_args"] {
            let entry = entry(&format!(
                concat!(
                    r#"{{"kind":"cniCacheV1","containerId":"id","config":"{{\"name\":\"net\"}}","ifName":"eth0","#,
                    r#""networkName":"net","{}":{{"K":"V","L":"W"}},"result":{{"cniVersion":"0.4.0"}}}}"#
                ),
                args_key
            ));
            assert_eq!(entry.attachment.config, b"{\"name\":\"net\"}");
            assert_eq!(entry.attachment.args, pairs(&[("K", "V"), ("L", "W")]));
            assert_eq!(entry.result.unwrap().get(), r#"{"cniVersion":"0.4.0"}"#);
        }
    }

    #[test]
    fn an_object_of_another_kind_is_kept_as_text_for_the_caller_to_judge() {
        for (text, kind) in
            [(r#"{"cniVersion":"0.2.0"}"#, ""), (r#"{"kind":"cniCacheV2","config":7}"#, "cniCacheV2")]
        {
            match parse(text, &mut Config::default()).unwrap() {
                Parsed::Legacy(legacy) => {
                    assert_eq!((legacy.kind.as_str(), legacy.text.as_str()), (kind, text))
                }
                Parsed::Entry(_) => panic!("{text}"),
            }
        }
    }

    #[test]
    fn what_is_not_an_object_or_not_whole_is_corrupt() {
        assert_eq!(reason(""), "the file is empty");
        for text in ["\0\0\0\0", "null", "[]", "7", "{\"kind\":7}", &FULL[..FULL.len() - 1], &FULL[..40]] {
            assert!(!reason(text).is_empty(), "{text}");
        }
        assert!(reason(r#"{"kind":"cniCacheV1","result":"x"}"#).starts_with("result: expected an object"));
    }

    #[test]
    fn a_configuration_is_decoded_again_only_when_it_is_another_one() {
        let mut config = Config::default();
        let mut seen = Vec::new();
        for value in [r#""YQ==""#, r#""YQ==""#, "7", r#""YQ==""#, r#""Yg==""#, "null", "", r#""Yg==""#] {
            let member = if value.is_empty() { String::new() } else { format!(r#","config":{value}"#) };
            let outcome = parse(&format!(r#"{{"kind":"cniCacheV1"{member}}}"#), &mut config).map(drop);
            let before = seen.last().map_or(0, |(_, _, changes)| *changes);
            seen.push((outcome.is_ok(), config.bytes().to_owned(), config.changes()));
            assert_eq!(before == config.changes(), seen.len() == 2, "{seen:?}");
        }
        let bytes: Vec<&[u8]> = seen.iter().filter(|(ok, ..)| *ok).map(|(_, bytes, _)| &bytes[..]).collect();
        assert_eq!(bytes, [b"a", b"a", b"a", b"b", &b""[..], b"", b"b"]);
    }

    #[test]
    fn only_a_configuration_is_what_the_configuration_of_the_file_before_was() {
        let mut config = Config::default();
        let written = r#""\u0059Q==""#;
        let text = format!(r#"{{"kind":"cniCacheV1","config":{written},"netns":{written}}}"#);
        for _ in 0..2 {
            let Ok(Parsed::Entry(found)) = parse(&text, &mut config) else { panic!("{text}") };
            assert_eq!((&*found.netns, found.config.bytes()), ("YQ==", &b"a"[..]));
        }
    }
}
