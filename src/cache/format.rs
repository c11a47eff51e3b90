//! The JSON of one cache file: written as the original writes it, read as the original reads it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Entry, Legacy};
use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::attachment::{Attachment, AttachmentKey};
use crate::types::json::{self, Kind, Problem};

const KIND: &str = "cniCacheV1";

/// Go's decoder does not mind bits behind the end, ours would.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// What a file that parses holds.
pub(super) enum Parsed {
    /// An attachment; parts of its key may be empty.
    Entry(Entry),
    /// A JSON object of another kind, or of none: the bare result that very old versions wrote.
    Legacy(Legacy),
}

/// The members in the original's order; those that it leaves out when they are empty.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    kind: &'a str,
    container_id: &'a str,
    config: String,
    if_name: &'a str,
    network_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    netns: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    cni_args: &'a [(String, String)],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    capability_args: &'a BTreeMap<String, Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
}

/// # Errors
/// [`Status::InvalidResult`] when the result is not an object: the original could not read the file.
pub(super) fn print(entry: &Entry) -> Result<Vec<u8>> {
    let Attachment { key, netns, config, args, capability_args } = &entry.attachment;
    let result = match &entry.result {
        None => None,
        Some(result) => match Kind::of(result.get()) {
            Kind::Null => None,
            Kind::Object => json::members(result.get())
                .is_ok_and(|members| !members.is_empty())
                .then_some(result.as_ref()),
            other => {
                let message =
                    format!("failed to cache the result: expected an object, found {}", other.name());
                return Err(Error::new(Status::InvalidResult, message));
            }
        },
    };
    serde_json::to_vec(&File {
        kind: KIND,
        container_id: &key.container_id,
        config: STANDARD.encode(config),
        if_name: &key.if_name,
        network_name: &key.network_name,
        netns,
        cni_args: args,
        capability_args,
        result,
    })
    .map_err(|error| Error::new(Status::Internal, format!("failed to print a cache file: {error}")))
}

/// Reads a file. The error says what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    parse_text(&text::lossy(bytes)).map_err(|problem| problem.to_string())
}

fn parse_text(text: &str) -> Result<Parsed, Problem> {
    let mut kind = String::new();
    let mut key =
        AttachmentKey { container_id: String::new(), network_name: String::new(), if_name: String::new() };
    let (mut netns, mut config, mut args) = (String::new(), Vec::new(), Vec::new());
    let (mut capability_args, mut result) = (BTreeMap::new(), None);

    let members = json::members(text)?;
    for member in members.iter().filter(|member| json::fold_eq(&member.key, "kind")) {
        read_string(member.value, &mut kind).map_err(|problem| problem.in_key("kind"))?;
    }
    if kind != KIND {
        return Ok(Parsed::Legacy(Legacy { kind, text: text.to_owned() }));
    }
    for member in &members {
        let (name, value) = (member.key.as_ref(), member.value);
        let is = |known| json::fold_eq(name, known);
        match () {
            () if is("containerId") => read_string(value, &mut key.container_id),
            () if is("networkName") => read_string(value, &mut key.network_name),
            () if is("ifName") => read_string(value, &mut key.if_name),
            () if is("netns") => read_string(value, &mut netns),
            () if is("config") => read_config(value).map(|value| config = value),
            // iSulad spells the key its own way.
            () if is("cniArgs") || is("cni_args") => read_args(value).map(|value| args = value),
            () if is("capabilityArgs") => read_capability_args(value, &mut capability_args),
            () if is("result") => read_result(value).map(|value| result = value),
            () => Ok(()),
        }
        .map_err(|problem| problem.in_key(name))?;
    }
    Ok(Parsed::Entry(Entry { attachment: Attachment { key, netns, config, args, capability_args }, result }))
}

/// A string; null leaves what is there, as in the original.
fn read_string(value: &str, into: &mut String) -> Result<(), Problem> {
    match Kind::of(value) {
        Kind::Null => {}
        Kind::String => *into = json::string(value)?.into_owned(),
        _ => return Err(Problem::expected("a string", value)),
    }
    Ok(())
}

