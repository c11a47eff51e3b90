//! Cache files that are there before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::case::{Blob, File, Runtime};
use super::conf::NETWORK;
use super::json::{self, string};
use super::{known_version, one_of, result};

/// The files of a cache: of these containers, and of anybody.
pub fn files(list: String, runtimes: Vec<Runtime>) -> BoxedStrategy<Vec<File>> {
    let one = prop::sample::select(runtimes).prop_flat_map(move |rt| file(list.clone(), rt));
    prop_oneof![
        6 => Just(Vec::new()),
        3 => vec(one.clone(), 1..3),
        1 => (vec(one, 0..2), other()).prop_map(|(mut files, other)| { files.push(other); files }),
    ]
    .boxed()
}

fn at(path: String, content: Option<Blob>, old: bool) -> File {
    File { path: format!("cache/results/{path}"), content, old }
}

fn file(list: String, rt: Runtime) -> BoxedStrategy<File> {
    let name = format!("{NETWORK}-{}-{}", rt.container_id, rt.if_name).replace('\0', "");
    let content = prop_oneof![
        8 => entry(list, rt).prop_map(|text| Some(Blob::from(text))),
        2 => known_version().prop_flat_map(result::any).prop_map(|text| Some(Blob::from(text))),
        2 => one_of(&["", "garbage", "{", "null", "[]", "7", "{}", "\0\0\0\0", "{\"kind\":7}", "{\"kind\":\"other\",\"ip4\":{}}",
            "{\"kind\":null,\"cniVersion\":\"0.4.0\"}", "{\"cniVersion\":\"0.4.0\"} x"]).prop_map(|text| Some(Blob::from(text))),
        1 => Just(None),
    ];
    (content, prop::bool::weighted(0.7))
        .prop_map(move |(content, old)| at(name.clone(), content, old))
        .boxed()
}

/// An entry as the original or we write it, or one that somebody changed.
fn entry(list: String, rt: Runtime) -> BoxedStrategy<String> {
    let args = serde_json::to_string(&rt.cni_args).expect("strings");
    let capability_args = serde_json::to_string(&rt.capability_args).expect("JSON");
    let member = |key: &str, value: String| (string(key), value);
    let members = vec![
        member("kind", string("cniCacheV1")),
        member("containerId", string(&rt.container_id)),
        member("config", string(&STANDARD.encode(list))),
        member("ifName", string(&rt.if_name)),
        member("networkName", string(NETWORK)),
        member("netns", string(&rt.netns)),
        member("cniArgs", args),
        member("capabilityArgs", capability_args),
    ];
    let changed = prop_oneof![
        one_of(&[
            "kind",
            "containerId",
            "config",
            "ifName",
            "networkName",
            "netns",
            "cniArgs",
            "capabilityArgs",
            "result"
        ])
        .prop_map(|key| (string(&key), Just(()).boxed())),
        one_of(&["Kind", "KIND", "containerID", "IFNAME", "Result", "cniargs", "x"])
            .prop_map(|key| (string(&key), Just(()).boxed())),
    ]
    .prop_map(|(key, _)| key);
    let value = prop_oneof![
        2 => json::value(),
        1 => one_of(&["null", "\"YQ==\"", "\"YQ\"", "[[\"a\",\"b\"]]", "[[\"a\"]]", "[[\"a\",\"b\",\"c\"],null]", "[[1,2]]",
            "{\"a\":\"b\"}", "\"cniCacheV1\"", "\"cniCacheV2\"", "\"{}\"", "\"eyJ\\nuYW1lIjoibmV0In0=\"", "\"other\""]),
    ];
    let change = proptest::option::weighted(0.3, (changed, value, any::<bool>()));
    let parts = (Just(members), known_version().prop_flat_map(result::any), change, 0..4u8);
    parts
        .prop_map(|(mut members, result, change, style)| {
            members.push((string("result"), result));
            if let Some((key, value, replaces)) = change.filter(|(key, value, _)| readable_alike(key, value))
            {
                // A second `result` in the file would be joined with the first by the original, not by us.
                if replaces || key.eq_ignore_ascii_case("\"result\"") {
                    members.retain(|(other, _)| !other.eq_ignore_ascii_case(&key));
                }
                members.push((key, value));
            }
            json::object(&members, style)
        })
        .boxed()
}

/// Nobody writes these, and the two sides read them in two ways: an array of numbers as bytes, an empty array of
/// arguments as one that counts.
fn readable_alike(key: &str, value: &str) -> bool {
    let is = |known: &str| key.eq_ignore_ascii_case(known);
    let differs = is("\"config\"") && value.starts_with('[') || is("\"cniArgs\"") && value == "[]";
    !differs
}

/// A file that is nobody's, beside the others.
fn other() -> BoxedStrategy<File> {
    prop_oneof![
        Just(at("README".to_owned(), Some("text".into()), true)),
        Just(at("subdirectory".to_owned(), None, true)),
        Just(at(
            "net-c9-eth9".to_owned(),
            Some(r#"{"kind":"cniCacheV1","containerId":"c9","config":"","ifName":"","networkName":"net"}"#.into()),
            true
        )),
        Just(at(
            "other-c1-eth0".to_owned(),
            Some(r#"{"kind":"cniCacheV1","containerId":"c1","config":"e30=","ifName":"eth0","networkName":"other"}"#.into()),
            true
        )),
        Just(at(
            "a-b-c1-eth0".to_owned(),
            Some(r#"{"kind":"cniCacheV1","containerId":"b-c1","config":"e30=","ifName":"eth0","networkName":"a"}"#.into()),
            true
        )),
    ]
    .boxed()
}
