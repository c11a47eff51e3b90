//! What the tests share: the command under test, fake plugins that really run, a directory for each case.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod terminal;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The command under test: the program, or the Python package when `CNITOOL_TEST_PYTHON` names the interpreter that has
/// it.
pub struct Tested {
    /// The words that a shell would need.
    pub words: Vec<String>,
    /// What begins a message.
    pub name: &'static str,
    /// What a person types.
    pub usage: &'static str,
}

pub fn tested() -> Tested {
    match std::env::var("CNITOOL_TEST_PYTHON") {
        Ok(python) => {
            let words = [&python, "-W", "error", "-m", "libcni"].map(str::to_owned).to_vec();
            Tested { words, name: "libcni", usage: "python -m libcni" }
        }
        Err(_) => {
            let words = vec![env!("CARGO_BIN_EXE_cnitool").to_owned()];
            Tested { words, name: "cnitool", usage: "cnitool" }
        }
    }
}

impl Tested {
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Says that a test cannot run here, past the capture of the test's own output.
pub fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(std::io::stderr(), "skipped {test}: {why}");
}

/// The program of every fake plugin, compiled once.
pub fn fake_plugin() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let root = root();
        // Made aside and moved into place: other tests may be compiling it, too, or run it.
        let aside =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fake-plugin.{}", std::process::id()));
        let program = aside.with_file_name("fake-plugin");
        let output = Command::new(std::env::var_os("CC").as_deref().unwrap_or(OsStr::new("cc")))
            .args(["-std=c11", "-O1", "-o"])
            .arg(&aside)
            .arg("-I")
            .arg(root.join("examples/c"))
            .args([root.join("tests/plugins/fake.c"), root.join("examples/c/json.c")])
            .output()
            .expect("the tests need a C compiler");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::rename(&aside, &program).unwrap();
        program
    })
}

/// A directory with what a case needs: `net.d`, `bin`, `cache`, `log`, and whatever files it names.
pub struct Scene {
    dir: tempfile::TempDir,
}

/// One call of a fake plugin.
#[derive(Debug, PartialEq)]
pub struct Call {
    pub plugin: String,
    pub command: String,
    pub stdin: String,
    /// The variables of the protocol.
    pub env: BTreeMap<String, String>,
}

impl Scene {
    pub fn new() -> Scene {
        let scene = Scene { dir: tempfile::tempdir().unwrap() };
        for name in ["net.d", "bin", "log", "netns"] {
            fs::create_dir(scene.path().join(name)).unwrap();
        }
        scene
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a network: JSON, in which the plugins with a key `fake` get their program and write down their calls; or
    /// text as it is.
    pub fn network(&self, file: &str, network: &Value) {
        let mut network = network.clone();
        if let Some(text) = network.as_str() {
            return fs::write(self.path().join("net.d").join(file), text).unwrap();
        }
        let single = network.get("type").map(|_| vec![network.clone()]);
        let mut plugins =
            single.unwrap_or_else(|| network["plugins"].as_array().cloned().unwrap_or_default());
        for plugin in plugins.iter_mut().filter(|plugin| plugin.get("fake").is_some()) {
            plugin["fake"]["log"] = self.path().join("log").to_str().unwrap().into();
            let program = self.path().join("bin").join(plugin["type"].as_str().unwrap());
            if !program.exists() {
                symlink(fake_plugin(), program).unwrap();
            }
        }
        match network.get("type") {
            Some(_) => network = plugins.remove(0),
            None => network["plugins"] = plugins.into(),
        }
        let text = serde_json::to_string(&network).unwrap();
        fs::write(self.path().join("net.d").join(file), text).unwrap();
    }

    /// What the fake plugins were called with, in order.
    pub fn calls(&self) -> Vec<Call> {
        let dirs = (0..).map(|number| self.path().join("log").join(number.to_string()));
        dirs.take_while(|dir| dir.exists())
            .map(|dir| {
                let read = |name| fs::read_to_string(dir.join(name)).unwrap();
                let env = read("env");
                let pairs = env.lines().filter_map(|line| line.split_once('='));
                let env = pairs
                    .filter(|(name, _)| name.starts_with("CNI_"))
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                Call { plugin: read("plugin"), command: read("command"), stdin: read("stdin"), env }
            })
            .collect()
    }

    /// The command with nothing of our own environment but what finds programs, and the scene's directories.
    pub fn command(&self, tested: &Tested) -> Command {
        let mut command = tested.command();
        self.furnish(&mut command);
        command
    }

    pub fn furnish(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CNI_PATH", self.path().join("bin"))
            .env("NETCONFPATH", self.path().join("net.d"))
            .current_dir(self.path())
            .stdin(Stdio::null());
    }
}

/// What a process wrote and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        use std::os::unix::process::ExitStatusExt as _;
        Ended {
            code: output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or_default()),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
