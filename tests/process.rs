//! Running plugins: what they get, what comes back, and how they are ended.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod evil;

use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use cni::context::Context;
use cni::exec::process::Missing;
use cni::exec::{Interruption, Outcome, Termination};
use cni::types::command::Command;
use evil::{
    Fifo, HOUR, SOON, Survivor, assert_exited, assert_signaled, evil, exit_code, facts, not_started, skipped,
    was_started,
};

/// The kernels that each fallback is for, and this one.
fn kernels() -> [(&'static str, Missing); 9] {
    let none = Missing::default();
    [
        ("this kernel", none),
        ("no start beside the caller", Missing { concurrent_start: true, ..none }),
        ("no word of exec", Missing { word_of_exec: true, ..none }),
        ("no pidfd from clone", Missing { clone_pidfd: true, ..none }),
        ("no pidfd", Missing { pidfd: true, ..none }),
        ("no close_range", Missing { close_range: true, ..none }),
        ("no group signal", Missing { group_signal: true, ..none }),
        ("no exit status from the pidfd", Missing { pidfd_info: true, ..none }),
        (
            "none of it",
            Missing {
                concurrent_start: true,
                word_of_exec: true,
                clone_pidfd: true,
                pidfd: true,
                close_range: true,
                group_signal: true,
                pidfd_info: true,
            },
        ),
    ]
}

fn noise(size: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

#[test]
fn stdin_of_any_size_reaches_the_plugin_and_its_output_comes_back() {
    for size in [0, 1, 4096, 4097, 65_535, 65_536, 65_537, 131_072, 1_000_000] {
        let input = noise(size);
        let outcome = evil("echo").stdin(input.clone()).run();
        assert_exited(&outcome, 0);
        assert!(outcome.stdout == input, "{size} bytes");
        assert!(outcome.stderr.is_empty());
    }
}

#[test]
fn ten_mebibytes_each_way_at_once_do_not_deadlock() {
    let input = noise(10 << 20);
    let outcome = evil("echo").stdin(input.clone()).run();
    assert_exited(&outcome, 0);
    assert!(outcome.stdout == input);
}

#[test]
fn a_plugin_need_not_read_its_stdin() {
    for size in [10, 10 << 20] {
        let outcome = evil("sink").stdin(noise(size)).run();
        assert_exited(&outcome, 0);
        assert_eq!(outcome.stdout, b"{}");
    }
}

#[test]
fn exit_code_stdout_and_stderr_of_a_failure_come_back() {
    let outcome = evil("fail").run();
    assert_exited(&outcome, 7);
    assert_eq!(outcome.stdout, b"{\"code\":7}");
    assert_eq!(outcome.stderr, b"it failed");
}

#[test]
fn a_plugin_that_a_signal_ends_on_its_own_is_not_interrupted() {
    assert_signaled(&evil("die").run(), libc::SIGKILL, None);
}

#[test]
fn a_plugin_may_close_its_output_long_before_its_end() {
    assert_exited(&evil("close").stdin(noise(1 << 20)).run(), 3);
}

#[test]
fn a_script_runs_and_a_file_without_format_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let good = evil("").path(script("good", "#!/bin/sh\ncat; echo \"$0\" >&2; exit 4\n")).stdin("in").run();
    assert_exited(&good, 4);
    assert_eq!(good.stdout, b"in");
    assert_eq!(good.stderr, format!("{}\n", dir.path().join("good").display()).as_bytes());
    // No shell is put in front of it.
    let text = not_started(&evil("").path(script("bad", "echo no interpreter\n")).run());
    assert!(text.starts_with(&format!("exec {}: ", dir.path().join("bad").display())), "{text}");
    assert!(text.contains("Exec format error"), "{text}");
}

#[test]
fn a_program_that_cannot_be_executed_is_an_error_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "").unwrap();
    for (name, missing) in kernels() {
        let text = not_started(&evil("").without(missing).path(dir.path().join("absent")).run());
        let expected =
            format!("exec {}: No such file or directory (os error 2)", dir.path().join("absent").display());
        assert_eq!(text, expected, "{name}");
        let text = not_started(&evil("").without(missing).path(&plain).run());
        assert!(text.contains("Permission denied"), "{name}: {text}");
    }
    let text = not_started(&evil("").path("nul\0byte").run());
    assert!(text.contains("nul byte"), "{text}");
}

