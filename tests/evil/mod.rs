//! Calls of `tests/plugins/evil.c`, and what tests need around them.
//!
//! No test here measures time or sleeps. A plugin that hangs does so for ever and a grace that is not meant to
//! pass is an hour, so a call that returns at all is the proof; `alarm` ends a run that hangs.

#![allow(dead_code)] // Each test binary uses its part.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use cni::context::Context;
use cni::exec::process::{Missing, ProcessExec};
use cni::exec::{Environment, Exec as _, ExecRequest, Interruption, Limits, Outcome, Termination};
use cni::types::command::Command;

pub const HOUR: Duration = Duration::from_secs(3600);
pub const SOON: Duration = Duration::from_millis(20);

/// The evil plugin, compiled once; statically if that is possible, so that it runs in an empty root.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let compiled = std::env::var_os("EVIL_PROGRAM");
        // A test in a process of its own ends first, so that the other can tell which one it was.
        // SAFETY: alarm takes a number.
        unsafe { libc::alarm(if compiled.is_some() { 60 } else { 120 }) };
        if let Some(compiled) = compiled {
            return compiled.into();
        }
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (mine, program) = (dir.join(format!("evil-{}", std::process::id())), dir.join("evil"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plugins/evil.c");
        let compile = |options: &[&str]| {
            let mut cc = Program::new("cc");
            cc.args(["-O1", "-Wall", "-o"]).arg(&mine).arg(source).args(options).status().unwrap().success()
        };
        assert!(compile(&["-static"]) || compile(&[]), "cc compiles {source}");
        std::fs::rename(&mine, &program).unwrap();
        program
    })
}

/// One call of the evil plugin.
pub struct Call {
    pub exec: ProcessExec,
    pub command: Command,
    pub path: PathBuf,
    pub stdin: Vec<u8>,
    pub env: Environment,
    pub limits: Limits,
    pub context: Context,
}

/// A call with an hour for everything.
pub fn evil(mode: &str) -> Call {
    let limits = Limits { deadline: None, kill_grace: HOUR, max_output_bytes: 16 << 20 };
    let path = program().to_owned();
    let (exec, context) = (ProcessExec::new(), Context::background());
    Call { exec, command: Command::Add, path, stdin: Vec::new(), env: Environment::new(), limits, context }
        .env("EVIL", mode)
}

impl Call {
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Call {
        use std::os::unix::ffi::OsStrExt as _;
        let variable = [name.as_bytes(), b"=", value.as_ref().as_bytes()].concat();
        self.env.push(&CString::new(variable).unwrap());
        self
    }

    pub fn command(self, command: Command) -> Call {
        Call { command, ..self }
    }

    pub fn path(self, path: impl Into<PathBuf>) -> Call {
        Call { path: path.into(), ..self }
    }

    pub fn stdin(self, stdin: impl Into<Vec<u8>>) -> Call {
        Call { stdin: stdin.into(), ..self }
    }

    pub fn grace(mut self, grace: Duration) -> Call {
        self.limits.kill_grace = grace;
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Call {
        self.limits.deadline = Some(Instant::now() + timeout);
        self
    }

    pub fn keep(mut self, bytes: usize) -> Call {
        self.limits.max_output_bytes = bytes;
        self
    }

    pub fn context(self, context: &Context) -> Call {
        Call { context: context.clone(), ..self }
    }

    pub fn without(self, missing: Missing) -> Call {
        Call { exec: ProcessExec::on_kernel_without(missing), ..self }
    }

    pub fn run(&self) -> Outcome {
        let mut request = ExecRequest::new(self.command, "evil", &self.path, self.limits, &self.context);
        (request.stdin, request.env) = (&self.stdin, &self.env);
        self.exec.exec_plugin(&request).unwrap()
    }

    /// Runs it to a deadline that comes soon, but not before that outcome is possible.
    pub fn run_to_deadline(mut self, possible: impl Fn(&Outcome) -> bool) -> Outcome {
        let timeouts = std::iter::successors(Some(SOON), |timeout| timeout.checked_mul(2));
        let mut outcomes = timeouts.map(|timeout| {
            self.limits.deadline = Some(Instant::now() + timeout);
            self.run()
        });
        outcomes.find(possible).unwrap()
    }

    /// Runs it and cancels it as soon as it has written to its EVIL_READY; if that is its process id, as soon as
    /// it has ended.
    pub fn run_and_cancel_when_ready(mut self) -> Outcome {
        let (ready, context) = (Fifo::new(), Context::new(Default::default()).unwrap());
        self = self.env("EVIL_READY", &ready.path).context(&context);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                if let Ok(pid) = ready.await_end().parse() {
                    await_exit(pid);
                }
                context.cancel();
            });
            self.run()
        })
    }
}

