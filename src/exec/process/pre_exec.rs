//! The life of the new process until it is the plugin.
//!
//! It shares all memory, the thread's `errno` included, with a host whose threads run on: system calls only, by [`raw`]; no
//! allocation, no lock, no panic.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;
use std::sync::atomic::Ordering;

use super::raw;
use super::spawn::{Program, Stdin, Stdio, Step};
use super::stack::{Report, Stack};
use super::sys::KERNEL_SIGSET_BYTES;
use super::{Group, Missing};

/// The number of an error.
type Errno = c_int;

/// Everything that the new process needs, ready before it exists.
pub(super) struct Plan<'a> {
    path: &'a CStr,
    argv: [*const c_char; 2],
    env: &'a [*const c_char],
    /// What to fill a pipe with when `stdio` has no descriptor for stdin.
    input: &'a [u8],
    stdio: [RawFd; 3],
    group: Group,
    missing: Missing,
    stack: Stack,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        program: &'a Program<'_>,
        stdio: &Stdio<'a>,
        stack: Stack,
        group: Group,
        missing: Missing,
    ) -> Plan<'a> {
        let (stdin, input) = match &stdio.stdin {
            Stdin::Whole(input) => (-1, *input),
            Stdin::Pipe(end) => (end.as_raw_fd(), &[][..]),
        };
        Plan {
            path: program.path(),
            argv: [program.path().as_ptr(), ptr::null()],
            env: program.env(),
            input,
            stdio: [stdin, stdio.stdout.as_raw_fd(), stdio.stderr.as_raw_fd()],
            group,
            missing,
            stack,
        }
    }

    pub(super) fn stack(&self) -> &Stack {
        &self.stack
    }

    pub(super) fn report(&self) -> &Report {
        self.stack.report()
    }

    /// The stack, for the next plan.
    pub(super) fn into_stack(self) -> Stack {
        self.stack
    }
}