#[test]
fn a_plugin_finds_a_clean_process() {
    // What a careless host leaves open.
    let careless: Vec<File> = (0..40).map(|_| File::open("/dev/null").unwrap()).collect();
    for file in &careless {
        // SAFETY: F_SETFD takes a number.
        assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) }, 0);
    }
    for (name, missing) in kernels() {
        for size in [10, 100_000] {
            let call = evil("report").without(missing).stdin(noise(size)).env("B", "2").env("EMPTY", "");
            let outcome = call.run();
            assert_exited(&outcome, 0);
            let fact = |fact| facts(&outcome, fact).join("|");
            assert_eq!(fact("fds"), "3", "{name}");
            assert_eq!([fact("fd0"), fact("fd1"), fact("fd2")], ["pipe", "pipe", "pipe"], "{name}");
            assert_eq!(fact("mask"), "0", "{name}");
            assert_eq!(fact("signals"), "0", "{name}");
            assert_eq!(fact("leader"), "1", "{name}");
            assert_eq!(fact("parent"), std::process::id().to_string());
            assert_eq!(fact("argv0"), evil::program().to_str().unwrap());
            assert_eq!(fact("argv1"), "(none)");
            assert_eq!(facts(&outcome, "env"), ["EVIL=report", "B=2", "EMPTY="], "{name}");
        }
    }
}

#[test]
fn output_is_complete_on_every_kernel() {
    for (name, missing) in kernels() {
        let input = noise(1 << 20);
        let outcome = evil("echo").without(missing).stdin(input.clone()).run();
        assert_exited(&outcome, 0);
        assert!(outcome.stdout == input, "{name}");
        assert_exited(&evil("close").without(missing).run(), 3);
        assert_signaled(&evil("die").without(missing).run(), libc::SIGKILL, None);
    }
}

#[test]
fn a_deadline_ends_a_plugin_with_sigterm() {
    for (_, missing) in kernels() {
        let outcome = evil("hang").without(missing).run_to_deadline(was_started);
        assert_signaled(&outcome, libc::SIGTERM, Some(Interruption::Timeout));
    }
}

#[test]
fn a_cancellation_from_another_thread_ends_a_plugin_and_is_no_timeout() {
    let outcome = evil("hang").timeout(HOUR).run_and_cancel_when_ready();
    assert_signaled(&outcome, libc::SIGTERM, Some(Interruption::Cancelled));
}

#[test]
fn a_plugin_that_heeds_sigterm_has_the_grace_to_clean_up() {
    let plugin = Survivor::new();
    let call = plugin.env(evil("obedient"));
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            plugin.await_life();
            plugin.release();
        });
        call.run_and_cancel_when_ready()
    });
    assert_eq!((exit_code(&outcome), outcome.interruption), (Some(9), Some(Interruption::Cancelled)));
    assert_eq!(outcome.stderr, b"cleaned up");
}

#[test]
fn a_plugin_that_ignores_sigterm_is_killed() {
    for (_, missing) in kernels() {
        let outcome = evil("stubborn").without(missing).grace(SOON).run_and_cancel_when_ready();
        assert_signaled(&outcome, libc::SIGKILL, Some(Interruption::Cancelled));
        assert_eq!(outcome.stderr, b"last words");
    }
}

#[test]
fn a_stopped_plugin_is_ended() {
    for (_, missing) in kernels() {
        let outcome = evil("stop").without(missing).run_and_cancel_when_ready();
        assert_signaled(&outcome, libc::SIGTERM, Some(Interruption::Cancelled));
    }
}

#[test]
fn the_whole_group_is_killed() {
    for (_, missing) in kernels() {
        for mode in ["family", "quiet-family"] {
            let alive = Fifo::new();
            let mut reader = alive.reader();
            let call = evil(mode).without(missing).grace(SOON).env("EVIL_ALIVE", &alive.path);
            // Whether the leader dies of SIGTERM before the grace is over is not the point here.
            assert_eq!(call.run_and_cancel_when_ready().interruption, Some(Interruption::Cancelled));
            // The end of the file: no member is left. This waits for ever otherwise.
            assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        }
    }
}

#[test]
fn a_group_without_pipes_is_not_waited_for() {
    let alive = Fifo::new();
    let mut reader = alive.reader();
    let outcome = evil("quiet-family").env("EVIL_ALIVE", &alive.path).run_and_cancel_when_ready();
    assert_signaled(&outcome, libc::SIGTERM, Some(Interruption::Cancelled));
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
}

#[test]
fn a_descendant_that_left_the_group_and_keeps_the_pipes_holds_nobody_up_and_lives() {
    let survivor = Survivor::new();
    let outcome = survivor.env(evil("escape")).grace(SOON).run_and_cancel_when_ready();
    assert_eq!(outcome.interruption, Some(Interruption::Cancelled));
    survivor.assert_alive();
}

#[test]
fn after_a_normal_exit_nobody_is_signalled_and_a_complete_answer_is_enough() {
    for (_, missing) in kernels() {
        let survivor = Survivor::new();
        let outcome = survivor.env(evil("daemon")).without(missing).env("EVIL_TEXT", " {\"a\":[1]}\n").run();
        assert_exited(&outcome, 0);
        assert_eq!(outcome.stdout, b" {\"a\":[1]}\n");
        survivor.assert_alive();
    }
}

