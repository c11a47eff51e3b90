//! One run of a plugin, from its start to its end: the only place that waits.
//!
//! [`Run`] is a step over a set of descriptors: [`Run::watch`] names them, [`Run::wake_at`] says when it wants
//! to go on even if none of them is ready, [`Run::step`] goes on without ever waiting. [`Run::drive`] is the loop
//! around these for a caller that blocks.

use std::time::{Duration, Instant};

use super::child::{Child, LAST_WAIT, SLICE};
use super::pipes::{Capture, Keep, Pipes};
use super::spawn::{Failure, Started};
use super::sys;
use super::{ExecRequest, Interruption, Outcome, Termination};

/// How long the output of a plugin is left alone once there is nothing more to expect but its end.
///
/// A plugin that ends closes stdout, closes stderr, and then is gone; each of these would wake the caller, and on its own
/// processor interrupt the plugin's end. What a plugin writes all the same waits in its pipe, and a plugin that fills the pipe waits
/// at most this long. It is more than the kernel's clock takes to tick: a timer for less has to be set in the hardware, which
/// costs a virtual machine more than the wake-ups do.
const QUIET: Duration = Duration::from_millis(40);

/// A plugin that runs.
pub(super) struct Run<'a> {
    request: &'a ExecRequest<'a>,
    started: Instant,
    child: Child,
    start: Started<'a>,
    pipes: Pipes<'a>,
    stage: Stage,
    /// Whether the process has ended; it may still be unreaped.
    ended: bool,
    interruption: Option<Interruption>,
    /// Whether stdout is one complete JSON text, and the length for which that was found out.
    complete: (usize, bool),
}

/// Where a run stands. An instant that the clock cannot count is `None`: never.
enum Stage {
    /// The plugin works; until that instant its output is left alone, see [`QUIET`].
    Working {
        quiet_until: Option<Instant>,
    },
    /// It has ended by itself; others may still write to its pipes.
    Draining {
        until: Option<Instant>,
    },
    /// Its group got SIGTERM.
    Terminating {
        until: Option<Instant>,
    },
    /// Its group got SIGKILL.
    Killed {
        until: Instant,
    },
    Over,
}

/// What is ready, in the order of [`Run::watch`].
const STDIN: usize = 0;
const STDOUT: usize = 1;
const STDERR: usize = 2;
const PROCESS: usize = 3;
const WAKE: usize = 4;
type Set = [libc::pollfd; 5];

impl<'a> Run<'a> {
    pub(super) fn new(
        request: &'a ExecRequest<'a>,
        started: Instant,
        (child, start): (Child, Started<'a>),
        pipes: Pipes<'a>,
    ) -> Run<'a> {
        let mut run = Run {
            request,
            started,
            child,
            start,
            pipes,
            stage: Stage::Working { quiet_until: None },
            ended: false,
            interruption: None,
            complete: (0, false),
        };
        if !request.command.returns_result() {
            run.be_quiet(started);
        }
        run
    }

    /// Runs to the end; an error if the process turns out never to have become the plugin.
    ///
    /// What comes with the outcome is a process that could not be reaped although it has ended or was killed.
    pub(super) fn drive(mut self) -> Result<(Outcome, Option<Child>), Failure> {
        while !matches!(self.stage, Stage::Over) {
            let mut set = self.watch();
            let context = self.request.context;
            let ready = sys::poll(&mut set, earlier(self.wake_at(), context.ask_again_at()));
            context.ask_host();
            match ready {
                Ok(ready) => self.step(&set, ready == 0),
                // No memory, or a limit on descriptors lowered meanwhile: go on without it, a little at a time.
                Err(_) => {
                    std::thread::sleep(SLICE);
                    set.iter_mut().for_each(|entry| entry.revents = entry.events);
                    set[PROCESS].revents = if self.child.has_ended() { libc::POLLIN } else { 0 };
                    self.step(&set, true);
                }
            }
        }
        self.finish()
    }

    /// What to wait for.
    fn watch(&self) -> Set {
        let process = self.child.pidfd().filter(|_| !self.ended);
        let quiet = matches!(self.stage, Stage::Working { quiet_until: Some(_) });
        let output = |pipe| sys::poll_entry(sys::borrow(pipe).filter(|_| !quiet), libc::POLLIN);
        let wake = self.request.context.wake().filter(|_| self.interruption.is_none());
        [
            sys::poll_entry(sys::borrow(self.pipes.stdin.pipe()), libc::POLLOUT),
            output(self.pipes.stdout.pipe()),
            output(self.pipes.stderr.pipe()),
            sys::poll_entry(sys::borrow(process), libc::POLLIN),
            sys::poll_entry(wake, libc::POLLIN),
        ]
    }

