//! A plugin as a program, and what a runtime may get wrong.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

/// The program of tests/plugins/probe.rs.
fn probe() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // In a run of all tests it is there already; in a run of this one alone it may be missing or old.
        let built = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--quiet", "--locked", "--example", "probe-plugin"])
            .args(if cfg!(debug_assertions) { None } else { Some("--release") })
            .status()
            .unwrap();
        assert!(built.success());
        std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("examples/probe-plugin")
    })
}

fn command() -> Command {
    let mut command = Command::new(probe());
    command
        .env_clear()
        .envs([("CNI_COMMAND", "ADD"), ("CNI_CONTAINERID", "c1"), ("CNI_NETNS", "/run/netns/x")])
        .envs([("CNI_IFNAME", "eth0"), ("CNI_PATH", "/bin"), ("PROBE_VERSIONS", "1.0.0")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

const CONFIG: &[u8] = br#"{"cniVersion":"1.0.0","name":"net"}"#;

fn run(command: &mut Command, chunk: &[u8], times: usize) -> Output {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A plugin need not read all of it.
    let _ = (0..times).try_for_each(|_| stdin.write_all(chunk));
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn printed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn it_prints_its_result_and_exits_well() {
    let output = run(&mut command(), CONFIG, 1);
    assert_eq!((output.status.code(), &printed(&output)["cniVersion"]), (Some(0), &json!("1.0.0")));
}

#[test]
fn a_name_that_is_not_utf8_is_refused_and_a_path_is_not() {
    let strange = OsStr::from_bytes(b"a\xff");
    for name in ["CNI_IFNAME", "CNI_ARGS"] {
        let output = run(command().env(name, strange), CONFIG, 1);
        let expected = json!({ "code": 4, "msg": format!("{name} is not UTF-8") });
        assert_eq!((output.status.code(), printed(&output)), (Some(1), expected));
    }
    let output = run(command().env("CNI_CONTAINERID", strange), CONFIG, 1);
    assert_eq!(printed(&output)["msg"], "invalid characters in containerID");
    for name in ["CNI_NETNS", "CNI_PATH"] {
        assert_eq!(run(command().env(name, strange), CONFIG, 1).status.code(), Some(0));
    }
}

#[test]
fn a_stdin_without_end_is_refused() {
    // 65 MiB.
    let output = run(&mut command(), &vec![b' '; 1 << 20], 65);
    let error = printed(&output);
    assert_eq!((output.status.code(), &error["code"]), (Some(1), &json!(5)));
    assert_eq!(error["msg"], "error reading from stdin: more than 67108864 bytes");
}

#[test]
fn nesting_without_end_is_no_danger() {
    let deep = [br#"{"cniVersion":"1.0.0","name":"net","x":"#.to_vec(), vec![b'['; 1 << 20]].concat();
    assert_eq!(printed(&run(&mut command(), &deep, 1))["code"], 6);
    let closed = [deep, vec![b']'; 1 << 20], b"}".to_vec()].concat();
    // The protocol does not mind; a plugin that wants all of it as a value does.
    assert_eq!(printed(&run(&mut command(), &closed, 1))["code"], json!(null));
}

#[test]
fn a_stdout_that_takes_nothing_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = run(command().stdout(full), CONFIG, 1);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("failed to write to stdout: No space left"), "{stderr}");
}

#[test]
fn version_needs_neither_variables_nor_stdin() {
    let mut child = command()
        .env_clear()
        .envs([("CNI_COMMAND", "VERSION"), ("PROBE_VERSIONS", "1.0.0")])
        .spawn()
        .unwrap();
    // Nobody closes its stdin before it has answered.
    let stdin = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let expected = json!({ "cniVersion": "1.1.0", "supportedVersions": ["1.0.0"] });
    assert_eq!((output.status.code(), printed(&output)), (Some(0), expected));
}
