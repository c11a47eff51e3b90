//! The system calls of this module, as safe functions over owned and borrowed descriptors.
//!
//! All of them are free of `errno`, retry where a signal interrupted them, and none changes anything
//! that is shared by the whole process.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use super::super::Termination;
pub(super) use crate::descriptor::above_stdio;

/// `Ok` with what a call returned, or the error that it left in `errno`.
fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Repeats a call that a signal interrupted.
fn retry(mut call: impl FnMut() -> io::Result<libc::c_long>) -> io::Result<libc::c_long> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A pipe, close-on-exec and blocking: the end to read, the end to write.
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds: [RawFd; 2] = [-1; 2];
    // SAFETY: pipe2 writes two descriptors to the array, which has room for two.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) }.into())?;
    // SAFETY: the call above made these two descriptors and nobody else knows them.
    let (read, write) = unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) };
    Ok((above_stdio(read)?, above_stdio(write)?))
}

/// Makes our end of a pipe non-blocking; the other end is another open file and stays as it is.
pub(super) fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    // SAFETY: F_SETFL takes a number, not a pointer. O_NONBLOCK is the only status flag of a new pipe.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }.into()).map(drop)
}

/// How much the first read onto a vector without memory takes at most.
pub(super) const FIRST_READ_BYTES: usize = 4 << 10;

/// Reads at most `most` bytes behind what `bytes` holds; 0 is the end of the file.
pub(super) fn read_onto(fd: &OwnedFd, bytes: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    if bytes.capacity() == 0 {
        // Often there is nothing at all, which needs no memory.
        let mut first = [MaybeUninit::<u8>::uninit(); FIRST_READ_BYTES];
        let most = most.min(first.len());
        // SAFETY: read writes at most `most` bytes to `first`, which has as many.
        let count =
            retry(|| check(unsafe { libc::read(fd.as_raw_fd(), first.as_mut_ptr().cast(), most) } as _))?;
        let count = usize::try_from(count).unwrap_or(0).min(first.len());
        // SAFETY: read has just written `count` bytes to the beginning of `first`.
        let read = unsafe { std::slice::from_raw_parts(first.as_ptr().cast::<u8>(), count) };
        if !read.is_empty() {
            bytes.reserve(most);
            bytes.extend_from_slice(read);
        }
        return Ok(read.len());
    }
    bytes.reserve(most);
    let room = bytes.spare_capacity_mut();
    let most = most.min(room.len());
    // SAFETY: read writes at most `most` bytes to memory that the vector owns and has not given out.
    let count = retry(|| check(unsafe { libc::read(fd.as_raw_fd(), room.as_mut_ptr().cast(), most) } as _))?;
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: read has just written `count` bytes behind the old length, inside of the capacity.
    unsafe { bytes.set_len(bytes.len() + count) };
    Ok(count)
}

/// Writes to a pipe without letting the host see SIGPIPE, whatever its disposition and mask.
///
/// The signal of a pipe without reader goes to the writing thread alone, so it can be blocked here and
/// taken back; one that was pending before is the host's and stays.
pub(super) fn write_without_sigpipe(fd: &OwnedFd, data: &[u8]) -> io::Result<usize> {
    let mask = SignalMask::block(1 << (libc::SIGPIPE - 1));
    let is_hosts = mask.before & (1 << (libc::SIGPIPE - 1)) != 0 && sigpipe_is_pending();
    // SAFETY: write reads `data.len()` bytes from `data`.
    let result =
        retry(|| check(unsafe { libc::write(fd.as_raw_fd(), data.as_ptr().cast(), data.len()) } as _));
    if !is_hosts && matches!(&result, Err(error) if error.raw_os_error() == Some(libc::EPIPE)) {
        take_back_sigpipe();
    }
    drop(mask);
    result.map(|count| usize::try_from(count).unwrap_or(0))
}

fn sigpipe_is_pending() -> bool {
    // SAFETY: a sigset_t is a plain array of integers, for which zero is a value; sigpending fills it in
    // and sigismember reads it.
    unsafe {
        let mut pending: libc::sigset_t = std::mem::zeroed();
        libc::sigpending(&raw mut pending) == 0 && libc::sigismember(&raw const pending, libc::SIGPIPE) == 1
    }
}

