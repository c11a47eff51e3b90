//! The cases of `cases/*.json`, each a few runs of the command and what is to come of them. They are the same for the
//! program and for `python -m libcni`: see `support::tested`.
//!
//! A case: `name`; `networks`, by file name, where a plugin with the key `fake` is a fake one (tests/plugins/fake.c);
//! `files` to be there, by path, with their text; `fifos`; and the `runs`, in order. A run: `args`, `env` and `stdin`;
//! `remove` and `write`, files to change before; `terminal`, whether it has one; `signal`, to be sent once the plugin
//! opens the FIFO `running`. What is to come: `code` (0), `stdout` and `stderr` (text, or a list of lines), `json`
//! (stdout as JSON), `has` (parts of what was written), `calls` (of plugins, in this run) and `env_of_plugins`.
//!
//! In all texts, `{dir}` is the directory of the case, `{name}` and `{usage}` are the command's, `{id:PATH}` is the
//! container id of a path in that directory, and `# ms` is any duration.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha512};
use support::terminal::Terminal;
use support::{Ended, Scene, Tested, tested};

#[test]
fn the_command_behaves_as_its_cases_say() {
    let tested = tested();
    let mut files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in &files {
        let (name, text) = (file.file_name().unwrap().display(), fs::read_to_string(file).unwrap());
        let of_file: Vec<Value> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        cases.extend(
            of_file.into_iter().map(|case| (format!("{name}: {}", case["name"].as_str().unwrap()), case)),
        );
    }
    assert!(!cases.is_empty());
    // Each has its own directory, so they can be played side by side.
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failures = Vec::new();
        while let Some((name, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            failures.extend(play(&tested, case).into_iter().map(|why| format!("{name}: {why}")));
        }
        failures
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        started.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    println!("{} cases", cases.len());
    assert!(failures.is_empty(), "{} failures\n\n{}", failures.len(), failures.join("\n\n"));
}

/// Returns what is not as the case says.
fn play(tested: &Tested, case: &Value) -> Vec<String> {
    let scene = Scene::new();
    let fill = Fill { tested, dir: scene.path() };
    check_keys(case, &["name", "networks", "files", "fifos", "runs"]);
    for fifo in case["fifos"].as_array().into_iter().flatten() {
        let made = Command::new("mkfifo").arg(scene.path().join(fifo.as_str().unwrap())).status().unwrap();
        assert!(made.success());
    }
    for (path, text) in case["files"].as_object().into_iter().flatten() {
        write(&scene.path().join(path), &fill.text(text.as_str().unwrap()));
    }
    for (file, network) in case["networks"].as_object().into_iter().flatten() {
        scene.network(file, &fill.value(network));
    }
    let mut failures = Vec::new();
    for (number, run) in case["runs"].as_array().unwrap().iter().enumerate() {
        check_keys(
            run,
            &[
                "args",
                "env",
                "stdin",
                "remove",
                "write",
                "terminal",
                "signal",
                "code",
                "stdout",
                "stderr",
                "json",
                "has",
                "lacks",
                "calls",
                "env_of_plugins",
            ],
        );
        for path in run["remove"].as_array().into_iter().flatten() {
            fs::remove_file(scene.path().join(path.as_str().unwrap())).unwrap();
        }
        for (path, text) in run["write"].as_object().into_iter().flatten() {
            write(&scene.path().join(path), &fill.text(text.as_str().unwrap()));
        }
        let calls_before = scene.calls().len();
        let ended = execute(&scene, &fill, run);
        let mut wrong = Vec::new();
        compare(&fill, run, &ended, &mut wrong);
        compare_calls(&fill, run, &scene, calls_before, &mut wrong);
        if !wrong.is_empty() {
            let Ended { code, stdout, stderr } = &ended;
            let wrong = wrong.join("\n");
            failures.push(format!(
                "run {number} {}: {wrong}\n-- code {code}\n-- stdout\n{stdout}\n-- stderr\n{stderr}",
                run["args"]
            ));
        }
    }
    failures
}

/// A misspelt key would test nothing.
fn check_keys(value: &Value, known: &[&str]) {
    for key in value.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()), "unknown key {key} in {value}");
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn execute(scene: &Scene, fill: &Fill<'_>, run: &Value) -> Ended {
    let mut command = scene.command(fill.tested);
    command.arg("--cache-dir").arg(scene.path().join("cache"));
    command.args(run["args"].as_array().unwrap().iter().map(|word| fill.text(word.as_str().unwrap())));
    for (name, value) in run["env"].as_object().into_iter().flatten() {
        match value.as_str() {
            Some(value) => command.env(name, fill.text(value)),
            None => command.env_remove(name),
        };
    }
    if run["terminal"].as_bool().unwrap_or_default() {
        let (terminal, mut child) = Terminal::spawn(command);
        let stdout = terminal.read();
        let status = child.wait().unwrap();
        return Ended { code: status.code().unwrap_or(-1), stdout, stderr: String::new() };
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that does not read it may be gone.
    let _ = stdin.write_all(fill.text(run["stdin"].as_str().unwrap_or_default()).as_bytes());
    drop(stdin);
    if let Some(signal) = run["signal"].as_str() {
        // Opening waits until the plugin runs; its end of file tells that it is no more.
        let mut running = fs::File::open(scene.path().join("running")).unwrap();
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut running, &mut rest).unwrap();
    }
    child.wait_with_output().unwrap().into()
}

