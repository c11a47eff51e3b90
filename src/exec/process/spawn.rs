//! Starting the process of a plugin.
//!
//! The new process shares this one's memory until it executes the plugin: nothing of the host is copied, so the cost does
//! not grow with the host's memory, and errors come back through memory. It is made by the calling thread and so inherits
//! that thread's namespaces. Its descriptor comes with it, before anybody can reap it.
//!
//! After `vfork` the caller would wait until the plugin is executed. Here it goes on: with several processors both work at
//! once, and with one a change of processes is saved, a tenth of a small plugin's time. The price is that memory which
//! the new process uses must stay until it is gone from it: see [`Started`].
//!
//! `clone3` could reset the signal handlers, but not the ignored signals, and has no form in the C library
//! that switches stacks; `clone` does everything that is needed here. A kernel older than 5.2 ignores the
//! request for a descriptor, and it is opened afterwards. `posix_spawn` would be the same call without it.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::child::Child;
use super::pre_exec::{Plan, become_plugin};
use super::stack::Report;
use super::sys::{self, Wait};
use super::{Group, Missing, raw};
use crate::exec::Environment;

/// A program with its arguments and environment in the form that `execve` takes.
pub(super) struct Program<'a> {
    path: CString,
    env: Vec<*const c_char>,
    _env: std::marker::PhantomData<&'a Environment>,
}

impl<'a> Program<'a> {
    pub(super) fn new(path: &Path, env: &'a Environment) -> io::Result<Program<'a>> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let env = env.pointers().chain([ptr::null()]).collect();
        Ok(Program { path, env, _env: std::marker::PhantomData })
    }

    pub(super) fn path(&self) -> &CStr {
        &self.path
    }

    /// The array of the environment, with NULL behind it.
    pub(super) fn env(&self) -> &[*const c_char] {
        &self.env
    }
}

/// Where the stdin of the plugin comes from.
pub(super) enum Stdin<'a> {
    /// The whole of it, short enough for the buffer of a pipe. That pipe is made and filled by the new
    /// process: its end to write is never among the host's descriptors, where a fork of the host could
    /// inherit it and keep the plugin waiting for the end of its stdin.
    Whole(&'a [u8]),
    /// A pipe that is fed while the plugin runs.
    Pipe(OwnedFd),
}

/// The plugin's ends of its pipes.
pub(super) struct Stdio<'a> {
    pub(super) stdin: Stdin<'a>,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

/// What was being done when a plugin could not be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Step {
    StdinPipe = 1,
    StdoutPipe,
    StderrPipe,
    Stack,
    Clone,
    ProcessGroup,
    Stdio,
    FillStdin,
    Exec,
}

impl Step {
    fn from_number(number: i32) -> Step {
        use Step::{Clone, Exec, FillStdin, ProcessGroup, Stack, StderrPipe, StdinPipe, Stdio, StdoutPipe};
        [StdinPipe, StdoutPipe, StderrPipe, Stack, Clone, ProcessGroup, Stdio, FillStdin]
            .into_iter()
            .find(|step| *step as i32 == number)
            .unwrap_or(Exec)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Step::StdinPipe | Step::FillStdin => "pipe for stdin",
            Step::StdoutPipe => "pipe for stdout",
            Step::StderrPipe => "pipe for stderr",
            Step::Stack => "stack for the new process",
            Step::Clone => "new process",
            Step::ProcessGroup => "process group",
            Step::Stdio => "stdin, stdout and stderr of the new process",
            Step::Exec => "exec",
        })
    }
}

/// Why a plugin could not be started.
#[derive(Debug)]
pub(super) struct Failure {
    step: Step,
    error: io::Error,
}

impl Failure {
    /// The failure that the new process left behind, if it did.
    fn reported(report: &Report) -> Option<Failure> {
        match report.step.load(Ordering::Acquire) {
            0 => None,
            step => Some(Failure {
                step: Step::from_number(step),
                error: io::Error::from_raw_os_error(report.errno.load(Ordering::Relaxed)),
            }),
        }
    }

