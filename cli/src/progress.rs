//! Telling of each plugin as it runs, on stderr.

use std::io::IsTerminal as _;

use clap::ArgMatches;
use cni::Context;
use cni::cni::{Event, Observer, Run, RunEnd};

use crate::answer::write_err;
use crate::settings::has_flag;
use crate::table::printable;

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";
/// To the begin of the line, which is erased.
const AGAIN: &str = "\r\x1b[K";

/// Whether it is to be told: on a terminal, or when somebody asks.
pub(crate) fn is_wanted(matches: &ArgMatches) -> bool {
    has_flag(matches, "progress") || !has_flag(matches, "quiet") && std::io::stderr().is_terminal()
}

/// One line for each plugin; on a terminal it is there while the plugin runs.
pub(crate) struct Progress {
    terminal: bool,
}

impl Progress {
    pub(crate) fn new() -> Progress {
        Progress { terminal: std::io::stderr().is_terminal() }
    }

    fn begin(&self, run: &Run<'_>) {
        if self.terminal {
            write_err(&format!("{} ...", name(run)));
        }
    }

    fn end(&self, run: &Run<'_>, end: &RunEnd) {
        let (again, color, plain) = match (self.terminal, succeeded(end)) {
            (false, _) => ("", "", ""),
            (true, true) => (AGAIN, GREEN, PLAIN),
            (true, false) => (AGAIN, RED, PLAIN),
        };
        let mut text =
            format!("{again}{} {color}{:<9}{plain} {:>8.1} ms\n", name(run), outcome(end), end.duration_ms);
        for line in end.stderr.as_deref().unwrap_or_default().lines() {
            text += &format!("        {}\n", printable(line));
        }
        write_err(&text);
    }
}

impl Observer for Progress {
    fn on_event(&self, _: &Context, event: &Event<'_>) {
        match event {
            Event::Begin(run) => self.begin(run),
            Event::End { run, end } => self.end(run, end),
            Event::CacheProblem { path, message, .. } => {
                write_err(&format!("{}: {}\n", printable(path), printable(message)));
            }
            _ => {}
        }
    }
}

fn name(run: &Run<'_>) -> String {
    format!("{:<7} {:<16}", run.command, printable(run.plugin))
}

fn succeeded(end: &RunEnd) -> bool {
    end.exit_code == Some(0) && !end.timed_out && !end.cancelled
}

/// How a run ended, in a word or two.
fn outcome(end: &RunEnd) -> String {
    match end {
        RunEnd { timed_out: true, .. } => "timeout".to_owned(),
        RunEnd { cancelled: true, .. } => "cancelled".to_owned(),
        RunEnd { exit_code: Some(0), .. } => "ok".to_owned(),
        RunEnd { signal: Some(signal), .. } => format!("signal {signal}"),
        RunEnd { exit_code: Some(code), .. } => format!("exit {code}"),
        RunEnd { not_started: Some(_), .. } => "failed".to_owned(),
        _ => "unknown".to_owned(),
    }
}