#[test]
fn an_incomplete_answer_is_waited_for_during_the_grace() {
    for mode in ["late", "silent"] {
        let survivor = Survivor::new();
        let outcome = survivor.env(evil(mode)).run();
        assert_exited(&outcome, 0);
        assert_eq!(outcome.stdout, b"{\"a\":1}", "{mode}");
        survivor.assert_alive();
    }
    for command in [Command::Add, Command::Del] {
        let survivor = Survivor::new();
        let outcome = survivor.env(evil("daemon")).command(command).env("EVIL_TEXT", "{").grace(SOON).run();
        assert_exited(&outcome, 0);
        assert_eq!(outcome.stdout, b"{");
        survivor.assert_alive();
    }
}

#[test]
fn a_cancellation_ends_the_wait_for_output_too() {
    let survivor = Survivor::new();
    let outcome = survivor.env(evil("daemon")).env("EVIL_TEXT", "{").run_and_cancel_when_ready();
    assert_eq!((exit_code(&outcome), outcome.interruption), (Some(0), Some(Interruption::Cancelled)));
    survivor.assert_alive();
    // What DEL prints means nothing: it succeeded.
    let survivor = Survivor::new();
    let call = survivor.env(evil("daemon")).env("EVIL_TEXT", "{").command(Command::Del);
    assert_exited(&call.run_and_cancel_when_ready(), 0);
    survivor.assert_alive();
}

#[test]
fn stdout_over_the_limit_ends_a_plugin_that_has_to_answer() {
    for command in [Command::Add, Command::Version] {
        let print = |bytes: &str| {
            let call = evil("print").command(command).env("EVIL_FD", "1").env("EVIL_BYTES", bytes);
            call.keep(100).run()
        };
        let outcome = evil("flood").command(command).env("EVIL_FD", "1").keep(100_000).run();
        assert_signaled(&outcome, libc::SIGTERM, Some(Interruption::StdoutLimit));
        assert_eq!(outcome.stdout.len(), 100_000);
        // Over it by one byte, which may be seen after the end of the plugin.
        let outcome = print("98");
        assert_eq!((outcome.interruption, outcome.stdout.len()), (Some(Interruption::StdoutLimit), 100));
        let outcome = print("97");
        assert_exited(&outcome, 0);
        assert_eq!(outcome.stdout.len(), 100);
    }
}

#[test]
fn any_other_output_over_the_limit_is_thrown_away() {
    for command in [Command::Check, Command::Del, Command::Gc, Command::Status] {
        let call = evil("print").command(command).env("EVIL_FD", "1").env("EVIL_BYTES", "1000000").keep(100);
        let outcome = call.run();
        assert_exited(&outcome, 0);
        assert_eq!(outcome.stdout, [b'x'; 100]);
    }
    let outcome = evil("print").env("EVIL_FD", "2").env("EVIL_BYTES", "1000000").keep(100).run();
    assert_exited(&outcome, 0);
    assert_eq!(outcome.stderr, [&[b'x'; 97][..], b"end"].concat());
}

#[test]
fn a_plugin_that_writes_for_ever_is_ended_by_the_deadline() {
    for fd in ["1", "2"] {
        let call = evil("flood").command(Command::Del).env("EVIL_FD", fd).keep(1000);
        let outcome = call.run_to_deadline(was_started);
        assert_signaled(&outcome, libc::SIGTERM, Some(Interruption::Timeout));
        assert!(outcome.stdout.len() <= 1000 && outcome.stderr.len() <= 1000);
    }
}

#[test]
fn nothing_is_started_when_it_is_too_late_already() {
    let dir = tempfile::tempdir().unwrap();
    let marker = dir.path().join("marker");
    let call = || evil("marker").env("EVIL_MARKER", &marker);
    let late = call().timeout(Duration::ZERO).run();
    assert_eq!(late.interruption, Some(Interruption::Timeout));
    not_started(&late);
    let cancelled = Context::new(Default::default()).unwrap();
    cancelled.cancel();
    let outcome = call().context(&cancelled).run();
    assert_eq!(outcome.interruption, Some(Interruption::Cancelled));
    not_started(&outcome);
    assert!(!marker.exists());
    assert_exited(&call().run(), 0);
    assert!(marker.exists());
}

#[test]
fn a_program_open_for_writing_is_tried_again_until_the_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    std::fs::copy(evil::program(), &copy).unwrap();
    let writer = File::options().append(true).open(&copy).unwrap();
    // A deadline in the middle of a try ends its process before that can say why it failed.
    let busy = |outcome: &Outcome| !was_started(outcome) && not_started(outcome).contains("Text file busy");
    let outcome = evil("sink").path(&copy).run_to_deadline(busy);
    assert_eq!(outcome.interruption, Some(Interruption::Timeout));
    drop(writer);
    assert_exited(&evil("sink").path(&copy).run(), 0);
}

