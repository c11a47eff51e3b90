//! [`ProcessExec`]: running a plugin as a process.
//!
//! It cannot hang, leak or disturb the host. All of it happens on the calling thread, without helper threads,
//! signal handlers or anything else that the whole process shares:
//!
//! - `spawn` starts the process, in the namespaces of the calling thread. `stack` is the memory that it starts on.
//! - `pre_exec` is what that process does until it is the plugin: its own process group, signals reset, descriptors
//!   0 to 2 only. `raw` has its system calls.
//! - `pipes` feeds its stdin and keeps a bounded part of its output.
//! - `run` waits for all of it at once, and ends what must be ended.
//! - `child` signals the process and its group, reaps it, and knows how it ended even if the host reaped it.
//! - `sys` has the system calls.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Exec, ExecRequest, FindRequest, Interruption, Outcome, Termination};
use crate::error::Result;
use crate::thread::NotCancellable;

mod child;
mod pipes;
mod pre_exec;
mod raw;
mod run;
mod spawn;
mod stack;
pub(super) mod sys;

use child::Child;
use pre_exec::Plan;
use run::{Run, earlier, interruption};
use spawn::{Failure, Program, Step};
use stack::Stacks;

/// How long a program that is open for writing is tried again when no deadline ends that: a new version of
/// the plugin is being copied into place.
const BUSY_FOR: Duration = Duration::from_secs(6);

/// The longest pause between two such tries.
const BUSY_PAUSE: Duration = Duration::from_millis(64);

/// Runs plugins as processes: the default [`Exec`].
///
/// One value serves any number of threads at once. A call blocks its thread until the plugin has ended and its
/// output is in, or until the deadline or the cancellation of the call has ended the plugin; that is at most
/// `kill_grace` after it, whatever the plugin and its descendants do. The one thing that cannot be interrupted is
/// the kernel reading the program from a file system that does not answer, where it does not even let itself be killed.
///
/// # What comes back
/// - Before a plugin is started, the deadline and the cancellation are looked at. If they have come, nothing is
///   started: [`Outcome::interruption`] says why, [`Outcome::termination`] is [`Termination::NotStarted`].
/// - [`Outcome::stdout`] is the beginning of stdout, [`Outcome::stderr`] the end of stderr, each at most
///   [`max_output_bytes`](super::Limits::max_output_bytes).
/// - The output is read as it comes, but for 40 ms from the start of a command without result, and from the first output of
///   another: a plugin that writes more than its pipe holds (64 KiB) is held up that long, once.
/// - [`Termination::Unknown`] also is the end of a process that did not go away within a second of its SIGKILL
///   (an uninterruptible system call); it is reaped in the course of a later call.
///
/// # What the host may do
/// Ignore SIGCHLD, reap children that are not its own, block any signal, leave SIGPIPE at its default, close
/// descriptors 0 to 2, call `chroot`, change the namespaces of the calling thread, fork at any time, fall under any
/// resource limit. A stdin of more than 64 KiB is the one thing that a fork during the call can hold up: a copy of
/// the host that neither executes nor ends keeps that pipe open.
#[derive(Debug, Default)]
pub struct ProcessExec {
    missing: Missing,
    group: Group,
    /// Killed, but not gone when their calls had to return.
    abandoned: Mutex<Vec<Child>>,
    stacks: Stacks,
}

/// The process group that a plugin runs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Group {
    /// One of its own, which is signalled as a whole.
    #[default]
    Own,
    /// The caller's.
    Callers,
}

/// What the kernel cannot do, for tests of what is done then.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Missing {
    /// A start that does not keep the caller waiting: on other processors than x86-64 and AArch64, before Linux 5.3, under
    /// valgrind.
    pub concurrent_start: bool,
    /// Word that a process has let go of the caller's memory by executing the plugin: gVisor.
    pub word_of_exec: bool,
    /// A descriptor that comes with the process: before Linux 5.2.
    pub clone_pidfd: bool,
    /// Any descriptor of a process: before Linux 5.3.
    pub pidfd: bool,
    /// Marking ranges of descriptors close-on-exec: before Linux 5.11.
    pub close_range: bool,
    /// Signals to a group by the descriptor of its leader: before Linux 6.9.
    pub group_signal: bool,
    /// The exit status of a process that somebody else reaped: before Linux 6.15.
    pub pidfd_info: bool,
}

