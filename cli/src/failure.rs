//! What went wrong: exit codes, and words for people.

use std::fmt::Write as _;

use cni::{Error, Facts, Status};

use crate::Program;
use crate::answer::{write_err, write_out};
use crate::json;
use crate::table::printable;

/// As much of what a plugin wrote to stderr is shown.
const STDERR_LINES: usize = 20;

/// The exit code of a failure.
pub(crate) fn code_of(status: Status) -> u8 {
    u8::try_from(status.number().unsigned_abs()).unwrap_or(u8::MAX)
}

/// Prints a failure: as JSON on stdout, where a program waits for an answer, or in words on stderr. Returns the exit
/// code.
pub(crate) fn print(program: &Program, error: &Error, json: bool, stderr_was_shown: bool) -> u8 {
    if json {
        write_out(&format!("{}\n", json::indent(&error.to_json())));
    } else {
        write_err(&printable(&words(program, error, stderr_was_shown)));
    }
    code_of(error.status())
}

fn words(program: &Program, error: &Error, stderr_was_shown: bool) -> String {
    let mut text = format!("{}: {}\n", program.name, error.message());
    tell(&mut text, error, stderr_was_shown, "  ");
    if let Some(hint) = hint(error.status()) {
        let _ = writeln!(text, "  {hint}");
    }
    text
}

/// What the message does not tell.
fn tell(text: &mut String, error: &Error, stderr_was_shown: bool, indent: &str) {
    let facts = error.facts();
    if let Some(plugin) = &facts.plugin {
        let path = facts.path.as_ref().map_or_else(String::new, |path| format!(" ({path})"));
        let command = facts.command.map_or_else(String::new, |command| format!(" in {command}"));
        let _ = writeln!(text, "{indent}plugin {plugin}{path}{command}{}", ending(facts));
    }
    if let Some(stderr) = facts.stderr.as_ref().filter(|_| !stderr_was_shown) {
        let lines: Vec<&str> = stderr.lines().collect();
        for line in &lines[lines.len().saturating_sub(STDERR_LINES)..] {
            let _ = writeln!(text, "{indent}stderr: {line}");
        }
    }
    for cause in &facts.causes {
        // The text of an error that joins others has theirs.
        if !error.message().contains(cause.message()) {
            let _ = writeln!(text, "{indent}{}", cause.message());
        }
        tell(text, cause, stderr_was_shown, indent);
    }
}

fn ending(facts: &Facts) -> String {
    let mut text = String::new();
    if let Some(code) = facts.exit_code {
        let _ = write!(text, ", exit code {code}");
    }
    if let Some(signal) = facts.signal {
        let _ = write!(text, ", signal {signal}");
    }
    if facts.code != 0 {
        let _ = write!(text, ", error code {}", facts.code);
    }
    text
}

/// What to do about it, where that is the same for everyone.
fn hint(status: Status) -> Option<&'static str> {
    match status {
        Status::NetworkNotFound => {
            Some("`networks` lists those that there are; --conf-dir or NETCONFPATH names another directory")
        }
        Status::PluginNotFound => Some("--plugin-dir or CNI_PATH names the directories of plugins"),
        Status::NotAdded => Some("`attachments` lists those that there are; --cache-dir names another cache"),
        _ => None,
    }
}