#[test]
fn a_grace_and_a_deadline_beyond_the_clock_are_no_limit() {
    let mut call = evil("sink").grace(Duration::MAX);
    call.limits.deadline = std::time::Instant::now().checked_add(Duration::from_secs(1 << 60));
    assert_exited(&call.run(), 0);
    let survivor = Survivor::new();
    let call = survivor.env(evil("daemon")).env("EVIL_TEXT", "{").grace(Duration::MAX);
    assert_eq!(call.run_and_cancel_when_ready().interruption, Some(Interruption::Cancelled));
    survivor.assert_alive();
}

#[test]
fn a_plugin_runs_in_the_network_namespace_of_the_calling_thread() {
    let name = "a_plugin_runs_in_the_network_namespace_of_the_calling_thread";
    let in_other_namespace = move || {
        // SAFETY: unshare takes a number and changes this thread alone.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            return skipped(name, std::io::Error::last_os_error());
        }
        let here = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        assert_ne!(here, std::fs::read_link("/proc/self/ns/net").unwrap());
        assert_eq!(facts(&evil("report").run(), "net"), [here.to_str().unwrap()]);
    };
    std::thread::spawn(in_other_namespace).join().unwrap();
}

#[test]
fn a_plugin_runs_in_the_mount_namespace_of_the_calling_thread() {
    let name = "a_plugin_runs_in_the_mount_namespace_of_the_calling_thread";
    let in_other_namespace = move || {
        let dir = tempfile::tempdir().unwrap();
        let target = std::ffi::CString::new(dir.path().to_str().unwrap()).unwrap();
        let (nothing, data) = (c"".as_ptr(), std::ptr::null());
        // SAFETY: unshare takes a number; mount reads NUL-terminated strings. Both change this thread alone.
        let mounted = unsafe {
            libc::unshare(libc::CLONE_NEWNS) == 0
                && libc::mount(nothing, c"/".as_ptr(), nothing, libc::MS_REC | libc::MS_PRIVATE, data) == 0
                && libc::mount(nothing, target.as_ptr(), c"tmpfs".as_ptr(), 0, data) == 0
        };
        if !mounted {
            return skipped(name, std::io::Error::last_os_error());
        }
        let seen_here_alone = dir.path().join("plugin");
        std::fs::copy(evil::program(), &seen_here_alone).unwrap();
        let elsewhere = seen_here_alone.clone();
        let everybody = Path::new("/proc/1/root").join(elsewhere.strip_prefix("/").unwrap());
        assert!(!everybody.exists());
        assert_exited(&evil("sink").path(seen_here_alone).run(), 0);
    };
    std::thread::spawn(in_other_namespace).join().unwrap();
}

#[test]
fn threads_run_plugins_at_the_same_time_without_mixing_them_up() {
    let exec = evil("sink").exec;
    std::thread::scope(|scope| {
        for thread in 0..8u8 {
            let exec = &exec;
            scope.spawn(move || {
                for round in 0..20u8 {
                    let input = vec![thread ^ round; 70_000];
                    let call = evil("echo").stdin(input.clone());
                    let mut request = cni::exec::ExecRequest::new(
                        call.command,
                        "evil",
                        &call.path,
                        call.limits,
                        &call.context,
                    );
                    (request.stdin, request.env) = (&call.stdin, &call.env);
                    let outcome = cni::exec::Exec::exec_plugin(exec, &request).unwrap();
                    assert_exited(&outcome, 0);
                    assert!(outcome.stdout == input);
                }
            });
        }
    });
}

/// The new process uses memory of the call until it is the plugin, which the call must not outrun.
#[test]
fn a_start_may_be_interrupted_at_any_moment() {
    for (name, missing) in kernels() {
        for micros in (0..600).step_by(5) {
            let input = vec![b'i'; micros];
            let absent = micros % 100 == 95;
            let mut call = evil("echo").without(missing).grace(Duration::ZERO).stdin(input.clone());
            if absent {
                call = call.path("/absent");
            }
            let outcome = call.timeout(Duration::from_micros(micros as u64)).run();
            match outcome.termination {
                Termination::Exited(0) => assert!(outcome.stdout == input, "{name}: {micros} us"),
                Termination::Signaled(libc::SIGTERM | libc::SIGKILL) => {
                    assert_eq!(outcome.interruption, Some(Interruption::Timeout), "{name}: {micros} us");
                }
                Termination::NotStarted(_) => assert!(absent || outcome.interruption.is_some()),
                other => panic!("{name}: {micros} us: {other:?}"),
            }
        }
    }
}