/// The configuration's bytes in base64. iSulad writes the text itself, which as JSON never is base64.
fn read_config(value: &str) -> Result<Vec<u8>, Problem> {
    let mut text = String::new();
    read_string(value, &mut text)?;
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    match BASE64.decode(digits) {
        Ok(bytes) => Ok(bytes),
        Err(_) if json::value(&text).is_ok_and(|json| Kind::of(json) == Kind::Object) => {
            Ok(text.into_bytes())
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
            for (index, pair) in json::elements(value)?.into_iter().enumerate() {
                args.push(read_pair(pair).map_err(|problem| problem.in_element(index))?);
            }
        }
        Kind::Object => {
            for member in json::members(value)? {
                let mut text = String::new();
                read_string(member.value, &mut text).map_err(|problem| problem.in_key(&member.key))?;
                args.push((member.key.into_owned(), text));
            }
        }
        _ => return Err(Problem::expected("an array of pairs", value)),
    }
    Ok(args)
}

fn read_pair(value: &str) -> Result<(String, String), Problem> {
    let mut pair = [String::new(), String::new()];
    match Kind::of(value) {
        Kind::Null => {}
        Kind::Array => {
            for (part, element) in pair.iter_mut().zip(json::elements(value)?) {
                read_string(element, part)?;
            }
        }
        _ => return Err(Problem::expected("a pair", value)),
    }
    let [name, value] = pair;
    Ok((name, value))
}

fn read_capability_args(value: &str, into: &mut BTreeMap<String, Box<RawValue>>) -> Result<(), Problem> {
    match Kind::of(value) {
        Kind::Null => into.clear(),
        Kind::Object => {
            for member in json::members(value)? {
                let value = RawValue::from_string(member.value.to_owned())?;
                into.insert(member.key.into_owned(), value);
            }
        }
        _ => return Err(Problem::expected("an object", value)),
    }
    Ok(())
}

fn read_result(value: &str) -> Result<Option<Box<RawValue>>, Problem> {
    match Kind::of(value) {
        Kind::Null => Ok(None),
        Kind::Object => Ok(Some(RawValue::from_string(value.to_owned())?)),
        _ => Err(Problem::expected("an object", value)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(text: &str) -> Entry {
        match parse(text.as_bytes()).unwrap() {
            Parsed::Entry(entry) => entry,
            Parsed::Legacy(legacy) => panic!("kind {:?}", legacy.kind),
        }
    }

    fn reason(text: &str) -> String {
        parse(text.as_bytes()).err().unwrap()
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
        assert_eq!(String::from_utf8(print(&entry).unwrap()).unwrap(), FULL);
    }

    #[test]
    fn what_is_empty_is_left_out() {
        let text =
            r#"{"kind":"cniCacheV1","containerId":"id","config":"","ifName":"eth0","networkName":"net"}"#;
        for result in [None, Some("null"), Some("{}"), Some("{ }")] {
            let mut entry = entry(text);
            entry.result = result.map(|result| RawValue::from_string(result.to_owned()).unwrap());
            assert_eq!(String::from_utf8(print(&entry).unwrap()).unwrap(), text, "{result:?}");
        }
    }

    #[test]
    fn a_result_that_the_original_could_not_read_back_is_not_written() {
        let mut entry = entry(FULL);
        entry.result = Some(RawValue::from_string("[1]".to_owned()).unwrap());
        assert_eq!(print(&entry).unwrap_err().status(), Status::InvalidResult);
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
            match parse(text.as_bytes()).unwrap() {
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
    fn bytes_that_are_not_utf8_read_as_the_replacement_character() {
        let text = b"{\"kind\":\"cniCacheV1\",\"netns\":\"\xff\"}";
        match parse(text).unwrap() {
            Parsed::Entry(entry) => assert_eq!(entry.attachment.netns, "\u{fffd}"),
            Parsed::Legacy(_) => panic!(),
        }
    }
}
