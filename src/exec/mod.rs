//! Running one plugin: finding its program, its environment, its process.
//!
//! [`Exec`] is the wall that implementations stand behind: [`ProcessExec`](process::ProcessExec) runs
//! programs; a host's callback is another, and a [`Registry`] puts plugins that live in the process before
//! either. An implementation returns the raw [`Outcome`]; what it means is decided in one place, `judge.rs`.
//! Nothing here knows of networks or caches.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::error::Result;
use crate::types::command::Command;

pub(crate) mod environ;
pub(crate) mod environment;
mod find;
pub(crate) mod judge;
pub mod process;
mod registry;

pub use environment::Environment;
pub use find::find_in_path;
pub use registry::{IN_PROCESS, InProcessPlugin, Registry};

/// How plugins are found and run.
///
/// One implementation serves concurrent calls from any number of threads.
pub trait Exec: Send + Sync {
    /// Finds the program of a plugin type in a list of directories.
    ///
    /// # Errors
    /// [`Status::PluginNotFound`](crate::Status::PluginNotFound), or
    /// [`Status::Callback`](crate::Status::Callback) when a host's callback failed.
    fn find_in_path(&self, request: &FindRequest<'_>) -> Result<PathBuf>;

    /// Runs a plugin to its end, on the calling thread.
    ///
    /// A plugin that fails, cannot be started or has to be ended is an [`Outcome`], not an error.
    ///
    /// # Errors
    /// [`Status::Callback`](crate::Status::Callback) when a host's callback failed.
    fn exec_plugin(&self, request: &ExecRequest<'_>) -> Result<Outcome>;
}

/// Which plugin to find, and where.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FindRequest<'a> {
    /// What the plugin is going to be asked.
    pub command: Command,
    /// The plugin's type, as in the configuration.
    pub plugin: &'a str,
    /// The directories, in order.
    pub dirs: &'a [PathBuf],
    /// The context of the call.
    pub context: &'a Context,
}

impl<'a> FindRequest<'a> {
    /// A request with all its parts.
    pub fn new(
        command: Command,
        plugin: &'a str,
        dirs: &'a [PathBuf],
        context: &'a Context,
    ) -> FindRequest<'a> {
        FindRequest { command, plugin, dirs, context }
    }
}

/// One run of a plugin.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ExecRequest<'a> {
    /// What the plugin is asked.
    pub command: Command,
    /// The plugin's type, as in the configuration.
    pub plugin: &'a str,
    /// The program.
    pub path: &'a Path,
    /// The directories in which plugins are searched.
    pub dirs: &'a [PathBuf],
    /// The whole stdin of the plugin: its configuration.
    pub stdin: &'a [u8],
    /// The whole environment of the plugin.
    pub env: &'a Environment,
    /// The bounds of the run.
    pub limits: Limits,
    /// The context of the call; its cancellation ends the run.
    pub context: &'a Context,
}

static NO_ENVIRONMENT: Environment = Environment::new();

impl<'a> ExecRequest<'a> {
    /// A request with nothing on stdin, an empty environment and no directories.
    pub fn new(
        command: Command,
        plugin: &'a str,
        path: &'a Path,
        limits: Limits,
        context: &'a Context,
    ) -> ExecRequest<'a> {
        ExecRequest { command, plugin, path, dirs: &[], stdin: &[], env: &NO_ENVIRONMENT, limits, context }
    }
}

/// The bounds of one run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// When the run must be over; `None` is never. Already the earlier one of all deadlines of the call.
    pub deadline: Option<Instant>,
    /// How long a plugin may take to end after SIGTERM before it gets SIGKILL, and how long after a
    /// normal exit its output may still come in.
    pub kill_grace: Duration,
    /// The most that is kept of stdout, and of stderr, in bytes.
    pub max_output_bytes: usize,
}

/// How the process of a plugin ended.
#[derive(Debug)]
pub enum Termination {
    /// It exited with that code.
    Exited(i32),
    /// That signal ended it.
    Signaled(i32),
    /// It ended, and nobody can tell how: the host reaped it and the kernel keeps no exit status.
    Unknown,
    /// It could not be started.
    NotStarted(std::io::Error),
}

/// Why a plugin was ended by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// The deadline passed.
    Timeout,
    /// The context was cancelled.
    Cancelled,
    /// Its stdout went over [`Limits::max_output_bytes`], in a command that returns a result.
    StdoutLimit,
}

/// What came of one run, raw.
#[derive(Debug)]
pub struct Outcome {
    /// How the process ended.
    pub termination: Termination,
    /// Why we ended it, if we did.
    pub interruption: Option<Interruption>,
    /// What it wrote to stdout, up to the bound.
    pub stdout: Vec<u8>,
    /// What it wrote to stderr, up to the bound.
    pub stderr: Vec<u8>,
    /// Its process id, once it was started as a process.
    pub pid: Option<u32>,
    /// From the start until its end and the end of its output.
    pub duration: Duration,
}
