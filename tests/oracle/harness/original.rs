//! The original: a Go program that answers what it does, built once and asked over pipes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::case::{Case, Form, Op, Runtime, Step, Trace, Valid};
use super::json::Json;
use super::play::{Answer, Failure};
use super::world::World;

/// The oldest Go that the original's module takes.
const OLDEST_GO: (u32, u32) = (1, 21);

/// A running server. Each thread has its own.
pub struct Original {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Original {
    /// Starts the original; where it cannot be had, says why and counts as skipped.
    pub fn start() -> Option<Original> {
        static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        match PROGRAM.get_or_init(build) {
            Ok(program) => {
                let mut child = Command::new(program)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .expect("the oracle was built");
                let stdin = child.stdin.take();
                let stdout = BufReader::new(child.stdout.take().expect("it has a pipe"));
                Some(Original { child, stdin, stdout })
            }
            Err(why) => {
                eprintln!("skipped: {why}");
                None
            }
        }
    }

    pub fn answer(&mut self, case: &Case, step: &Step, world: &World) -> Answer {
        let line = request(case, step, world);
        let stdin = self.stdin.as_mut().expect("it is closed in drop alone");
        stdin.write_all(line.as_bytes()).expect("the oracle reads");
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the oracle answers in UTF-8");
        let answer: Line = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("the oracle answered {line:?} ({error}) to {step:#?}"));
        Answer {
            value: Json::parse(answer.value.map_or("null", RawValue::get).as_bytes()).expect("it is JSON"),
            error: answer.error,
            panic: answer.panic,
            stderr: answer.stderr,
        }
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        // The end of its input is the end of the server.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    error: Option<Failure>,
    panic: Option<String>,
    #[serde(default)]
    stderr: String,
}

/// A step as the server reads it; JSON values keep their text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    op: Op,
    source: RequestSource<'a>,
    rt: Runtime,
    dirs: Vec<PathBuf>,
    cache_dir: PathBuf,
    trace: &'a Option<Trace>,
    valid: &'a Option<Vec<Valid>>,
    plugin: &'a str,
    container: &'a str,
    version: &'a str,
    values: &'a BTreeMap<String, Box<RawValue>>,
    extensions: &'a [String],
}

#[derive(Serialize)]
struct RequestSource<'a> {
    form: Form,
    bytes: String,
    path: PathBuf,
    name: &'a str,
}

fn request(case: &Case, step: &Step, world: &World) -> String {
    let cache_dir = world.optional(&step.rt.cache_dir).to_string_lossy().into_owned();
    let request = Request {
        op: step.op,
        source: RequestSource {
            form: step.source.form,
            bytes: STANDARD.encode(&step.source.bytes.0),
            path: world.optional(&step.source.path),
            name: &step.source.name,
        },
        rt: Runtime { cache_dir, ..step.rt.clone() },
        dirs: case.dirs.iter().map(|dir| world.path(dir)).collect(),
        cache_dir: world.optional(&step.cache_dir),
        trace: &step.trace,
        valid: &step.valid,
        plugin: &step.plugin,
        container: &step.container,
        version: &step.version,
        values: &step.values,
        extensions: &step.extensions,
    };
    serde_json::to_string(&request).expect("requests are JSON")
}

/// Builds the server. The error says why it cannot be had here; a program that does not compile is none.
fn build() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle");
    // Another toolchain would have to be downloaded: what is installed has to do.
    let go = || {
        let mut go = Command::new(std::env::var_os("GO").unwrap_or_else(|| "go".into()));
        go.current_dir(&source).env("GOTOOLCHAIN", "local").env("GOWORK", "off");
        go
    };
    let output = match go().args(["env", "GOVERSION"]).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => return Err("the oracle needs Go, which is not installed".to_owned()),
    };
    let found = output.trim_start_matches("go");
    if go_version(found).is_none_or(|version| version < OLDEST_GO) {
        let (major, minor) = OLDEST_GO;
        return Err(format!("the oracle needs Go {major}.{minor}, found {output:?}"));
    }
    let download = go().args(["mod", "download"]).output().expect("go ran before");
    if !download.status.success() {
        let why = String::from_utf8_lossy(&download.stderr).trim().to_owned();
        return Err(format!("the modules of the oracle cannot be had: {why}"));
    }
    let built =
        go().args(["build", "-buildvcs=false", "-o"]).arg(&program).arg(".").output().expect("as above");
    assert!(built.status.success(), "go build: {}", String::from_utf8_lossy(&built.stderr));
    Ok(program)
}

fn go_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