fn take_back_sigpipe() {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the set is made by sigemptyset and sigaddset before it is read; sigtimedwait accepts NULL for
    // the information that is not wanted, and both arguments outlive the call. It takes the thread's own
    // signal before one of the whole process, and with a timeout of zero does not wait.
    let _ = retry(|| unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGPIPE);
        check(libc::sigtimedwait(&raw const set, std::ptr::null_mut(), &raw const now).into())
    });
}

/// The size of a signal set as the kernel sees it: 64 signals, 128 on MIPS.
pub(super) const KERNEL_SIGSET_BYTES: usize =
    if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 16 } else { 8 };

/// Signals blocked in this thread, until it is dropped.
///
/// The system call itself, since the C library's keeps the signals out that it uses for itself.
pub(super) struct SignalMask {
    before: u64,
}

impl SignalMask {
    /// Blocks these signals on top of those blocked already; bit 0 is signal 1.
    pub(super) fn block(signals: u64) -> SignalMask {
        SignalMask { before: change_mask(libc::SIG_BLOCK, signals) }
    }
}

impl Drop for SignalMask {
    fn drop(&mut self) {
        change_mask(libc::SIG_SETMASK, self.before);
    }
}

/// Changes the calling thread's signal mask and gives the one before; async-signal-safe.
pub(super) fn change_mask(how: libc::c_int, signals: u64) -> u64 {
    let new = [signals, if signals == u64::MAX { u64::MAX } else { 0 }];
    let mut old = [0u64; 2];
    // SAFETY: the kernel reads and writes KERNEL_SIGSET_BYTES, at most the 16 bytes of each array.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            how as libc::c_long,
            new.as_ptr(),
            old.as_mut_ptr(),
            KERNEL_SIGSET_BYTES,
        );
    }
    old[0]
}

/// Waits until the kernel has set that to zero, as it does with `CLONE_CHILD_CLEARTID`.
pub(super) fn wait_for_zero(number: &AtomicI32) {
    loop {
        let now = number.load(Ordering::Acquire);
        if now == 0 {
            return;
        }
        let forever = std::ptr::null::<libc::timespec>();
        // SAFETY: the kernel reads the number, which outlives the call, and waits while it is `now`. Whatever the result,
        // the number is looked at again.
        unsafe { libc::syscall(libc::SYS_futex, number.as_ptr(), libc::FUTEX_WAIT, now, forever) };
    }
}

/// An entry for [`poll`]; without a descriptor it is never ready.
pub(super) fn poll_entry(fd: Option<BorrowedFd<'_>>, events: libc::c_short) -> libc::pollfd {
    libc::pollfd { fd: fd.map_or(-1, |fd| fd.as_raw_fd()), events, revents: 0 }
}

/// Waits until an entry is ready or that instant has come; gives the number of entries that are ready.
pub(super) fn poll(set: &mut [libc::pollfd], until: Option<Instant>) -> io::Result<usize> {
    let ready = retry(|| {
        let wait = until.map(|until| until.saturating_duration_since(Instant::now()));
        let wait = wait.map(|wait| libc::timespec {
            tv_sec: libc::time_t::try_from(wait.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: wait.subsec_nanos() as _,
        });
        let timeout = wait.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the kernel reads and writes the entries of `set` and reads the timeout, if there is one;
        // both outlive the call. Without a mask the signal mask stays.
        check(unsafe { libc::ppoll(set.as_mut_ptr(), set.len() as _, timeout, std::ptr::null()) }.into())
    })?;
    Ok(usize::try_from(ready).unwrap_or(0))
}

/// What `waitid` knows of one child.
pub(super) enum Wait {
    /// It has not ended, or a tracer has yet to let it go.
    Running,
    /// It ended like that.
    Ended(Termination),
    /// It is no child of ours: it ended, and the host or the kernel reaped it.
    Gone,
}

/// Asks for the state of a child without waiting; `reap` takes it from the kernel's table if it ended.
///
/// By its descriptor, where there is one and the kernel can (Linux 5.4): a number may mean another child
/// by now if the host reaps.
pub(super) fn wait(pid: libc::pid_t, pidfd: Option<&OwnedFd>, reap: bool) -> Wait {
    let flags = libc::WEXITED | libc::WNOHANG | if reap { 0 } else { libc::WNOWAIT };
    let by_number = (libc::P_PID, pid.unsigned_abs());
    let by_fd = pidfd.map(|fd| (libc::P_PIDFD, fd.as_raw_fd().unsigned_abs()));
    // SAFETY: a siginfo_t is plain data, for which zero is a value.
    let mut info = unsafe { std::mem::zeroed::<libc::siginfo_t>() };
    let mut ask = |(kind, id)| {
        // SAFETY: waitid writes to `info`, which outlives the call.
        retry(|| check(unsafe { libc::waitid(kind, id, &raw mut info, flags) }.into()))
    };
    let result = match ask(by_fd.unwrap_or(by_number)) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) && by_fd.is_some() => ask(by_number),
        result => result,
    };
    if result.is_err() {
        return Wait::Gone;
    }
    // SAFETY: waitid filled the fields of a child's end in, or left all of them
    // zero because it has not ended.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    match info.si_code {
        _ if pid == 0 => Wait::Running,
        libc::CLD_EXITED => Wait::Ended(Termination::Exited(status)),
        _ => Wait::Ended(Termination::Signaled(status)),
    }
}

