//! The system calls of a watch: one descriptor over several, and one that is ready after some time.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::descriptor::above_stdio;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(result: libc::c_int) -> io::Result<OwnedFd> {
    let fd = check(result)?;
    // SAFETY: the callers pass what a call that makes descriptors has just returned; nobody else knows it.
    above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A descriptor that is readable when one of these is.
pub(super) fn any_of(members: &[BorrowedFd<'_>]) -> io::Result<OwnedFd> {
    // SAFETY: epoll_create1 takes a number.
    let any = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    for member in members {
        let mut event = libc::epoll_event { events: libc::EPOLLIN.unsigned_abs(), u64: 0 };
        // SAFETY: both descriptors are open while they are borrowed; the kernel reads `event`, which outlives the call.
        check(unsafe {
            libc::epoll_ctl(any.as_raw_fd(), libc::EPOLL_CTL_ADD, member.as_raw_fd(), &raw mut event)
        })?;
    }
    Ok(any)
}

/// A descriptor that is readable at a time.
#[derive(Debug)]
pub(super) struct Timer(OwnedFd);

impl Timer {
    pub(super) fn new() -> io::Result<Timer> {
        let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
        // SAFETY: timerfd_create takes two numbers.
        owned(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) }).map(Timer)
    }

    /// Readable that far from now; `None`: not at all.
    pub(super) fn set(&self, after: Option<Duration>) -> io::Result<()> {
        // No time at all would mean never.
        let after = after.map(|after| after.max(Duration::from_nanos(1)));
        let value = libc::timespec {
            tv_sec: after
                .map_or(0, |after| libc::time_t::try_from(after.as_secs()).unwrap_or(libc::time_t::MAX)),
            tv_nsec: after.map_or(0, |after| after.subsec_nanos() as _),
        };
        let interval = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let spec = libc::itimerspec { it_interval: interval, it_value: value };
        // SAFETY: the kernel reads `spec`, which outlives the call, and accepts NULL for the old value.
        check(unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const spec, std::ptr::null_mut()) })
            .map(drop)
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until `fd` or `wake` is readable, or that instant has come; tells whether `wake` is.
pub(super) fn wait_readable(
    fd: BorrowedFd<'_>,
    wake: Option<BorrowedFd<'_>>,
    until: Option<Instant>,
) -> io::Result<bool> {
    let entry = |fd: Option<BorrowedFd<'_>>| libc::pollfd {
        fd: fd.map_or(-1, |fd| fd.as_raw_fd()),
        events: libc::POLLIN,
        revents: 0,
    };
    let mut entries = [entry(Some(fd)), entry(wake)];
    let milliseconds = until.map_or(-1, |until| {
        let left = until.saturating_duration_since(Instant::now());
        // Rounded up: a wait of no time at all would spin.
        libc::c_int::try_from(left.as_micros().div_ceil(1000)).unwrap_or(libc::c_int::MAX)
    });
    // SAFETY: the kernel reads and writes two entries, which outlive the call.
    match check(unsafe { libc::poll(entries.as_mut_ptr(), 2, milliseconds) }) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        // A signal cuts the wait short; whoever waits looks again anyway.
        _ => Ok(entries[1].revents != 0),
    }
}
