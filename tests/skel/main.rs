//! The plugin side beside the original's skeleton: the same plugin in Rust, in C and with `pkg/skel`, run with the same
//! environment and stdin, has to print the same, word for word where words are part of the contract, and exit the same.
//!
//! `LIBCNI_SKEL_CASES=5000 LIBCNI_SKEL_SEED=7` plays more than the usual number of generated cases.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod cases;
mod programs;

use std::io::Write;
use std::process::{Command, Stdio};

use cni::CniResult;
use serde_json::Value;

use cases::Case;
use programs::Program;

/// What a plugin did.
#[derive(Debug)]
struct Answer {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

fn play(program: &Program, case: &Case) -> Answer {
    let mut child = Command::new(&program.path)
        .env_clear()
        .envs(&case.env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a plugin starts");
    // A plugin need not read it.
    let _ = child.stdin.take().unwrap().write_all(&case.stdin);
    let output = child.wait_with_output().unwrap();
    Answer {
        exit: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Texts whose end is what Go's packages say.
const OPEN_ENDED: [&str; 3] =
    ["error unmarshall network config: ", "decoding version from network config: ", "failed to convert "];

/// What of an answer is held against the others.
fn essence(case: &Case, answer: &Answer) -> Value {
    // The original looks at the namespace after the plugin has printed its result: the last text counts.
    let mut texts = serde_json::Deserializer::from_str(&answer.stdout).into_iter::<Value>();
    let mut printed = texts.by_ref().last().map_or(Value::Null, |text| text.expect("stdout is JSON"));
    if let Some(msg) = printed.get("msg").and_then(Value::as_str).map(str::to_owned) {
        if let Some(start) = OPEN_ENDED.iter().find(|start| msg.starts_with(**start)) {
            printed["msg"] = Value::from(*start);
        }
        // Where the original's plugins say what they like, ours has the place.
        if msg == "failed to load prevResult" {
            printed["details"] = Value::Null;
        }
    } else if answer.exit == Some(0) && case.var("CNI_COMMAND") == "ADD" && !printed.is_null() {
        let result = CniResult::from_json(&printed.to_string()).expect("a result");
        printed = serde_json::from_str(&result.to_json()).unwrap();
    }
    let own_netns = printed["msg"].as_str().is_some_and(|msg| msg.contains("should not be the same"));
    let stderr = if own_netns { "" } else { answer.stderr.as_str() };
    serde_json::json!({ "exit": answer.exit, "stdout": printed, "stderr": stderr })
}

fn hold(cases: impl Iterator<Item = Case>) {
    let Some(original) = programs::original() else { return };
    let ours = programs::ours();
    let mut played = 0;
    for case in cases {
        let expected = play(&original, &case);
        for program in &ours {
            let answer = play(program, &case);
            assert_eq!(
                essence(&case, &answer),
                essence(&case, &expected),
                "{} (left) is not as the original (right) in {case:#?}\nours: {answer:#?}\nthe original's: {expected:#?}",
                program.name
            );
        }
        played += 1;
    }
    assert!(played > 0);
    let names: Vec<_> = ours.iter().map(|program| program.name).collect();
    let _ = writeln!(std::io::stderr(), "skel: {played} cases, {}", names.join(" and "));
}

#[test]
fn the_cases_of_the_originals_own_tests() {
    hold(cases::drawn().into_iter());
}

#[test]
fn generated_cases() {
    let number = |name: &str, otherwise| {
        std::env::var(name).ok().map_or(otherwise, |value| value.parse().expect("a number"))
    };
    let count = usize::try_from(number("LIBCNI_SKEL_CASES", 300)).unwrap();
    hold(cases::generated(number("LIBCNI_SKEL_SEED", 1)).take(count));
}
