//! What plugins do.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::case::{Blob, Script};
use super::{json, known_version, one_of, result};

/// The scripts of one plugin for every command.
pub fn plugin(version: String) -> BoxedStrategy<BTreeMap<String, Script>> {
    let add = prop_oneof![12 => result_of(version), 2 => failure(), 1 => garbage()];
    let silent = || prop_oneof![8 => success(), 2 => failure(), 1 => garbage()];
    let versions = prop_oneof![8 => all_versions(), 3 => any_versions(), 1 => failure(), 1 => garbage()];
    (add, silent(), silent(), silent(), silent(), versions)
        .prop_map(|(add, check, del, gc, status, version)| {
            let commands = ["ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION"];
            let scripts = [add, check, del, gc, status, version];
            commands.iter().map(|command| (*command).to_owned()).zip(scripts).collect()
        })
        .boxed()
}

fn succeeds(out: impl Into<Blob>) -> Script {
    Script { out: out.into(), ..Script::default() }
}

fn result_of(version: String) -> BoxedStrategy<Script> {
    let version = prop_oneof![9 => Just(version), 2 => known_version(), 1 => super::version()];
    (json::damaged(version.prop_flat_map(result::any)), stderr())
        .prop_map(|(out, err)| Script { out, err, end: String::new() })
        .boxed()
}

fn stderr() -> BoxedStrategy<Blob> {
    prop_oneof![
        8 => Just(Blob::default()),
        2 => one_of(&["warning: something\n", "two\nlines\n", "tab\t\"quotes\" \u{e9}\u{2028}\u{7}\\"]).prop_map(Blob::from),
        1 => Just(Blob(b"bytes \xff\xfe\x00".to_vec())),
    ]
    .boxed()
}

fn success() -> BoxedStrategy<Script> {
    (one_of(&["", "", "", "{}", "noise\n", "{\"code\":7}"]), stderr())
        .prop_map(|(out, err)| Script { out: out.into(), err, end: String::new() })
        .boxed()
}

/// Fails, with an error object most of the time.
fn failure() -> BoxedStrategy<Script> {
    let code = prop_oneof![
        12 => one_of(&["1", "3", "4", "7", "11", "50", "51", "100", "999", "0"]),
        1 => one_of(&["-1", "1.0", "1e2", "\"7\"", "null", "4294967295", "18446744073709551616", "7.5", "[]"]),
    ];
    let text = || {
        prop_oneof![
            8 => one_of(&["\"it failed\"", "\"\"", "\"unknown CNI_COMMAND: VERSION\"", "\"line\\nline\"", "\"json: x\""]),
            1 => json::text(),
            1 => one_of(&["null", "7", "{}"]),
        ]
    };
    let object =
        (code, text(), proptest::option::of(text()), 0..8u8).prop_map(|(code, msg, details, how)| {
            let mut members = vec![("\"code\"".to_owned(), code), ("\"msg\"".to_owned(), msg)];
            members.extend(details.map(|details| ("\"details\"".to_owned(), details)));
            match how {
                0 => members[0].0 = "\"Code\"".to_owned(),
                1 => members.push(("\"MSG\"".to_owned(), "\"again\"".to_owned())),
                2 => members.insert(0, ("\"cniVersion\"".to_owned(), "\"1.0.0\"".to_owned())),
                _ => {}
            }
            json::object(&members, how % 4)
        });
    let out = prop_oneof![
        8 => json::damaged(object),
        4 => Just(Blob::default()),
        1 => one_of(&["{}", "null", "[]", "oops", "\n", "0", "\"text\"", "{\"code\":3}{\"code\":4}"]).prop_map(Blob::from),
        1 => json::damaged(json::value()),
    ];
    let end = prop_oneof![
        10 => (1..256u32).prop_map(|code| format!("exit {code}")),
        2 => one_of(&["signal 9", "signal 15", "signal 11", "signal 6", "signal 1", "signal 2", "signal 3", "signal 4",
            "signal 5", "signal 7", "signal 8", "signal 10", "signal 12", "signal 13", "signal 14", "signal 16", "signal 24", "signal 25", "signal 26", "signal 27", "signal 29", "signal 30",
            "signal 31", "signal 34", "signal 64"]),
        1 => Just("deaf exit 1".to_owned()),
    ];
    (out, stderr(), end).prop_map(|(out, err, end)| Script { out, err, end }).boxed()
}

/// Succeeds with an output that is no answer.
fn garbage() -> BoxedStrategy<Script> {
    prop_oneof![
        one_of(&[
            "",
            "null",
            "{}",
            "[]",
            "7",
            "ok",
            "{",
            "\n",
            "{} {}",
            "{\"cniVersion\":7}",
            "\"x\"",
            " null "
        ])
        .prop_map(succeeds),
        json::damaged(json::value()).prop_map(succeeds),
        // Larger than any pipe.
        Just(succeeds(format!("{{\"cniVersion\":\"1.0.0\",\"x\":\"{}\"}}", "y".repeat(200_000)))),
        Just(Script { end: "deaf exit 0".to_owned(), ..Script::default() }),
    ]
    .boxed()
}

fn all_versions() -> BoxedStrategy<Script> {
    Just(succeeds(
        r#"{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}"#,
    ))
    .boxed()
}

fn any_versions() -> BoxedStrategy<Script> {
    prop_oneof![
        one_of(&[
            r#"{"cniVersion":"1.0.0","supportedVersions":["1.0.0"]}"#,
            r#"{"cniVersion":"0.2.0"}"#,
            r#"{"cniVersion":"0.3.0"}"#,
            r#"{"supportedVersions":["1.0.0"]}"#,
            r#"{"CNIVERSION":"1.0.0","SupportedVersions":["1.0.0",null]}"#,
            r#"{"cniVersion":"1.0.0","supportedVersions":[1]}"#,
            r#"{"cniVersion":"0.2.0","supportedVersions":[]}"#,
            r#"{"cniVersion":null,"cniVersion":"x","supportedVersions":null}"#,
            r#"{"cniVersion":"a","supportedVersions":["1.0.0","1.0.0"],"supportedVersions":[null]}"#,
            r#"{"cniVersion":"a","supportedVersions":["b","c"],"supportedverſions":["d",null,null]}"#,
            r#"{"cniVersion":7,"supportedVersions":["1.0.0"]}"#,
            r#"{"cniVersion":"<>","supportedVersions":[""]}"#,
        ])
        .prop_map(succeeds),
        json::damaged(json::value()).prop_map(succeeds),
    ]
    .boxed()
}
