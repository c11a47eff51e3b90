//! JSON texts, spelled in every way that is allowed.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::super::case::Blob;
use super::one_of;

/// A member: key and value, both as JSON texts.
pub type Member = (String, String);

pub fn string(text: &str) -> String {
    serde_json::to_string(text).expect("a string")
}

pub fn number() -> BoxedStrategy<String> {
    prop_oneof![
        4 => (-10i32..70000).prop_map(|number| number.to_string()),
        3 => one_of(&["0", "-0", "1.50", "1e0", "-0.0", "1e21", "1E-7", "0.0000001", "100000000000000000000",
            "2147483648", "4294967296", "9007199254740993", "18446744073709551615", "9223372036854775807",
            "9223372036854775808", "-9223372036854775809", "1.0", "3E2", "0.1e1", "5e-324", "1e-400",
            "123456789012345678901234567890"]),
    ]
    .boxed()
}

/// String literals, in quotes.
pub fn text() -> BoxedStrategy<String> {
    prop_oneof![
        8 => one_of(&["a", "eth0", "true", "10.1.0.0/16", "some text", "", "/run/netns/x", "1500"]).prop_map(|t| string(&t)),
        2 => "[ -~]{0,12}".prop_map(|text| string(&text)),
        1 => "\\PC{0,6}".prop_map(|text| string(&text)),
        2 => one_of(&[r#""<&>""#, r#""\u003c\u0026""#, "\"\u{2028}\u{2029}\"", r#""\ud83d\ude00""#, r#""\ud800""#,
            r#""\udc00x\ud800\u0041""#, r#""\u0000""#, r#""\/\b\f\n\r\t""#, "\"\u{7f}\u{fffd}\"", r#""\u00e9e\u0301""#,
            r#""\uD83D\uDE00\u2028""#]),
    ]
    .boxed()
}

pub fn value() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        1 => Just("null".to_owned()),
        2 => one_of(&["true", "false"]),
        3 => number(),
        4 => text(),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|elements| format!("[{}]", elements.join(","))),
            (vec((key(), inner), 0..4), 0..4u8).prop_map(|(members, style)| object(&members, style)),
        ]
    })
    .boxed()
}

/// Keys that no protocol knows, and a few that it does elsewhere.
pub fn key() -> BoxedStrategy<String> {
    prop_oneof![
        6 => one_of(&["bridge", "isGateway", "mtu", "x", "delegate", "subnet", "a", "b", "Z", "kubeconfig"]).prop_map(|k| string(&k)),
        2 => one_of(&["plugins", "name", "type", "ips", "result", "config", "kind"]).prop_map(|k| string(&k)),
        1 => text(),
        1 => one_of(&[r#""\u0061""#, r#""""#, r#""<key>""#, r#""\ud800""#, "\"\u{212a}ind\"", "\"\u{17f}\""]),
    ]
    .boxed()
}

/// An object of these members, spelled in one of four ways.
pub fn object(members: &[Member], style: u8) -> String {
    let (open, colon, comma, close) = match style {
        0 => ("{", ":", ",", "}"),
        1 => ("{ ", ": ", ", ", " }"),
        2 => ("{\n  ", ": ", ",\n  ", "\n}"),
        _ => ("{\t", " :\r\n", " ,", "\n\n}"),
    };
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}{colon}{value}")).collect();
    format!("{open}{}{close}", members.join(comma))
}

/// An object of these members in any order.
pub fn shuffled(members: Vec<Member>) -> BoxedStrategy<String> {
    prop_oneof![
        3 => (Just(members.clone()), 0..4u8).prop_map(|(members, style)| object(&members, style)),
        1 => (Just(members).prop_shuffle(), 0..4u8).prop_map(|(members, style)| object(&members, style)),
    ]
    .boxed()
}

/// Arguments as a runtime passes them: keys to values. Their numbers are ones that a float holds.
pub fn arguments(odd: bool) -> BoxedStrategy<BTreeMap<String, Box<RawValue>>> {
    let key = if odd {
        prop_oneof![
            6 => one_of(&["portMappings", "mac", "name", "type", "cniVersion", "prevResult", "runtimeConfig", "dns"]),
            1 => one_of(&["", "Type", "\u{e9}", "<"]),
        ]
        .boxed()
    } else {
        one_of(&["portMappings", "mac", "ips", "bandwidth", "io.kubernetes.cri.pod-annotations", "Mac", ""])
            .boxed()
    };
    let value = prop_oneof![
        4 => one_of(&[r#"[{"hostPort":8080,"containerPort":80,"protocol":"tcp"}]"#, r#""00:11:22:33:44:55""#, "[]", "{}",
            r#"{ "rate" : 2147483647 , "b" : null }"#]),
        2 => value(),
    ];
    proptest::collection::btree_map(key, value, 0..4)
        .prop_map(|map| {
            map.into_iter()
                .filter(|(_, value)| finite(value))
                .map(|(key, value)| (key, RawValue::from_string(value).expect("it is JSON")))
                .collect()
        })
        .boxed()
}

/// Whether a Go program could hold the value: its numbers as floats.
fn finite(value: &str) -> bool {
    !value.contains("1E400")
}

/// The text as it is, or what a careless editor or a torn write made of it.
pub fn damaged(text: impl Strategy<Value = String>) -> impl Strategy<Value = Blob> {
    (text, 0..60u8, any::<prop::sample::Index>()).prop_map(|(text, how, place)| {
        let mut bytes = text.into_bytes();
        let at = place.index(bytes.len() + 1);
        match how {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, b','),
            2 => bytes.insert(at, 0xff),
            3 => bytes.extend_from_slice(b" x"),
            4 => bytes.splice(0..0, *b"\xef\xbb\xbf").for_each(drop),
            5 => drop(bytes.get(at).copied().map(|_| bytes.remove(at))),
            6 => bytes.extend_from_slice(b"\n"),
            7 => bytes.splice(0..0, *b" \t\r\n").for_each(drop),
            8 => bytes.insert(at, b'\x01'),
            9 => bytes.insert(at, b'\x0b'),
            10 => bytes.splice(at..at, *b"\xed\xa0\x80").for_each(drop),
            _ => {}
        }
        Blob(bytes)
    })
}