    /// For `map_err`: the failure of that step.
    pub(super) fn at(step: Step) -> impl Fn(io::Error) -> Failure {
        move |error| Failure { step, error }
    }

    /// The program is open for writing at this moment.
    pub(super) fn is_busy(&self) -> bool {
        self.step == Step::Exec && self.error.raw_os_error() == Some(libc::ETXTBSY)
    }

    /// The new process could not put the whole stdin into its pipe: pipes of this user are small now.
    pub(super) fn needs_feeding(&self) -> bool {
        self.step == Step::FillStdin && self.error.raw_os_error() == Some(libc::EAGAIN)
    }

    /// The error with what was being done, for people.
    pub(super) fn describe(self, program: &Program<'_>) -> io::Error {
        let Failure { step, error } = self;
        let text = match step {
            Step::Exec => format!("{step} {}: {error}", program.path().to_string_lossy()),
            _ => format!("{step}: {error}"),
        };
        io::Error::new(error.kind(), text)
    }
}

/// A process that was started, as long as it may use the memory of its plan.
///
/// Dropping it waits until the process has executed the plugin or ended. That is long past when a run is over; only a
/// kernel that reads the program from a file system which does not answer, and cannot even be killed, is waited for.
#[derive(Debug)]
pub(super) struct Started<'a> {
    report: &'a Report,
}

impl Started<'_> {
    /// How the process failed to become the plugin, if it did so far.
    pub(super) fn failure(&self) -> Option<Failure> {
        Failure::reported(self.report)
    }

    /// For one that has ended for certain, which is more than the kernel's word: there are ways to end in which it gives none.
    pub(super) fn is_over(&self) {
        self.report.in_use.store(0, Ordering::Relaxed);
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        sys::wait_for_zero(&self.report.in_use);
    }
}

/// Starts the program.
///
/// The plugin's ends of the pipes may be closed afterwards: the new process has its own.
pub(super) fn spawn<'a>(
    plan: &'a Plan<'_>,
    group: Group,
    missing: Missing,
) -> Result<(Child, Started<'a>), Failure> {
    let (pid, pidfd) = clone(plan, missing).map_err(Failure::at(Step::Clone))?;
    let started = Started { report: plan.report() };
    let by_clone = pidfd.is_some();
    let pidfd = match pidfd {
        Some(pidfd) => Some(sys::above_stdio(pidfd)),
        None if missing.pidfd => None,
        None => Some(sys::pidfd_open(pid)),
    };
    // Without a number above 2 to move it to, there was none for the pipes either. One that was opened by
    // number is the child's only if the host has not reaped that before.
    let pidfd =
        pidfd.and_then(Result::ok).filter(|_| by_clone || !matches!(sys::wait(pid, None, false), Wait::Gone));
    Ok((Child::new(pid, pidfd, group, missing), started))
}