/// The descriptor of a process (Linux 5.3).
pub(super) fn pidfd_open(pid: libc::pid_t) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes two numbers.
    let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the call above made this descriptor and nobody else knows it.
    above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whom a signal is for.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Process,
    /// The process group that the process leads, also after its end (Linux 6.9).
    Group,
}

/// Signals a process or its group by its descriptor.
pub(super) fn pidfd_signal(pidfd: &OwnedFd, target: Target, signal: libc::c_int) -> io::Result<()> {
    let flags = match target {
        Target::Process => 0,
        Target::Group => libc::PIDFD_SIGNAL_PROCESS_GROUP,
    };
    let info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the kernel accepts NULL for the information that goes with the signal.
    let result =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, info, flags) };
    check(result).map(drop)
}

/// Signals a process or its group by number, which the caller knows to be that of a child not yet reaped.
pub(super) fn kill(pid: libc::pid_t, target: Target, signal: libc::c_int) -> io::Result<()> {
    let pid = match target {
        Target::Process => pid,
        Target::Group => -pid,
    };
    // SAFETY: kill takes two numbers.
    check(unsafe { libc::kill(pid, signal) }.into()).map(drop)
}

/// The first published form of the kernel's `struct pidfd_info` (`linux/pidfd.h`); every later kernel
/// accepts it.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroupid: u64,
    ids: [u32; 11],
    exit_code: i32,
}

const _: () = assert!(size_of::<PidfdInfo>() == libc::PIDFD_INFO_SIZE_VER0 as usize);

/// How a process ended that somebody else reaped (`PIDFD_INFO_EXIT`, Linux 6.15).
///
/// `None` while it is being reaped; an error where the kernel cannot tell.
pub(super) fn pidfd_exit(pidfd: &OwnedFd) -> io::Result<Option<Termination>> {
    const PIDFD_GET_INFO: libc::Ioctl = libc::_IOWR::<PidfdInfo>(0xff, 11);
    let mut info = PidfdInfo::default();
    let mut ask = || {
        info = PidfdInfo { mask: libc::PIDFD_INFO_EXIT.into(), ..PidfdInfo::default() };
        // SAFETY: the request's number carries the size of the struct; the kernel reads and writes at most
        // that many bytes of `info`, which outlives the call.
        retry(|| check(unsafe { libc::ioctl(pidfd.as_raw_fd(), PIDFD_GET_INFO, &raw mut info) }.into()))
    };
    // The kernel looks for the status first and then for the process. One that is reaped in between has
    // neither for it, but has left its status by then.
    match ask() {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => ask()?,
        result => result?,
    };
    if info.mask & u64::from(libc::PIDFD_INFO_EXIT) == 0 {
        return Ok(None);
    }
    let status = info.exit_code;
    Ok(Some(match libc::WIFEXITED(status) {
        true => Termination::Exited(libc::WEXITSTATUS(status)),
        false => Termination::Signaled(libc::WTERMSIG(status)),
    }))
}

/// Whether the process, with its effective ids, may execute that file.
pub(in crate::exec) fn may_execute(path: &Path) -> bool {
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: `path` is a NUL-terminated string that outlives the call.
    unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::X_OK, libc::AT_EACCESS) == 0 }
}

/// The descriptor, if there is one, for [`poll_entry`].
pub(super) fn borrow(fd: Option<&OwnedFd>) -> Option<BorrowedFd<'_>> {
    fd.map(AsFd::as_fd)
}
