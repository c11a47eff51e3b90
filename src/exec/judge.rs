//! What a plugin's run means: the one place where raw outcomes become answers and errors.

use std::time::Duration;

use crate::error::{Error, Status};
use crate::exec::{Interruption, Outcome, Termination};
use crate::text;
use crate::types::command::Command;
use crate::types::json::{self, Kind, Order, Problem};

/// The plugin's stdout when it succeeded, else what its failure was.
pub(crate) fn judge(command: Command, outcome: Outcome) -> Result<Vec<u8>, Error> {
    if let Some(error) = failure(command, &outcome) {
        Err(with_run(error, &outcome))
    } else {
        Ok(outcome.stdout)
    }
}

/// Adds what the run itself tells to an error about it.
fn with_run(error: Error, outcome: &Outcome) -> Error {
    error.with(|facts| {
        match outcome.termination {
            Termination::Exited(exit_code) => facts.exit_code = Some(exit_code),
            Termination::Signaled(signal) => facts.signal = Some(signal),
            Termination::Unknown | Termination::NotStarted(_) => {}
        }
        facts.timed_out = outcome.interruption == Some(Interruption::Timeout);
        facts.stdout = text::tail(&outcome.stdout);
        facts.stderr = text::tail(&outcome.stderr);
        facts.duration_ms = Some(millis(outcome.duration));
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn failure(command: Command, outcome: &Outcome) -> Option<Error> {
    if let Some(interruption) = outcome.interruption {
        return Some(interrupted(interruption, outcome));
    }
    match &outcome.termination {
        Termination::Exited(0) => None,
        Termination::Exited(code) => Some(plugin_failure(&format!("exit status {code}"), outcome)),
        Termination::Signaled(signal) => {
            Some(plugin_failure(&format!("signal: {}", signal_name(*signal)), outcome))
        }
        Termination::NotStarted(error) => {
            let message = format!("netplugin failed with no error message: {error}");
            Some(Error::new(Status::Io, message))
        }
        Termination::Unknown => unknown_end(command, outcome),
    }
}

fn interrupted(interruption: Interruption, outcome: &Outcome) -> Error {
    let after = millis(outcome.duration);
    let (status, mut message) = match interruption {
        Interruption::Timeout => (Status::Timeout, format!("netplugin timed out after {after} ms")),
        Interruption::Cancelled => (Status::Cancelled, format!("netplugin cancelled after {after} ms")),
        Interruption::StdoutLimit => (
            Status::InvalidResult,
            format!("netplugin wrote more than {} bytes to stdout", outcome.stdout.len()),
        ),
    };
    if let Some(stderr) = text::tail(&outcome.stderr) {
        message = format!("{message}; stderr: {}", text::quote(&stderr));
    }
    Error::new(status, message)
}

/// The kernel kept no exit status and the host took it. What the plugin wrote has to tell.
fn unknown_end(command: Command, outcome: &Outcome) -> Option<Error> {
    let how = "exit status unknown";
    let silent = outcome.stdout.iter().all(u8::is_ascii_whitespace);
    if !silent {
        let members = json::members(std::str::from_utf8(&outcome.stdout).unwrap_or_default()).ok();
        let has = |key| members.as_ref().is_some_and(|members| json::last(members, key).is_some());
        let is_error = has("code") || has("msg");
        let understood = members.is_some() || !command.returns_result();
        return (is_error || !understood).then(|| plugin_failure(how, outcome));
    }
    let failed = command.returns_result() || !outcome.stderr.is_empty();
    failed.then(|| plugin_failure(how, outcome))
}

/// A plugin that failed; `how` is how its process ended. What it should have said itself is said for it, so
/// that there is always a `msg`.
fn plugin_failure(how: &str, outcome: &Outcome) -> Error {
    let object = if outcome.stdout.is_empty() {
        let msg = if outcome.stderr.is_empty() {
            format!("netplugin failed with no error message: {how}")
        } else {
            format!("netplugin failed: {}: {how}", shown(&outcome.stderr))
        };
        ErrorObject { msg, ..ErrorObject::default() }
    } else {
        let (object, problem) = ErrorObject::read(&text::lossy(&outcome.stdout));
        match problem {
            None => object,
            Some(problem) => {
                let stdout = shown(&outcome.stdout);
                let msg =
                    format!("netplugin failed but error parsing its diagnostic message {stdout}: {problem}");
                ErrorObject { msg, ..object }
            }
        }
    };
    let ErrorObject { code, msg, details } = object;
    let message = if details.is_empty() { msg.clone() } else { format!("{msg}; {details}") };
    Error::new(Status::Plugin, message).with(|facts| {
        facts.code = code;
        facts.msg = (!msg.is_empty()).then_some(msg);
        facts.details = (!details.is_empty()).then_some(details);
    })
}

/// A plugin's output as the original quotes it; of more than a message can use, the end. (Quoted, a byte can take
/// four, and five in the error's JSON: a plugin that pours 16 MiB into its stderr would cost the host hundreds.)
fn shown(output: &[u8]) -> String {
    const MAX_BYTES: usize = 64 << 10;
    match output.len().checked_sub(MAX_BYTES) {
        None | Some(0) => text::quote_bytes(output),
        Some(excess) => format!("[{excess} bytes before] {}", text::quote_bytes(&output[excess..])),
    }
}

/// What a failing plugin prints (specification, section 5, "Error").
#[derive(Default)]
struct ErrorObject {
    code: u32,
    msg: String,
    details: String,
}

impl ErrorObject {
    /// Reads what can be read, and tells the first thing that could not.
    fn read(text: &str) -> (ErrorObject, Option<Problem>) {
        let mut object = ErrorObject::default();
        if Kind::of(text) == Kind::Null && json::value(text).is_ok() {
            return (object, None);
        }
        let members = match json::members(text) {
            Ok(members) => members,
            Err(problem) => return (object, Some(problem)),
        };
        let outcome =
            json::each_field_of(members, &["code", "msg", "details"], Order::AsWritten, |name, member| {
                match name {
                    _ if Kind::of(member.value) == Kind::Null => {}
                    Some("code") => object.code = read_code(member.value)?,
                    Some("msg") => object.msg = read_string(member.value)?,
                    Some("details") => object.details = read_string(member.value)?,
                    _ => {}
                }
                Ok(())
            });
        (object, outcome.err())
    }
}

/// A whole number that is not negative; one beyond 32 bits counts as the largest.
fn read_code(value: &str) -> Result<u32, Problem> {
    match value.parse::<u64>() {
        Ok(code) => Ok(u32::try_from(code).unwrap_or(u32::MAX)),
        Err(_) if Kind::of(value) == Kind::Number => {
            Err(Problem::new(format!("expected a whole number that is not negative, found {value}")))
        }
        Err(_) => Err(Problem::expected("a number", value)),
    }
}

fn read_string(value: &str) -> Result<String, Problem> {
    if Kind::of(value) != Kind::String {
        return Err(Problem::expected("a string", value));
    }
    Ok(json::string(value)?.into_owned())
}

/// The names that the original prints.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGHUP => "hangup",
        libc::SIGINT => "interrupt",
        libc::SIGQUIT => "quit",
        libc::SIGILL => "illegal instruction",
        libc::SIGTRAP => "trace/breakpoint trap",
        libc::SIGABRT => "aborted",
        libc::SIGBUS => "bus error",
        libc::SIGFPE => "floating point exception",
        libc::SIGKILL => "killed",
        libc::SIGUSR1 => "user defined signal 1",
        libc::SIGSEGV => "segmentation fault",
        libc::SIGUSR2 => "user defined signal 2",
        libc::SIGPIPE => "broken pipe",
        libc::SIGALRM => "alarm clock",
        libc::SIGTERM => "terminated",
        // In libc it has no name on every architecture.
        16 => "stack fault",
        libc::SIGCHLD => "child exited",
        libc::SIGCONT => "continued",
        libc::SIGSTOP => "stopped (signal)",
        libc::SIGTSTP => "stopped",
        libc::SIGTTIN => "stopped (tty input)",
        libc::SIGTTOU => "stopped (tty output)",
        libc::SIGURG => "urgent I/O condition",
        libc::SIGXCPU => "CPU time limit exceeded",
        libc::SIGXFSZ => "file size limit exceeded",
        libc::SIGVTALRM => "virtual timer expired",
        libc::SIGPROF => "profiling timer expired",
        libc::SIGWINCH => "window changed",
        libc::SIGIO => "I/O possible",
        libc::SIGPWR => "power failure",
        libc::SIGSYS => "bad system call",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn outcome(termination: Termination, stdout: &str, stderr: &str) -> Outcome {
        Outcome {
            termination,
            interruption: None,
            stdout: stdout.into(),
            stderr: stderr.into(),
            pid: Some(1),
            duration: Duration::from_millis(7),
        }
    }

    fn failed(stdout: &str, stderr: &str) -> Error {
        judge(Command::Add, outcome(Termination::Exited(2), stdout, stderr)).unwrap_err()
    }

    #[test]
    fn the_error_object_of_a_plugin_is_the_error() {
        let error = failed(r#"{"Code": 11, "msg": "busy", "details": "later", "x": 1}"#, "noise");
        assert_eq!(error.message(), "busy; later");
        let facts = error.facts();
        assert_eq!((facts.status, facts.code, facts.exit_code), (Status::Plugin, 11, Some(2)));
        assert_eq!((facts.msg.as_deref(), facts.details.as_deref()), (Some("busy"), Some("later")));
        assert_eq!(facts.stderr.as_deref(), Some("noise"));
        assert_eq!(failed("{}", "").message(), "");
        assert_eq!(failed("null", "").message(), "");
        assert_eq!(failed(r#"{"code":99999999999}"#, "").code(), u32::MAX);
    }

    #[test]
    fn silence_and_nonsense_are_told_as_the_original_does() {
        let silent = failed("", "");
        assert_eq!(silent.message(), "netplugin failed with no error message: exit status 2");
        assert_eq!(silent.facts().msg.as_deref(), Some(silent.message()));
        assert_eq!(failed("", "a\nb").message(), "netplugin failed: \"a\\nb\": exit status 2");
        let killed = judge(Command::Del, outcome(Termination::Signaled(9), "", "")).unwrap_err();
        assert_eq!(killed.message(), "netplugin failed with no error message: signal: killed");
        let prefix = "netplugin failed but error parsing its diagnostic message ";
        assert!(failed("oops", "").message().starts_with(&format!("{prefix}\"oops\": ")));
        let partly = failed(r#"{"code":-1,"msg":"m","details":"d"}"#, "");
        assert!(partly.message().starts_with(prefix) && partly.message().ends_with("; d"), "{partly}");
        assert!(partly.message().contains("code: expected a whole number"), "{partly}");
    }

    #[test]
    fn a_plugin_that_floods_does_not_flood_the_message() {
        let flood = "\u{1}".repeat(1 << 20);
        for error in [failed("", &flood), failed(&flood, "")] {
            assert!(error.message().len() < 300 << 10, "{}", error.message().len());
            assert!(error.message().contains("[983040 bytes before] \"\\x01"), "{:.200}", error.message());
        }
    }

    #[test]
    fn without_an_exit_status_the_output_decides() {
        let judge = |command, stdout, stderr| judge(command, outcome(Termination::Unknown, stdout, stderr));
        assert!(judge(Command::Add, r#"{"cniVersion":"1.0.0"}"#, "noise").is_ok());
        assert_eq!(judge(Command::Add, r#"{"code":7,"msg":"m"}"#, "").unwrap_err().code(), 7);
        assert!(judge(Command::Add, "", "").is_err());
        assert!(judge(Command::Del, "\n", "").is_ok());
        assert!(judge(Command::Del, "", "panic").is_err());
        assert!(judge(Command::Check, "free text", "").is_ok());
    }
}
