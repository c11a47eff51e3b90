//! The process of a plugin: signals to it and its group, its end, its exit status.
//!
//! The host may reap children of its own accord, or ignore SIGCHLD. So a number is never trusted where the
//! process has a descriptor, and the exit status may have to come from that.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::sys::{self, Target, Wait};
use super::{Group, Missing, Termination};

/// How often a process without descriptor is asked whether it has ended.
pub(super) const SLICE: Duration = Duration::from_millis(5);

/// How long a process that has ended, or got SIGKILL, may take until it can be reaped: the kernel frees its
/// memory, a tracer lets it go, an uninterruptible system call returns.
pub(super) const LAST_WAIT: Duration = Duration::from_secs(1);

/// A process that was started here and not yet reaped here.
#[derive(Debug)]
pub(super) struct Child {
    pid: libc::pid_t,
    pidfd: Option<OwnedFd>,
    group: Group,
    missing: Missing,
}

impl Child {
    pub(super) fn new(pid: libc::pid_t, pidfd: Option<OwnedFd>, group: Group, missing: Missing) -> Child {
        Child { pid, pidfd, group, missing }
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Readable once the process has ended.
    pub(super) fn pidfd(&self) -> Option<&OwnedFd> {
        self.pidfd.as_ref()
    }

    /// Whether it has ended, without reaping it.
    pub(super) fn has_ended(&self) -> bool {
        !matches!(sys::wait(self.pid, self.pidfd(), false), Wait::Running)
    }

    /// SIGTERM to the group; SIGCONT too, for one that is stopped.
    pub(super) fn terminate(&self) {
        for signal in [libc::SIGTERM, libc::SIGCONT] {
            if !self.signal(Target::Group, signal) {
                self.signal(Target::Process, signal);
            }
        }
    }

    /// SIGKILL to the group, and to the process itself in case that it left the group.
    ///
    /// Before it is reaped: its number stays its own that long, as process and as group.
    pub(super) fn kill(&self) {
        self.signal(Target::Group, libc::SIGKILL);
        self.signal(Target::Process, libc::SIGKILL);
    }

    /// Whether somebody got the signal.
    fn signal(&self, target: Target, signal: libc::c_int) -> bool {
        if matches!(target, Target::Group) && self.group == Group::Callers {
            return false;
        }
        let by_fd = !(matches!(target, Target::Group) && self.missing.group_signal);
        if let Some(pidfd) = self.pidfd().filter(|_| by_fd) {
            match sys::pidfd_signal(pidfd, target, signal).map_err(|error| error.raw_os_error()) {
                // A kernel without pidfd_send_signal, or without its flag for groups.
                Err(Some(libc::ENOSYS | libc::EINVAL)) => {}
                result => return result.is_ok(),
            }
        }
        // Once somebody else has reaped it, its number may be another's.
        let is_ours = !matches!(sys::wait(self.pid, self.pidfd(), false), Wait::Gone);
        is_ours && sys::kill(self.pid, target, signal).is_ok()
    }

    /// Reaps it, if it has ended.
    pub(super) fn reap(&self) -> Option<Termination> {
        match sys::wait(self.pid, self.pidfd(), true) {
            Wait::Ended(termination) => Some(termination),
            Wait::Running => None,
            // The host, or the kernel for it, was faster. The status is there once that is completed.
            Wait::Gone => match self.pidfd().filter(|_| !self.missing.pidfd_info).map(sys::pidfd_exit) {
                Some(Ok(status)) => status,
                Some(Err(_)) | None => Some(Termination::Unknown),
            },
        }
    }

    /// Reaps a process that has ended or is about to; `None` if it takes longer than [`LAST_WAIT`].
    pub(super) fn reap_soon(&self) -> Option<Termination> {
        let give_up = Instant::now() + LAST_WAIT;
        let mut events = libc::POLLIN;
        loop {
            let termination = self.reap();
            let now = Instant::now();
            if termination.is_some() || now >= give_up {
                return termination;
            }
            let mut set = [sys::poll_entry(sys::borrow(self.pidfd()), events)];
            if sys::poll(&mut set, Some(now + SLICE)).is_err() {
                std::thread::sleep(SLICE);
            } else if set[0].revents != 0 {
                // It has ended, and what still comes is POLLHUP, which need not be asked for.
                events = 0;
            }
        }
    }
}
