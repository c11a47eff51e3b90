//! Starting the process of a plugin.
//!
//! The new process shares this one's memory until it executes the plugin, as after `vfork`: nothing of the
//! host is copied, so the cost does not grow with the host's memory, and errors come back through memory.
//! It is made by the calling thread and so inherits that thread's namespaces. Its descriptor comes with it,
//! before anybody can reap it.
//!
//! `clone3` could reset the signal handlers, but not the ignored signals, and has no form in the C library
//! that switches stacks; `clone` does everything that is needed here. A kernel older than 5.2 ignores the
//! request for a descriptor, and it is opened afterwards. `posix_spawn` would be the same call without it.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::Ordering;

use super::child::Child;
use super::stack::{Report, Stack};
use super::sys::{self, Wait};
use super::{Group, Missing};

/// A program with its arguments and environment in the form that `execve` takes.
pub(super) struct Program<'a> {
    path: CString,
    env: Vec<*const c_char>,
    _env: std::marker::PhantomData<&'a [CString]>,
}

impl<'a> Program<'a> {
    pub(super) fn new(path: &Path, env: &'a [CString]) -> io::Result<Program<'a>> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let env = env.iter().map(|variable| variable.as_ptr()).chain([ptr::null()]).collect();
        Ok(Program { path, env, _env: std::marker::PhantomData })
    }

