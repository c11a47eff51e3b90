//! The eventfd that wakes a poll loop when a context is cancelled.

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// A new eventfd, close-on-exec and non-blocking.
pub(super) fn new() -> std::io::Result<OwnedFd> {
    // SAFETY: eventfd takes no pointers.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the call above made this descriptor and nobody else knows it.
    crate::descriptor::above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes the eventfd readable. Async-signal-safe, and keeps `errno`.
pub(super) fn notify(fd: RawFd) {
    let one: u64 = 1;
    // SAFETY: __errno_location is valid for this thread at any time; write reads the eight bytes of
    // `one`, which outlives the call, and is async-signal-safe. A full counter (EAGAIN) is readable
    // already, so the result does not matter.
    unsafe {
        let errno = libc::__errno_location();
        let saved = *errno;
        libc::write(fd, (&raw const one).cast(), size_of::<u64>());
        *errno = saved;
    }
}

/// Takes back a wake-up.
pub(super) fn drain(fd: RawFd) {
    let mut count: u64 = 0;
    // SAFETY: read writes at most the eight bytes of `count`, which outlives the call. An eventfd that
    // has nothing to read answers EAGAIN, which is as good.
    unsafe { libc::read(fd, (&raw mut count).cast(), size_of::<u64>()) };
}