fn compare(fill: &Fill<'_>, run: &Value, ended: &Ended, wrong: &mut Vec<String>) {
    let code = run["code"].as_i64().unwrap_or_default();
    if i64::from(ended.code) != code {
        wrong.push(format!("the exit code should be {code}"));
    }
    for (name, written) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
        let wanted = match &run[name] {
            Value::Null => continue,
            Value::Array(lines) => {
                lines.iter().map(|line| line.as_str().unwrap().to_owned() + "\n").collect::<String>()
            }
            text => text.as_str().unwrap().to_owned(),
        };
        let (wanted, found) = (fill.text(&wanted), without_durations(written));
        if wanted != found {
            wrong.push(format!("{name} should be\n{wanted}"));
        }
    }
    if !run["json"].is_null() {
        let wanted = fill.value(&run["json"]);
        match serde_json::from_str::<Value>(&ended.stdout) {
            Ok(found) if found == wanted => {}
            Ok(_) => wrong.push(format!("stdout should be the JSON {wanted}")),
            Err(error) => wrong.push(format!("stdout should be JSON: {error}")),
        }
    }
    let all = without_durations(&format!("{}{}", ended.stdout, ended.stderr));
    for (key, wanted) in [("has", true), ("lacks", false)] {
        for part in run[key].as_array().into_iter().flatten() {
            let part = fill.text(part.as_str().unwrap());
            if all.contains(&part) != wanted {
                wrong.push(format!("{} should be written: {part}", if wanted { "this" } else { "this not" }));
            }
        }
    }
}

fn compare_calls(fill: &Fill<'_>, run: &Value, scene: &Scene, before: usize, wrong: &mut Vec<String>) {
    let calls = scene.calls().split_off(before);
    if let Some(wanted) = run["calls"].as_array() {
        let found: Vec<String> =
            calls.iter().map(|call| format!("{} {}", call.command, call.plugin)).collect();
        if *wanted != found.iter().map(|call| Value::from(call.as_str())).collect::<Vec<_>>() {
            wrong.push(format!("the calls should be {wanted:?}, and are {found:?}"));
        }
    }
    for (name, value) in run["env_of_plugins"].as_object().into_iter().flatten() {
        let wanted = fill.text(value.as_str().unwrap());
        for call in &calls {
            // Configurations are looked at by the same key.
            let found = if name == "stdin" { Some(&call.stdin) } else { call.env.get(name) };
            let same =
                found.is_some_and(
                    |found| if name == "stdin" { found.contains(&wanted) } else { *found == wanted },
                );
            if !same {
                wrong.push(format!("{name} of {} should be {wanted}, and is {found:?}", call.plugin));
            }
        }
    }
}

/// What stands for other texts in cases.
struct Fill<'a> {
    tested: &'a Tested,
    dir: &'a Path,
}

impl Fill<'_> {
    fn text(&self, text: &str) -> String {
        let dir = self.dir.to_str().unwrap();
        let text = text.replace("{dir}", dir);
        let mut text = text.replace("{name}", self.tested.name).replace("{usage}", self.tested.usage);
        while let Some(at) = text.find("{id:") {
            let end = at + text[at..].find('}').unwrap();
            let id = container_id(&format!("{dir}/{}", &text[at + 4..end]));
            text.replace_range(at..=end, &id);
        }
        text
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(values) => values.iter().map(|value| self.value(value)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(key, value)| (key.clone(), self.value(value)))
                .collect::<Map<_, _>>()
                .into(),
            value => value.clone(),
        }
    }
}

fn container_id(netns: &str) -> String {
    let hash = Sha512::digest(netns.as_bytes());
    format!("cnitool-{}", hash.iter().take(10).map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The text with every duration, and the spaces before it, made ` # ms`.
fn without_durations(text: &str) -> String {
    let line = |line: &str| match line.strip_suffix(" ms").and_then(|line| line.rsplit_once(' ')) {
        Some((before, number)) if number.parse::<f64>().is_ok() => format!("{} # ms", before.trim_end()),
        _ => line.to_owned(),
    };
    let lines: Vec<String> = text.split('\n').map(line).collect();
    lines.join("\n")
}
