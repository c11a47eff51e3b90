//! Running plugins in hosts that do what hosts do: reap all children, ignore signals, close descriptors, fork.
//!
//! What a host does is of its whole process, so each test runs in one of its own: this program again, asked for
//! that one test.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

/// Runs the body of the test that it stands in in a process of its own.
macro_rules! alone {
    ($body:expr) => {{
        fn here() {}
        $crate::in_a_process_of_its_own(std::any::type_name_of_val(&here), $body)
    }};
}
#[path = "../evil/mod.rs"]
mod evil;

mod children;
mod descriptors;
mod files;
mod forks;
mod signals;

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

use cni::context::Context;
use cni::exec::process::Missing;
use cni::exec::{Interruption, Termination};
use evil::{
    Call, Fifo, SOON, Survivor, assert_exited, assert_signaled, evil, exit_code, facts, not_started, skipped,
    was_started,
};

fn in_a_process_of_its_own(here: &str, body: impl FnOnce()) {
    const ALONE: &str = "HOSTILE_HOST_TEST";
    let test = here.trim_start_matches("hostile_host::").trim_end_matches("::here");
    let program = evil::program();
    if std::env::var_os(ALONE).is_some_and(|name| name == test) {
        return body();
    }
    let mut host = std::process::Command::new(std::env::current_exe().unwrap());
    host.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    let output = host.env(ALONE, test).env("EVIL_PROGRAM", program).output().unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = text.concat();
    assert!(output.status.success() && text.contains("1 passed"), "{}: {text}", output.status);
    for line in text.lines() {
        if let Some(why) = line.strip_prefix("SKIPPED here: ") {
            skipped(test, why);
        }
    }
}

fn sigaction(signal: i32, handler: libc::sighandler_t, flags: i32) {
    // SAFETY: a sigaction is plain data, for which zero is a value; the handler is SIG_DFL, SIG_IGN or an
    // extern "C" function of one int, which does only what is async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        (action.sa_sigaction, action.sa_flags) = (handler, flags);
        assert_eq!(libc::sigaction(signal, &raw const action, std::ptr::null_mut()), 0);
    }
}

static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: i32) {
    HANDLED.fetch_add(1, Ordering::SeqCst);
}

fn handler(function: extern "C" fn(i32)) -> libc::sighandler_t {
    function as *const () as libc::sighandler_t
}

/// Sets the flag in any case, or the thread that waits for it would keep a test that failed from its end.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// What a host that interferes with its children must see of plugins nevertheless.
fn assert_right_results() {
    let input = vec![b'i'; 1 << 20];
    let outcome = evil("echo").stdin(input.clone()).run();
    assert_exited(&outcome, 0);
    assert!(outcome.stdout == input);
    let outcome = evil("fail").run();
    assert_exited(&outcome, 7);
    assert_eq!(outcome.stderr, b"it failed");
    assert_signaled(&evil("die").run(), libc::SIGKILL, None);
    assert!(not_started(&evil("").path("/absent").run()).contains("No such file"));
    let outcome = evil("stubborn").grace(SOON).run_and_cancel_when_ready();
    assert_signaled(&outcome, libc::SIGKILL, Some(Interruption::Cancelled));
}

fn assert_no_children() {
    // SAFETY: waitpid accepts NULL for the status.
    let result = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
    assert_eq!((result, std::io::Error::last_os_error().raw_os_error()), (-1, Some(libc::ECHILD)));
}
