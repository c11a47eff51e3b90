//! Hosts without or short of descriptors and pipes, and what is left open.

use std::collections::BTreeSet;

use cni::types::command::Command;

use super::*;

/// The open descriptors, that of the listing itself left out.
fn descriptors() -> BTreeSet<i32> {
    let open = |fd: &i32| {
        // SAFETY: F_GETFD takes nothing.
        unsafe { libc::fcntl(*fd, libc::F_GETFD) >= 0 }
    };
    (0..4096).filter(open).collect()
}

/// Sets the soft limit of descriptors.
fn limit_descriptors(soft: libc::rlim_t) {
    // SAFETY: getrlimit and setrlimit work on a struct that outlives them.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        let limit = libc::rlimit { rlim_cur: soft, ..limit };
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
}

#[test]
fn a_host_without_stdin_stdout_and_stderr() {
    alone!(|| {
        // SAFETY: fcntl and dup2 take numbers; the standard streams come back at the end.
        let saved = [0, 1, 2].map(|fd| unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 100) });
        let mut failed = Vec::new();
        for closed in 1..8 {
            // SAFETY: as above.
            (0..3).filter(|fd| closed >> fd & 1 == 1).for_each(|fd| unsafe {
                libc::close(fd);
            });
            for size in [10, 1 << 20] {
                let missing = Missing { clone_pidfd: closed == 7, ..Missing::default() };
                let result = std::panic::catch_unwind(|| {
                    let input = vec![b'i'; size];
                    let outcome = evil("echo").without(missing).stdin(input.clone()).run();
                    assert_exited(&outcome, 0);
                    assert!(outcome.stdout == input);
                    let outcome = evil("report").stdin(input).run();
                    assert_eq!(facts(&outcome, "fds"), ["3"]);
                    assert_eq!(evil("fail").run().stderr, b"it failed");
                });
                failed.extend(result.err().map(|_| (closed, size)));
            }
            // SAFETY: as above.
            (0..3).for_each(|fd| unsafe {
                libc::dup2(saved[fd as usize], fd);
            });
        }
        assert!(failed.is_empty(), "{failed:?}");
    });
}

#[test]
fn a_host_short_of_descriptors() {
    alone!(|| {
        let before = descriptors();
        for size in [10, 1 << 20] {
            let mut texts = Vec::new();
            // One more number at a time, from none at all; those in use above the limit stay usable.
            let free = (0..).find(|fd| !before.contains(fd)).unwrap();
            for numbers in free.. {
                let call = evil("echo").stdin(vec![b'i'; size]);
                limit_descriptors(numbers as libc::rlim_t);
                let outcome = call.run();
                limit_descriptors(1000);
                assert_eq!(descriptors(), before);
                assert_no_children();
                if exit_code(&outcome) == Some(0) {
                    break;
                }
                texts.push(not_started(&outcome));
            }
            let said = |step: &str| {
                let start = format!("{step}: Too many open files");
                texts.iter().any(|text| text.starts_with(&start))
            };
            let steps = ["pipe for stdin", "pipe for stdout", "pipe for stderr", "new process"];
            let missing = steps.into_iter().find(|step| !said(step));
            assert!(
                missing.is_none_or(|step| size == 10 && step != "pipe for stdout"),
                "{missing:?}: {texts:?}"
            );
            assert!(texts.iter().all(|text| text.contains("Too many open files")), "{texts:?}");
        }
    });
}

#[test]
fn a_host_that_lowers_its_limit_of_descriptors_during_a_call() {
    alone!(|| {
        // Lower than the number of descriptors that are polled, which poll refuses.
        let (ready, release) = (Fifo::new(), Fifo::new());
        let mut writer = release.writer();
        let input = vec![b'i'; 1 << 20];
        let call = evil("await").stdin(input.clone());
        let call = call.env("EVIL_READY", &ready.path).env("EVIL_RELEASE", &release.path);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                ready.await_end();
                limit_descriptors(1);
                std::io::Write::write_all(&mut writer, b"1").unwrap();
            });
            let outcome = call.run();
            assert_exited(&outcome, 0);
            assert!(outcome.stdout == input);
        });
        limit_descriptors(100);
    });
}

#[test]
fn a_host_whose_user_has_used_up_its_pipe_buffers() {
    alone!(|| {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("copy");
        std::fs::copy(evil::program(), &copy).unwrap();
        // SAFETY: chown reads a NUL-terminated string; the others take numbers.
        let unprivileged = unsafe {
            let dir = std::ffi::CString::new(dir.path().to_str().unwrap()).unwrap();
            // A user that nothing else runs as: the count is the user's. It has to remove the directory, too.
            let user = 100_000 + std::process::id();
            libc::chown(dir.as_ptr(), user, user);
            libc::setresuid(user, user, user) == 0
        };
        if !unprivileged {
            return skipped(
                "a_host_whose_user_has_used_up_its_pipe_buffers",
                std::io::Error::last_os_error(),
            );
        }
        limit_descriptors(4096);
        let mut pipes = Vec::new();
        loop {
            let pipe = std::io::pipe().unwrap();
            // SAFETY: F_GETPIPE_SZ takes nothing.
            if unsafe { libc::fcntl(pipe.0.as_raw_fd(), libc::F_GETPIPE_SZ) } < 60_000 {
                break;
            }
            pipes.push(pipe);
        }
        let input = vec![b'i'; 60_000];
        let outcome = evil("echo").path(&copy).stdin(input.clone()).run();
        assert_exited(&outcome, 0);
        assert!(outcome.stdout == input);
    });
}

#[test]
fn no_run_leaves_a_descriptor_a_child_or_a_mapping_behind() {
    alone!(|| {
        let mappings = || {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            maps.lines().filter(|line| line.contains("/dev/zero")).count()
        };
        let (open, mapped) = (descriptors(), mappings());
        let none = Missing::default();
        let all = Missing {
            concurrent_start: true,
            word_of_exec: true,
            clone_pidfd: true,
            pidfd: true,
            close_range: true,
            group_signal: true,
            pidfd_info: true,
        };
        let some = [
            none,
            Missing { concurrent_start: true, ..none },
            Missing { word_of_exec: true, ..none },
            Missing { clone_pidfd: true, ..none },
            Missing { pidfd: true, ..none },
            all,
        ];
        for missing in some {
            let call = |mode| evil(mode).without(missing);
            let alive = Fifo::new();
            let runs: [(&str, &dyn Fn() -> Call); 9] = [
                ("success", &|| call("sink")),
                ("failure", &|| call("fail")),
                ("stdin not read", &|| call("sink").stdin(vec![0; 1 << 20])),
                ("signal", &|| call("die")),
                ("absent", &|| call("").path("/absent")),
                ("not executable", &|| call("").path("/etc/passwd")),
                ("timeout", &|| call("hang").timeout(SOON)),
                ("killed", &|| call("stop").grace(SOON).timeout(SOON)),
                ("stdout limit", &|| call("flood").env("EVIL_FD", "1").keep(10)),
            ];
            for (name, run) in runs {
                run().run();
                assert_eq!(descriptors(), open, "{name}");
                assert_no_children();
                assert_eq!(mappings(), mapped, "{name}");
            }
            let call = call("family").grace(SOON).command(Command::Del).env("EVIL_ALIVE", &alive.path);
            let reader = alive.reader();
            call.run_and_cancel_when_ready();
            drop(reader);
            assert_eq!(descriptors(), open, "cancelled");
            assert_no_children();
            assert_eq!(mappings(), mapped, "cancelled");
        }
    });
}