/// Where the new process begins. Its argument is a [`Plan`].
pub(super) extern "C" fn become_plugin(plan: *mut c_void) -> c_int {
    // SAFETY: `clone` was given a plan, which outlives this process's use of it (see `spawn`); nobody changes it.
    let plan = unsafe { &*plan.cast::<Plan<'_>>() };
    let Err((step, errno)) = prepare(plan).and_then(|()| execute(plan));
    plan.report().errno.store(errno, Ordering::Relaxed);
    plan.report().step.store(step as i32, Ordering::Release);
    loop {
        // SAFETY: exit_group ends this process without running anything of the host's.
        let _ = unsafe { raw::call(libc::SYS_exit_group, [127, 0, 0, 0]) };
    }
}

fn execute(plan: &Plan<'_>) -> Result<std::convert::Infallible, (Step, Errno)> {
    let arguments = [plan.path.as_ptr().addr(), plan.argv.as_ptr().addr(), plan.env.as_ptr().addr(), 0];
    // SAFETY: path and both arrays are NUL-terminated and outlive the call.
    match unsafe { raw::call(libc::SYS_execve, arguments) } {
        Err(errno) => Err((Step::Exec, errno)),
        Ok(_) => Err((Step::Exec, libc::EINVAL)),
    }
}

/// Process group, descriptors and signals.
fn prepare(plan: &Plan<'_>) -> Result<(), (Step, Errno)> {
    let at = |step| move |errno| (step, errno);
    if plan.missing.word_of_exec {
        // SAFETY: without an address (NULL) the kernel writes to none.
        let _ = unsafe { raw::call(libc::SYS_set_tid_address, [0; 4]) };
    }
    if plan.group == Group::Own {
        // SAFETY: setpgid takes numbers; the group is the new process's.
        unsafe { raw::call(libc::SYS_setpgid, [0; 4]) }.map_err(at(Step::ProcessGroup))?;
    }
    duplicate(plan.stdio[1], libc::STDOUT_FILENO).map_err(at(Step::Stdio))?;
    duplicate(plan.stdio[2], libc::STDERR_FILENO).map_err(at(Step::Stdio))?;
    match plan.stdio[0] {
        -1 => fill_stdin(plan.input).map_err(at(Step::FillStdin))?,
        stdin => duplicate(stdin, libc::STDIN_FILENO).map_err(at(Step::Stdio))?,
    }
    close_the_rest_on_exec(!plan.missing.close_range);
    reset_signals();
    Ok(())
}

/// Gives an open file one number more, which exec keeps. This process has its own table of descriptors, and the host's
/// pipes have numbers above 2.
fn duplicate(fd: RawFd, number: RawFd) -> Result<(), Errno> {
    // SAFETY: dup3 and fcntl take numbers.
    unsafe {
        if fd == number {
            return raw::call(libc::SYS_fcntl, [fd as usize, libc::F_SETFD as usize, 0, 0]).map(drop);
        }
        raw::call(libc::SYS_dup3, [fd as usize, number as usize, 0, 0]).map(drop)
    }
}

/// Makes stdin a pipe that holds `input` and nobody writes to.
fn fill_stdin(input: &[u8]) -> Result<(), Errno> {
    // Every pipe takes that much at once.
    let always_fits = input.len() <= libc::PIPE_BUF;
    let flags = if always_fits { 0 } else { libc::O_NONBLOCK };
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: pipe2 writes two descriptors to the array; write reads `input.len()` bytes from `input`; fcntl takes
    // numbers. The end to read may have got number 0 at once; the end to write is above 2, since 1 and 2 are taken, and is
    // closed by exec.
    unsafe {
        raw::call(libc::SYS_pipe2, [ends.as_mut_ptr().addr(), flags as usize, 0, 0])?;
        let [read, write] = ends.map(|end| end as usize);
        if !input.is_empty() {
            let written = raw::call(libc::SYS_write, [write, input.as_ptr().addr(), input.len(), 0])?;
            if written < input.len() {
                return Err(libc::EAGAIN);
            }
        }
        if !always_fits {
            raw::call(libc::SYS_fcntl, [read, libc::F_SETFL as usize, 0, 0])?;
        }
    }
    if ends[0] == libc::STDIN_FILENO { Ok(()) } else { duplicate(ends[0], libc::STDIN_FILENO) }
}

/// Marks every descriptor above 2 close-on-exec.
///
/// Exec closes them after it has let go of the host's memory, and nobody waits for the host's own files.
fn close_the_rest_on_exec(close_range: bool) {
    const FIRST: RawFd = libc::STDERR_FILENO + 1;
    let range = [FIRST as usize, u32::MAX as usize, libc::CLOSE_RANGE_CLOEXEC as usize, 0];
    // SAFETY: close_range takes three numbers. CLOSE_RANGE_CLOEXEC is of Linux 5.11.
    if close_range && unsafe { raw::call(libc::SYS_close_range, range) }.is_ok() {
        return;
    }
    let mark = |fd: RawFd| {
        let arguments = [fd as usize, libc::F_SETFD as usize, libc::FD_CLOEXEC as usize, 0];
        // SAFETY: fcntl with F_SETFD takes a number; one that is no descriptor is an error without effect.
        let _ = unsafe { raw::call(libc::SYS_fcntl, arguments) };
    };
    if for_each_fd(|fd| {
        if fd >= FIRST {
            mark(fd);
        }
    }) {
        return;
    }
    // No /proc: every number there can be. The kernel's own limit (fs.nr_open) is 2^20 unless raised.
    let mut soft_and_hard = [0u64; 2];
    let arguments = [0, libc::RLIMIT_NOFILE as usize, 0, soft_and_hard.as_mut_ptr().addr()];
    // SAFETY: prlimit64 of this process (0), without new limits (NULL), writes a struct of two u64 to the array.
    let _ = unsafe { raw::call(libc::SYS_prlimit64, arguments) };
    let end = soft_and_hard[1].clamp(1024, 1 << 20) as RawFd;
    (FIRST..end).for_each(mark);
}

/// Calls `each` for the descriptors of this process as /proc lists them; whether it does.
fn for_each_fd(mut each: impl FnMut(RawFd)) -> bool {
    /// Before the name of an entry that getdents64 returns: two numbers of 8 bytes, the entry's length, a
    /// byte for the type.
    const LENGTH_AT: usize = 16;
    const NAME_AT: usize = 19;
    let mut buffer = [0u8; 2048];
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: the path is a NUL-terminated string; getdents64 writes at most `buffer.len()` bytes to
    // `buffer`; the descriptor is this function's own.
    unsafe {
        let path = c"/proc/self/fd".as_ptr().addr();
        let Ok(fd) = raw::call(libc::SYS_openat, [libc::AT_FDCWD as usize, path, flags as usize, 0]) else {
            return false;
        };
        loop {
            let read = [fd, buffer.as_mut_ptr().addr(), buffer.len(), 0];
            let size = raw::call(libc::SYS_getdents64, read);
            let Ok(size @ 1..) = size else {
                let _ = raw::call(libc::SYS_close, [fd, 0, 0, 0]);
                return size == Ok(0);
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
    // Zero throughout is SIG_DFL without flags in the kernel's struct of any architecture, and an empty set of signals.
    let zero = [0u64; 8];
    let zero = zero.as_ptr().addr();
    for signal in (1..=8 * KERNEL_SIGSET_BYTES).filter(|signal| !ALWAYS_DEFAULT.contains(signal)) {
        // SAFETY: the kernel reads its struct sigaction, which is not larger than this, from `zero`; NULL says that the
        // old one is not wanted.
        let _ = unsafe { raw::call(libc::SYS_rt_sigaction, [signal, zero, 0, KERNEL_SIGSET_BYTES]) };
    }
    let arguments = [libc::SIG_SETMASK as usize, zero, 0, KERNEL_SIGSET_BYTES];
    // SAFETY: the kernel reads a set of signals from `zero`; the old one is not wanted.
    let _ = unsafe { raw::call(libc::SYS_rt_sigprocmask, arguments) };
}

/// Nobody can change what these do.
const ALWAYS_DEFAULT: [usize; 2] = [libc::SIGKILL as usize, libc::SIGSTOP as usize];

const _: () = assert!(size_of::<c_long>() == size_of::<usize>());
