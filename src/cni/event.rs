//! What happens while an operation runs, for a host that wants to watch.

use std::path::Path;

use serde::Serialize;

use super::Cni;
use crate::cache::{CorruptFiles, Problem};
use crate::context::Context;
use crate::error::Error;
use crate::exec::{Interruption, Outcome, Termination};
use crate::text;
use crate::types::command::Command;

/// Receives the events of operations.
///
/// Called on the thread of the operation, which waits meanwhile; concurrent operations call concurrently.
pub trait Observer: Send + Sync {
    /// Something happened in a call with that context.
    fn on_event(&self, ctx: &Context, event: &Event<'_>);
}

/// Something that happened. Serialises to the `event_json` of the C ABI, where `event` is `begin`, `end` or
/// `cacheProblem`.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Event<'a> {
    /// A plugin is about to run.
    Begin(Run<'a>),
    /// A plugin has run.
    End {
        /// The run.
        #[serde(flatten)]
        run: Run<'a>,
        /// How it ended.
        #[serde(flatten)]
        end: RunEnd,
    },
    /// A file of the cache was of no use, and was left alone or set aside.
    CacheProblem {
        /// The file.
        path: String,
        /// What is wrong with it; in a file that was set aside, that it is corrupt.
        message: String,
        /// Where it was moved, if it was.
        #[serde(rename = "setAside", skip_serializing_if = "Option::is_none")]
        set_aside: Option<String>,
    },
}

/// One plugin's run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Run<'a> {
    /// The CNI command.
    pub command: &'static str,
    /// The plugin's type.
    pub plugin: &'a str,
    /// The plugin's place in its list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Its program.
    pub path: String,
    /// The container's id; empty for commands about no container.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub container_id: &'a str,
    /// The interface's name; empty for commands about no container.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub if_name: &'a str,
}

/// How one plugin's run ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RunEnd {
    /// The process id, if there was a process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// The exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Whether nobody can tell how it ended.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub exit_unknown: bool,
    /// Whether the deadline ended it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub timed_out: bool,
    /// Whether cancellation ended it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// Why it could not be started, or what the host's callback said when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_started: Option<String>,
    /// What it wrote to stderr.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
}

impl<'a> Run<'a> {
    pub(super) fn new(command: Command, plugin: &'a str, path: &Path) -> Run<'a> {
        let (command, path) = (command.name(), path.to_string_lossy().into_owned());
        Run { command, plugin, index: None, path, container_id: "", if_name: "" }
    }
}

impl RunEnd {
    /// The end of a run that an [`Exec`](crate::exec::Exec) failed to make.
    pub(super) fn failed(error: &Error) -> RunEnd {
        RunEnd {
            pid: None,
            duration_ms: 0.0,
            exit_code: None,
            signal: None,
            exit_unknown: false,
            timed_out: false,
            cancelled: false,
            not_started: Some(error.message().to_owned()),
            stderr: None,
        }
    }

    pub(super) fn of(outcome: &Outcome) -> RunEnd {
        let (mut exit_code, mut signal, mut exit_unknown, mut not_started) = (None, None, false, None);
        match &outcome.termination {
            Termination::Exited(code) => exit_code = Some(*code),
            Termination::Signaled(number) => signal = Some(*number),
            Termination::Unknown => exit_unknown = true,
            Termination::NotStarted(error) => not_started = Some(error.to_string()),
        }
        RunEnd {
            pid: outcome.pid,
            duration_ms: outcome.duration.as_secs_f64() * 1000.0,
            exit_code,
            signal,
            exit_unknown,
            timed_out: outcome.interruption == Some(Interruption::Timeout),
            cancelled: outcome.interruption == Some(Interruption::Cancelled),
            not_started,
            stderr: (!outcome.stderr.is_empty()).then(|| text::lossy(&outcome.stderr).into_owned()),
        }
    }
}

impl Cni {
    /// Tells of a file of the cache that was skipped.
    pub(super) fn report_problem(&self, ctx: &Context, problem: &Problem) {
        let Some(observer) = self.observer() else { return };
        let path = problem.path.to_string_lossy().into_owned();
        let message = problem.reason.clone();
        observer.on_event(ctx, &Event::CacheProblem { path, message, set_aside: None });
    }

    /// Tells of the corrupt files that a store or a removal met.
    pub(super) fn report_corrupt(&self, ctx: &Context, files: &CorruptFiles) {
        let Some(observer) = self.observer() else { return };
        for moved in &files.set_aside {
            let path = moved.from.to_string_lossy().into_owned();
            let message = String::from("the file is corrupt");
            let set_aside = Some(moved.to.to_string_lossy().into_owned());
            observer.on_event(ctx, &Event::CacheProblem { path, message, set_aside });
        }
        files.left.iter().for_each(|problem| self.report_problem(ctx, problem));
    }
}