    pub(super) fn path(&self) -> &CStr {
        &self.path
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
    pub(super) fn reported(report: &Report) -> Option<Failure> {
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

/// Starts the program.
///
/// The plugin's ends of the pipes are closed here in any case.
pub(super) fn spawn(
    program: &Program<'_>,
    stdio: Stdio<'_>,
    stack: Stack,
    group: Group,
    missing: Missing,
) -> Result<Child, Failure> {
    let argv = [program.path.as_ptr(), ptr::null()];
    let (stdin, input) = match &stdio.stdin {
        Stdin::Whole(input) => (-1, *input),
        Stdin::Pipe(end) => (end.as_raw_fd(), &[][..]),
    };
    let plan = Plan {
        path: program.path.as_ptr(),
        argv: argv.as_ptr(),
        env: program.env.as_ptr(),
        input,
        stdio: [stdin, stdio.stdout.as_raw_fd(), stdio.stderr.as_raw_fd()],
        group,
        close_range: !missing.close_range,
        report: stack.report(),
    };
    let (pid, pidfd) = clone(&stack, &plan, missing).map_err(Failure::at(Step::Clone))?;
    drop(stdio);
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
    let child = Child::new(pid, pidfd, group, missing, stack);
    match child.failure() {
        None => Ok(child),
        Some(failure) => {
            child.discard();
            Err(failure)
        }
    }
}

fn clone(stack: &Stack, plan: &Plan<'_>, missing: Missing) -> io::Result<(libc::pid_t, Option<OwnedFd>)> {
    // A handler of the host must not run in the child, which shares the host's memory.
    let _blocked = sys::SignalMask::block(u64::MAX);
    let mut pidfd: RawFd = -1;
    let mut call = |flags: c_int| {
        let plan = ptr::from_ref(plan).cast_mut().cast::<c_void>();
        let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: `stack` is a writable region that nobody else uses, `top` is its aligned end. CLONE_VFORK
        // suspends this thread until the child has executed or ended, so `plan` and what it points to
        // outlive the child's use of them; a tool that turns the call into a fork gives the child its own
        // copy. All signals are blocked. The kernel writes the descriptor to `pidfd`, if at all.
        match unsafe { libc::clone(become_plugin, stack.top(), flags, plan, &raw mut pidfd) } {
            -1 => Err(io::Error::last_os_error()),
            pid => Ok(pid),
        }
    };
    let pid = match call(if missing.clone_pidfd || missing.pidfd { 0 } else { libc::CLONE_PIDFD }) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => call(0)?,
        result => result?,
    };
    // SAFETY: the kernel has just made this descriptor and nobody else knows it.
    let pidfd = (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
    Ok((pid, pidfd))
}

/// Everything that the new process needs, ready before it exists.
struct Plan<'a> {
    path: *const c_char,
    argv: *const *const c_char,
    env: *const *const c_char,
    /// What to fill a pipe with when `stdio` has no descriptor for stdin.
    input: &'a [u8],
    stdio: [RawFd; 3],
    group: Group,
    close_range: bool,
    report: &'a Report,
}

/// The life of the new process until it is the plugin. It shares all memory, the thread's `errno` included,
/// with a host whose other threads run on: system calls only; no allocation, no lock, no panic.
extern "C" fn become_plugin(plan: *mut c_void) -> c_int {
    // SAFETY: `plan` is the one that `clone` was given, which outlives this function (see there).
    let plan = unsafe { &*plan.cast::<Plan<'_>>() };
    let step = match prepare(plan) {
        Err(step) => step,
        Ok(()) => {
            // SAFETY: path and both arrays are NUL-terminated and outlive the call.
            unsafe { libc::execve(plan.path, plan.argv, plan.env) };
            Step::Exec
        }
    };
    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
    plan.report.errno.store(errno, Ordering::Relaxed);
    plan.report.step.store(step as i32, Ordering::Release);
    // SAFETY: _exit ends this process without running anything of the host's.
    unsafe { libc::_exit(127) }
}

/// Process group, descriptors and signals, in the new process; `errno` is that of the step which failed.
fn prepare(plan: &Plan<'_>) -> Result<(), Step> {
    let ok = |result: c_int, step| if result < 0 { Err(step) } else { Ok(()) };
    // SAFETY: setpgid and dup2 take numbers; what they change belongs to the new process alone, which has
    // its own table of descriptors. The pipes have numbers above 2, so no dup2 hits one of them.
    unsafe {
        if plan.group == Group::Own {
            ok(libc::setpgid(0, 0), Step::ProcessGroup)?;
        }
        ok(libc::dup2(plan.stdio[1], libc::STDOUT_FILENO), Step::Stdio)?;
        ok(libc::dup2(plan.stdio[2], libc::STDERR_FILENO), Step::Stdio)?;
        match plan.stdio[0] {
            -1 => fill_stdin(plan.input)?,
            stdin => ok(libc::dup2(stdin, libc::STDIN_FILENO), Step::Stdio)?,
        }
    }
    close_the_rest_on_exec(plan.close_range);
    reset_signals();
    Ok(())
}

/// Makes stdin a pipe that holds `input` and nobody writes to.
fn fill_stdin(input: &[u8]) -> Result<(), Step> {
    // Every pipe takes that much at once.
    let always_fits = input.len() <= libc::PIPE_BUF;
    let ok = |result: c_int| if result < 0 { Err(Step::FillStdin) } else { Ok(result) };
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: pipe2 writes two descriptors to the array; write reads `input.len()` bytes from `input`. The
    // end to read may have got number 0 at once; the end to write is above 2, since 1 and 2 are taken, and
    // is closed by exec.
    unsafe {
        ok(libc::pipe2(ends.as_mut_ptr(), if always_fits { 0 } else { libc::O_NONBLOCK }))?;
        if !input.is_empty() {
            let written = libc::write(ends[1], input.as_ptr().cast(), input.len());
            if written >= 0 && written.unsigned_abs() < input.len() {
                *libc::__errno_location() = libc::EAGAIN;
                return Err(Step::FillStdin);
            }
            ok(if written < 0 { -1 } else { 0 })?;
        }
        if !always_fits {
            ok(libc::fcntl(ends[0], libc::F_SETFL, 0))?;
        }
        ok(libc::dup2(ends[0], libc::STDIN_FILENO)).map(drop)
    }
}

/// Marks every descriptor above 2 close-on-exec.
///
/// Exec closes them after it has let the host go on, which therefore never waits for its own files.
fn close_the_rest_on_exec(close_range: bool) {
    const FIRST: RawFd = libc::STDERR_FILENO + 1;
    let flags = libc::CLOSE_RANGE_CLOEXEC as libc::c_long;
    // SAFETY: close_range takes three numbers. CLOSE_RANGE_CLOEXEC is of Linux 5.11.
    if close_range && unsafe { libc::syscall(libc::SYS_close_range, FIRST, u32::MAX, flags) } == 0 {
        return;
    }
    // SAFETY: fcntl with F_SETFD takes a number; one that is no descriptor is an error without effect.
    let mark = |fd: RawFd| unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    if for_each_fd(|fd| {
        if fd >= FIRST {
            mark(fd);
        }
    }) {
        return;
    }
    // No /proc: every number there can be. The kernel's own limit (fs.nr_open) is 2^20 unless raised.
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes to `limit`, which outlives the call.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let end = limit.rlim_max.clamp(1024, 1 << 20) as RawFd;
    (FIRST..end).for_each(|fd| {
        mark(fd);
    });
}

/// Calls `each` for the descriptors of this process as /proc lists them; whether it does.
fn for_each_fd(mut each: impl FnMut(RawFd)) -> bool {
    /// Before the name of an entry that getdents64 returns: two numbers of 8 bytes, the entry's length, a
    /// byte for the type.
    const LENGTH_AT: usize = 16;
    const NAME_AT: usize = 19;
    let mut buffer = [0u8; 2048];
    // SAFETY: the path is a NUL-terminated string; getdents64 writes at most `buffer.len()` bytes to
    // `buffer`; the descriptor is this function's own.
    unsafe {
        let fd = libc::open(c"/proc/self/fd".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC);
        if fd < 0 {
            return false;
        }
        loop {
            let size = libc::syscall(libc::SYS_getdents64, fd, buffer.as_mut_ptr(), buffer.len());
            let Ok(size @ 1..) = usize::try_from(size) else {
                libc::close(fd);
                return size == 0;
            };
            let mut entries = buffer.get(..size).unwrap_or(&[]);
            while let Some(&[low, high]) = entries.get(LENGTH_AT..LENGTH_AT + 2) {
                let length = usize::from(u16::from_ne_bytes([low, high]));
                let name = entries.get(NAME_AT..length).unwrap_or(&[]);
                if let Some(number) = decimal(name) {
                    each(number);
                }
                entries = entries.get(length.max(1)..).unwrap_or(&[]);
            }
        }
    }
}

/// The number that a NUL-terminated name is, if it is one.
fn decimal(name: &[u8]) -> Option<RawFd> {
    let digits = name.split(|byte| *byte == 0).next()?;
    digits.iter().try_fold(0, |number: RawFd, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(RawFd::from(byte - b'0')),
        _ => None,
    })
}

/// Every signal to its default, ignored ones too, then none blocked.
fn reset_signals() {
    // Zero throughout is SIG_DFL without flags in the kernel's struct of any architecture, none of which is
    // larger than this. The C library's function refuses the signals that it uses itself.
    let default = [0u64; 8];
    for signal in 1..=8 * sys::KERNEL_SIGSET_BYTES {
        // SAFETY: the kernel reads its struct sigaction from `default`; NULL says that the old one is not
        // wanted. SIGKILL and SIGSTOP are refused without effect.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null_mut::<c_void>(),
                sys::KERNEL_SIGSET_BYTES,
            );
        }
    }
    sys::change_mask(libc::SIG_SETMASK, 0);
}