/// Waits until a child has ended, and leaves it to whoever reaps it.
fn await_exit(pid: libc::id_t) {
    // SAFETY: a siginfo_t is plain data, for which zero is a value; waitid writes to it.
    unsafe {
        let mut info = std::mem::zeroed();
        assert_eq!(libc::waitid(libc::P_PID, pid, &raw mut info, libc::WEXITED | libc::WNOWAIT), 0);
    }
}

/// A FIFO of a test.
pub struct Fifo {
    pub path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Fifo {
    pub fn new() -> Fifo {
        use std::os::unix::ffi::OsStrExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: the name is a NUL-terminated string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        Fifo { path, _dir: dir }
    }

    /// Waits for somebody to open it, then until nobody has it open any more; what they wrote.
    pub fn await_end(&self) -> String {
        let mut text = String::new();
        File::open(&self.path).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// An end to read that does not wait for somebody to open the other.
    pub fn reader(&self) -> File {
        let reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path).unwrap();
        use std::os::fd::AsRawFd as _;
        // SAFETY: F_SETFL takes a number.
        assert_eq!(unsafe { libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, 0) }, 0);
        reader
    }

    /// An end to write that does not wait for somebody to open the other.
    pub fn writer(&self) -> File {
        OpenOptions::new().read(true).write(true).open(&self.path).unwrap()
    }
}

/// A process that a test asks for a sign of life and lets go: a descendant that outlives its plugin, say.
pub struct Survivor {
    release: Fifo,
    alive: Fifo,
    /// Both ends of both, so that nobody waits to open one.
    ends: [File; 2],
}

impl Survivor {
    pub fn new() -> Survivor {
        let (release, alive) = (Fifo::new(), Fifo::new());
        let ends = [release.writer(), alive.writer()];
        Survivor { release, alive, ends }
    }

    pub fn env(&self, call: Call) -> Call {
        call.env("EVIL_RELEASE", &self.release.path).env("EVIL_ALIVE", &self.alive.path)
    }

    pub fn release(&self) {
        (&self.ends[0]).write_all(b"1").unwrap();
    }

    /// Waits for its sign of life; for ever, if it was killed.
    pub fn await_life(&self) {
        let mut text = [0; 5];
        (&self.ends[1]).read_exact(&mut text).unwrap();
        assert_eq!(&text, b"alive");
    }

    pub fn assert_alive(self) {
        self.release();
        self.await_life();
    }
}

/// Whether it was started at all, which a deadline may be too early for.
pub fn was_started(outcome: &Outcome) -> bool {
    outcome.pid.is_some()
}

pub fn exit_code(outcome: &Outcome) -> Option<i32> {
    match outcome.termination {
        Termination::Exited(code) => Some(code),
        _ => None,
    }
}

/// It exited with that code, of its own accord.
#[track_caller]
pub fn assert_exited(outcome: &Outcome, code: i32) {
    let stderr = String::from_utf8_lossy(&outcome.stderr);
    assert_eq!(exit_code(outcome), Some(code), "{:?}: {stderr}", outcome.termination);
    assert_eq!(outcome.interruption, None);
    assert!(outcome.pid.is_some());
}

#[track_caller]
pub fn assert_signaled(outcome: &Outcome, signal: i32, interruption: Option<Interruption>) {
    let ended_by = match outcome.termination {
        Termination::Signaled(signal) => Some(signal),
        _ => None,
    };
    assert_eq!(ended_by, Some(signal), "{:?}", outcome.termination);
    assert_eq!(outcome.interruption, interruption);
}

/// It was never started; the error's text.
#[track_caller]
pub fn not_started(outcome: &Outcome) -> String {
    assert_eq!(outcome.pid, None);
    match &outcome.termination {
        Termination::NotStarted(error) => error.to_string(),
        other => panic!("{other:?} is not NotStarted"),
    }
}

/// The facts of a `report`.
pub fn facts(outcome: &Outcome, name: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(&outcome.stdout);
    let of_name = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    of_name.map(str::to_owned).collect()
}

/// Says, past the capture of the test harness, that this machine does not allow a test.
pub fn skipped(test: &str, why: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}
