//! Work in another network namespace.
//!
//! A thread that entered a namespace and could not come back would be lost to its owner, who would go on in the
//! wrong one. So nobody's thread enters one: the work is done by a thread that is made for it and ends with it. It has
//! all signals blocked, so that no handler of the host runs in the wrong namespace.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{Error, Result, code};
use crate::thread::SignalsBlocked;

/// Enough for a few system calls and the messages of netlink.
const STACK_BYTES: usize = 256 << 10;

pub(super) struct Entered;

impl Entered {
    /// Runs `work` in the network namespace at that path, while the calling thread waits.
    pub(super) fn run<T: Send>(netns: &Path, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let namespace = open(netns).map_err(|error| invalid(netns, "failed to open", &error))?;
        let entered = || {
            // SAFETY: setns takes two numbers, and what it changes is this thread's alone, which ends with it.
            if unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) } < 0 {
                return Err(invalid(netns, "failed to enter", &io::Error::last_os_error()));
            }
            work()
        };
        std::thread::scope(|scope| {
            let blocked = SignalsBlocked::new();
            // The new thread inherits the mask.
            let thread = std::thread::Builder::new()
                .name(String::from("cni-netns"))
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, entered);
            drop(blocked);
            let thread = thread.map_err(|error| {
                Error::of_plugin(code::IO_FAILURE, format!("failed to start a thread: {error}"), "")
            })?;
            thread.join().unwrap_or_else(|_| {
                Err(Error::of_plugin(code::INTERNAL, "the work in the network namespace panicked", ""))
            })
        })
    }
}

/// Whether nothing is there any more.
pub(super) fn is_gone(netns: &Path) -> bool {
    netns.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn open(netns: &Path) -> io::Result<File> {
    // Whatever it is: not blocking, and without an effect of its own.
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(netns)
}

fn invalid(netns: &Path, what: &str, error: &io::Error) -> Error {
    let why = match error.raw_os_error() {
        Some(libc::EINVAL) => String::from("it is not a network namespace"),
        _ => error.to_string(),
    };
    let msg = format!("{what} the network namespace {}: {why}", netns.display());
    Error::of_plugin(code::INVALID_NETNS, msg, "")
}