fn clone(plan: &Plan<'_>, missing: Missing) -> io::Result<(libc::pid_t, Option<OwnedFd>)> {
    /// Whether the kernel was seen to keep its word. gVisor gives it for an end, but not for exec.
    static KEEPS_WORD: AtomicBool = AtomicBool::new(false);
    let in_use = &plan.report().in_use;
    let may = !missing.concurrent_start && can_start_concurrently();
    let vfork = if may && KEEPS_WORD.load(Ordering::Relaxed) { 0 } else { libc::CLONE_VFORK };
    // The kernel sets it to zero when the process executes the plugin or ends, and wakes who waits for that.
    in_use.store(may.into(), Ordering::Relaxed);
    let waiting = vfork | if may { libc::CLONE_CHILD_CLEARTID } else { 0 };
    // A handler of the host must not run in the child, which shares the host's memory.
    let _blocked = sys::SignalMask::block(u64::MAX);
    let mut pidfd: RawFd = -1;
    let mut call = |flags: c_int| {
        let flags = flags | waiting | libc::CLONE_VM | libc::SIGCHLD;
        let no_tls = ptr::null_mut::<c_void>();
        let argument = ptr::from_ref(plan).cast_mut().cast::<c_void>();
        // SAFETY: the plan's stack is a writable region that nobody else uses, `top` is its aligned end. `plan` and what
        // it points to outlive the child's use of them: CLONE_VFORK suspends this thread until the child has executed or
        // ended; without it the `Started` that borrows the plan waits for that, as the kernel tells in `in_use`, which is
        // part of the stack. A tool that turns the call into a fork gives the child its own copy. The child only reads
        // the plan, writes to its stack and to atomics there, and leaves this thread's `errno` alone. All signals are
        // blocked. The kernel writes the descriptor to `pidfd`, if at all, before this returns.
        match unsafe {
            libc::clone(
                become_plugin,
                plan.stack().top(),
                flags,
                argument,
                &raw mut pidfd,
                no_tls,
                in_use.as_ptr(),
            )
        } {
            -1 => Err(io::Error::last_os_error()),
            pid => Ok(pid),
        }
    };
    let pid = match call(if missing.clone_pidfd || missing.pidfd { 0 } else { libc::CLONE_PIDFD }) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => call(0),
        result => result,
    };
    let pid = pid.inspect_err(|_| in_use.store(0, Ordering::Relaxed))?;
    if vfork != 0 {
        // It has executed the plugin by now, or ended.
        let told = in_use.swap(0, Ordering::Relaxed) == 0;
        let executed = plan.report().step.load(Ordering::Relaxed) == 0;
        if may && told && executed {
            KEEPS_WORD.store(true, Ordering::Relaxed);
        }
    }
    // SAFETY: the kernel has just made this descriptor and nobody else knows it.
    let pidfd = (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
    Ok((pid, pidfd))
}

/// Whether a process that shares this one's memory can be had without waiting for it.
///
/// Every kernel can. Tools that stand in for it (valgrind, qemu) know such processes only as `vfork` makes them, and some end the
/// host for others; those have no `clone3`. Nor has a sandbox that wants to see what a process is to share.
fn can_start_concurrently() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    raw::LEAVES_ERRNO_ALONE
        && *CAN.get_or_init(|| {
            // SAFETY: clone3 refuses a struct of no bytes, and does nothing.
            let result = unsafe { raw::call(libc::SYS_clone3, [0; 4]) };
            result == Err(libc::EINVAL) && clone_is_the_c_librarys() && !is_traced()
        })
}

/// Whether a debugger watches this process: gdb takes such a start for a fork, and its breakpoints out of the memory that is shared.
fn is_traced() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|tracer| tracer.trim() != "0"))
}

/// Not that of ThreadSanitizer, say, which leaves the new process an argument on this thread's stack.
fn clone_is_the_c_librarys() -> bool {
    let object = |function: *const c_void| {
        // SAFETY: a Dl_info is plain data, for which zero is a value; dladdr takes any address and fills it in.
        unsafe {
            let mut info: libc::Dl_info = std::mem::zeroed();
            libc::dladdr(function, &raw mut info);
            info.dli_fbase
        }
    };
    // Nobody has a `syscall` of their own.
    object(libc::clone as *const c_void) == object(libc::syscall as *const c_void)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::stack::Stacks;
    use super::*;
    use std::time::Duration;

    #[test]
    fn memory_in_use_is_waited_for() {
        let stack = Stacks::default().take().unwrap();
        let in_use = &stack.report().in_use;
        in_use.store(1, Ordering::Relaxed);
        let started = Started { report: stack.report() };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || drop(started));
            std::thread::sleep(Duration::from_millis(20));
            assert!(!waiting.is_finished());
            in_use.store(0, Ordering::Relaxed);
            // SAFETY: the kernel wakes who waits for the number, and does not touch it.
            unsafe { libc::syscall(libc::SYS_futex, in_use.as_ptr(), libc::FUTEX_WAKE, 1) };
        });
    }

    #[test]
    fn memory_of_a_process_that_is_over_is_not_waited_for() {
        let stack = Stacks::default().take().unwrap();
        stack.report().in_use.store(1, Ordering::Relaxed);
        let started = Started { report: stack.report() };
        started.is_over();
        drop(started);
    }
}
