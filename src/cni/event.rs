//! What happens while an operation runs, for a host that wants to watch.

use std::borrow::Cow;
use std::path::Path;

use serde::Serialize;

use crate::context::Context;
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

/// The begin or the end of one plugin's run. Serialises to the `event_json` of the C ABI.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Event<'a> {
    /// `begin` or `end`.
    pub event: &'static str,
    /// The CNI command.
    pub command: &'static str,
    /// The plugin's type.
    pub plugin: &'a str,
    /// The plugin's place in its list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Its program.
    pub path: Cow<'a, str>,
    /// The container's id; empty for commands about no container.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub container_id: &'a str,
    /// The interface's name; empty for commands about no container.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub if_name: &'a str,
    /// How the run ended; only in `end`.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub end: Option<RunEnd>,
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
    /// Why it could not be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_started: Option<String>,
    /// What it wrote to stderr.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
}

impl<'a> Event<'a> {
    pub(super) fn begin(command: Command, plugin: &'a str, path: &'a Path) -> Event<'a> {
        let (command, path) = (command.name(), path.to_string_lossy());
        Event { event: "begin", command, plugin, index: None, path, container_id: "", if_name: "", end: None }
    }

    /// The event of the end of the same run.
    pub(super) fn ended(self, outcome: &Outcome) -> Event<'a> {
        let (mut exit_code, mut signal, mut exit_unknown, mut not_started) = (None, None, false, None);
        match &outcome.termination {
            Termination::Exited(code) => exit_code = Some(*code),
            Termination::Signaled(number) => signal = Some(*number),
            Termination::Unknown => exit_unknown = true,
            Termination::NotStarted(error) => not_started = Some(error.to_string()),
        }
        let end = RunEnd {
            pid: outcome.pid,
            duration_ms: outcome.duration.as_secs_f64() * 1000.0,
            exit_code,
            signal,
            exit_unknown,
            timed_out: outcome.interruption == Some(Interruption::Timeout),
            cancelled: outcome.interruption == Some(Interruption::Cancelled),
            not_started,
            stderr: (!outcome.stderr.is_empty()).then(|| text::lossy(&outcome.stderr).into_owned()),
        };
        Event { event: "end", end: Some(end), ..self }
    }
}