impl ProcessExec {
    /// A new value. It makes what it keeps for the next run, a few pages of memory, with the first.
    pub fn new() -> ProcessExec {
        ProcessExec::default()
    }

    /// For a program that is a plugin itself: what it runs stays in its own process group, so that whoever ends the
    /// group ends both.
    pub fn in_callers_group() -> ProcessExec {
        ProcessExec { group: Group::Callers, ..ProcessExec::default() }
    }

    /// The same as on a kernel that lacks something.
    #[doc(hidden)]
    pub fn on_kernel_without(missing: Missing) -> ProcessExec {
        ProcessExec { missing, ..ProcessExec::default() }
    }

    fn run(&self, request: &ExecRequest<'_>) -> Outcome {
        let started = Instant::now();
        let not_started = |error, interruption| Outcome {
            termination: Termination::NotStarted(error),
            interruption,
            stdout: Vec::new(),
            stderr: Vec::new(),
            pid: None,
            duration: started.elapsed(),
        };
        let program = match Program::new(request.path, request.env) {
            Ok(program) => program,
            Err(error) => return not_started(error, None),
        };
        let mut fed = request.stdin.len() > pipes::PIPE_BYTES;
        let mut pause = Duration::from_millis(1);
        let mut busy: Option<Failure> = None;
        loop {
            let now = Instant::now();
            if let Some(why) = interruption(request, now) {
                let error = busy.map_or_else(|| in_time(why), |failure| failure.describe(&program));
                return not_started(error, Some(why));
            }
            match self.attempt(&program, request, fed, started) {
                Ok(outcome) => return outcome,
                Err(failure) if failure.needs_feeding() && !fed => fed = true,
                Err(failure) if failure.is_busy() && now < started + BUSY_FOR => {
                    busy = Some(failure);
                    wait(request, now + pause);
                    request.context.ask_host();
                    pause = BUSY_PAUSE.min(pause * 2);
                }
                Err(failure) => return not_started(failure.describe(&program), None),
            }
        }
    }

    /// Starts the program once and runs it to its end.
    fn attempt(
        &self,
        program: &Program<'_>,
        request: &ExecRequest<'_>,
        fed: bool,
        started: Instant,
    ) -> Result<Outcome, Failure> {
        let (pipes, stdio) = pipes::make(request.stdin, fed, request.limits.max_output_bytes)?;
        let stack = self.stacks.take().map_err(Failure::at(Step::Stack))?;
        let plan = Plan::new(program, &stdio, stack, self.group, self.missing);
        let child = spawn::spawn(&plan, self.group, self.missing)?;
        drop(stdio);
        let (outcome, unreaped) = Run::new(request, started, child, pipes).drive()?;
        match unreaped {
            None => self.stacks.put_back(plan.into_stack()),
            Some(child) => self.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(child),
        }
        Ok(outcome)
    }

    fn reap_abandoned(&self) {
        // Somebody else may be at it; in a forked copy of the host, one who is gone.
        if let Ok(mut abandoned) = self.abandoned.try_lock() {
            abandoned.retain(|child| child.reap().is_none());
        }
    }
}

impl Exec for ProcessExec {
    fn find_in_path(&self, request: &FindRequest<'_>) -> Result<PathBuf> {
        super::find::find_in_path(request.plugin, request.dirs)
    }

    fn exec_plugin(&self, request: &ExecRequest<'_>) -> Result<Outcome> {
        let _whole = NotCancellable::new();
        self.reap_abandoned();
        Ok(self.run(request))
    }
}

/// The error of a plugin for which it was too late.
fn in_time(why: Interruption) -> io::Error {
    match why {
        Interruption::Cancelled => io::Error::other("the call was cancelled before the plugin was started"),
        _ => io::Error::new(io::ErrorKind::TimedOut, "the deadline passed before the plugin was started"),
    }
}

/// Waits until that instant, at most until the deadline or the cancellation of the call.
fn wait(request: &ExecRequest<'_>, until: Instant) {
    let mut set = [sys::poll_entry(request.context.wake(), libc::POLLIN)];
    let until = earlier(Some(until), request.limits.deadline);
    let result = sys::poll(&mut set, until);
    if result.is_err() {
        std::thread::sleep(child::SLICE);
    } else if result.is_ok_and(|ready| ready > 0) {
        request.context.drain_spurious_wake();
    }
}