    /// Until when to wait for it.
    fn wake_at(&self) -> Option<Instant> {
        let deadline = self.request.limits.deadline;
        let of_stage = match self.stage {
            Stage::Working { quiet_until } => earlier(deadline, quiet_until),
            Stage::Draining { .. } if self.complete.1 => Some(self.started),
            Stage::Draining { until } => earlier(until, deadline),
            Stage::Terminating { until } => until,
            Stage::Killed { until } => Some(until),
            Stage::Over => Some(self.started),
        };
        let blind = !self.ended && self.child.pidfd().is_none();
        if blind { earlier(of_stage, Some(Instant::now() + SLICE)) } else { of_stage }
    }

    /// Goes on with what is ready; `idle` if that is nothing.
    fn step(&mut self, ready: &Set, idle: bool) {
        let events = |entry: usize| ready.get(entry).map_or(0, |entry| entry.revents);
        let is_ready = |entry: usize| events(entry) != 0;
        if is_ready(STDIN) {
            self.pipes.stdin.push();
        }
        self.ended =
            self.ended || is_ready(PROCESS) || self.child.pidfd().is_none() && self.child.has_ended();
        if self.was_quiet() {
            self.pipes.stdout.pull(self.ended);
            self.pipes.stderr.pull(self.ended);
        } else {
            let had_none = self.pipes.stdout.kept.bytes.is_empty();
            pull(&mut self.pipes.stdout, events(STDOUT));
            pull(&mut self.pipes.stderr, events(STDERR));
            if had_none && !self.pipes.stdout.kept.bytes.is_empty() {
                self.be_quiet(Instant::now());
            }
        }
        if is_ready(WAKE) {
            self.request.context.drain_spurious_wake();
        }
        if self.ended && self.start.failure().is_some() {
            // There is no output to wait for, whoever has a copy of its pipes.
            self.stage = Stage::Over;
            return;
        }
        let now = Instant::now();
        match self.stage {
            Stage::Working { .. } if self.ended => {
                self.pipes.stdin.close();
                self.stage = Stage::Draining { until: now.checked_add(self.request.limits.kill_grace) };
                // Not idle, whatever poll said: it looked at the pipes before it saw the end.
                self.drain(now, false);
            }
            Stage::Working { .. } => self.work(now),
            Stage::Draining { .. } => self.drain(now, idle),
            Stage::Terminating { until } => {
                // Whoever still has the pipes open may still be at work and has the grace, too.
                if passed(until, now) || self.ended && self.has_all_output() {
                    self.child.kill();
                    self.stage = Stage::Killed { until: now + LAST_WAIT };
                    self.killed(now);
                }
            }
            Stage::Killed { .. } => self.killed(now),
            Stage::Over => {}
        }
    }

    /// Leaves the output alone from now on for a while, if the plugin works and the end of its process is told without it.
    fn be_quiet(&mut self, now: Instant) {
        let can = self.child.pidfd().is_some() && self.pipes.stdin.pipe().is_none() && !self.has_all_output();
        if let Stage::Working { quiet_until } = &mut self.stage {
            *quiet_until = can.then_some(now + QUIET);
        }
    }

    /// Whether the output was left alone, which it is not from now on.
    fn was_quiet(&mut self) -> bool {
        match &mut self.stage {
            Stage::Working { quiet_until } => quiet_until.take().is_some(),
            _ => false,
        }
    }

    /// The plugin has not ended: may it go on?
    fn work(&mut self, now: Instant) {
        self.interruption = self.over_limit().or_else(|| interruption(self.request, now));
        if self.interruption.is_some() {
            self.child.terminate();
            self.stage = Stage::Terminating { until: now.checked_add(self.request.limits.kill_grace) };
        }
    }

    /// The plugin has ended by itself, and nobody is signalled any more: is its output in?
    fn drain(&mut self, now: Instant, idle: bool) {
        let Stage::Draining { until } = self.stage else { return };
        self.interruption = self.over_limit();
        if self.interruption.is_some() || self.has_all_output() {
            self.stage = Stage::Over;
            return;
        }
        let complete = self.is_complete();
        let interruption = interruption(self.request, now);
        if complete && idle || passed(until, now) || interruption.is_some() {
            // What came is all there is to judge by; without an answer, that is for want of time.
            self.interruption = interruption.filter(|_| self.request.command.returns_result() && !complete);
            self.stage = Stage::Over;
        }
    }

    fn killed(&mut self, now: Instant) {
        if self.ended || matches!(self.stage, Stage::Killed { until } if now >= until) {
            self.stage = Stage::Over;
        }
    }

