//! File descriptors and the standard streams of the host.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The same descriptor under a number above 2.
///
/// In a host that closed 0 to 2, a new descriptor takes such a number. The host would mistake it for its stdin,
/// stdout or stderr: what another thread prints would go into a file of the cache, and the host that opens its
/// streams again would close it. A plugin's own are set up under these numbers, too.
pub(crate) fn above_stdio(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > libc::STDERR_FILENO {
        return Ok(fd);
    }
    // SAFETY: F_DUPFD_CLOEXEC takes a number, not a pointer.
    let moved = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) };
    if moved < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made this descriptor and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(moved) })
}