    fn over_limit(&self) -> Option<Interruption> {
        let matters = self.request.command.returns_result() && self.pipes.stdout.kept.over;
        matters.then_some(Interruption::StdoutLimit)
    }

    fn has_all_output(&self) -> bool {
        self.pipes.stdout.pipe().is_none() && self.pipes.stderr.pipe().is_none()
    }

    /// Whether stdout is one complete JSON text.
    fn is_complete(&mut self) -> bool {
        let stdout = &self.pipes.stdout.kept.bytes;
        if self.complete.0 != stdout.len() {
            let complete = serde_json::from_slice::<serde::de::IgnoredAny>(stdout).is_ok();
            self.complete = (stdout.len(), complete);
        }
        self.complete.1
    }

    fn finish(mut self) -> Result<(Outcome, Option<Child>), Failure> {
        // The last words of a plugin that was killed.
        self.pipes.stdout.pull(true);
        self.pipes.stderr.pull(true);
        // One that has not even ended after SIGKILL has been waited for.
        let termination = if self.ended { self.child.reap_soon() } else { self.child.reap() };
        if let Some(Termination::Exited(_) | Termination::Signaled(_)) = termination {
            self.start.is_over();
        }
        if let Some(failure) = self.start.failure() {
            return Err(failure);
        }
        let reaped = termination.is_some();
        let outcome = Outcome {
            termination: termination.unwrap_or(Termination::Unknown),
            interruption: self.interruption,
            pid: Some(self.child.pid()),
            stdout: self.pipes.stdout.kept.bytes,
            stderr: self.pipes.stderr.kept.into_bytes(),
            duration: self.started.elapsed(),
        };
        Ok((outcome, (!reaped).then_some(self.child)))
    }
}

/// Takes from a pipe what is there, when `poll` has told of it.
///
/// POLLHUP by itself does not say that nothing is there: the kernel looks first for data and then for writers, and one
/// that writes and closes in between has left its data. All there will ever be is there then.
fn pull<K: Keep>(pipe: &mut Capture<K>, events: libc::c_short) {
    if events != 0 {
        pipe.pull(events & libc::POLLHUP != 0);
    }
}

/// Why a plugin may not start, or go on.
pub(super) fn interruption(request: &ExecRequest<'_>, now: Instant) -> Option<Interruption> {
    if request.context.is_cancelled() {
        Some(Interruption::Cancelled)
    } else {
        passed(request.limits.deadline, now).then_some(Interruption::Timeout)
    }
}

fn passed(limit: Option<Instant>, now: Instant) -> bool {
    limit.is_some_and(|limit| now >= limit)
}

/// The earlier of two instants; `None` is never.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::pipes;
    use super::*;
    use std::fs::File;
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    /// What was written between the kernel's look for data and its look for writers.
    #[test]
    fn the_end_of_a_pipe_is_read_whatever_poll_saw_of_it() {
        let most = 1 << 20;
        for length in [0, 1, 4095, 4096, 4097, 60_000] {
            for events in [libc::POLLHUP, libc::POLLIN | libc::POLLHUP] {
                let (mut pipes, stdio) = pipes::make(b"", false, most).unwrap();
                let text = vec![b'x'; length];
                File::from(stdio.stdout).write_all(&text).unwrap();
                File::from(stdio.stderr).write_all(&text).unwrap();
                pull(&mut pipes.stdout, events);
                pull(&mut pipes.stderr, events);
                assert!(pipes.stdout.pipe().is_none() && pipes.stderr.pipe().is_none());
                assert_eq!(pipes.stdout.kept.bytes, text);
                assert_eq!(pipes.stderr.kept.into_bytes(), text);
            }
        }
    }

    /// A plugin may do that to its stdout: then each read takes what one write gave, however much there is.
    #[test]
    fn a_pipe_of_packets_is_read_to_its_end() {
        for events in [libc::POLLHUP, libc::POLLIN | libc::POLLHUP] {
            let (mut pipes, stdio) = pipes::make(b"", false, 100).unwrap();
            let mut stdout = File::from(stdio.stdout);
            // SAFETY: F_SETFL takes a number.
            assert_eq!(unsafe { libc::fcntl(stdout.as_raw_fd(), libc::F_SETFL, libc::O_DIRECT) }, 0);
            for packet in ["{", "\"a\":1", "}"] {
                stdout.write_all(packet.as_bytes()).unwrap();
            }
            drop(stdout);
            pull(&mut pipes.stdout, events);
            assert!(pipes.stdout.pipe().is_none());
            assert_eq!(pipes.stdout.kept.bytes, b"{\"a\":1}");
        }
    }
}
