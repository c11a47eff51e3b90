//! Hosts that reap or ignore children that are not theirs.

use super::*;

/// What must be known where nothing tells the exit status.
fn assert_unknown_results(missing: Missing) {
    let outcome = evil("fail").without(missing).run();
    assert!(matches!(outcome.termination, Termination::Unknown), "{:?}", outcome.termination);
    assert_eq!((outcome.stdout, outcome.stderr), (b"{\"code\":7}".to_vec(), b"it failed".to_vec()));
    assert!(not_started(&evil("").without(missing).path("/absent").run()).contains("No such file"));
    let outcome = evil("hang").without(missing).run_to_deadline(was_started);
    assert!(matches!(outcome.termination, Termination::Unknown), "{:?}", outcome.termination);
    assert_eq!(outcome.interruption, Some(Interruption::Timeout));
}

fn missing() -> [Missing; 3] {
    let none = Missing::default();
    [
        Missing { pidfd_info: true, ..none },
        Missing { pidfd: true, ..none },
        Missing { clone_pidfd: true, pidfd_info: true, group_signal: true, ..none },
    ]
}

#[test]
fn a_host_that_ignores_sigchld() {
    alone!(|| {
        for (disposition, flags) in [(libc::SIG_IGN, 0), (libc::SIG_DFL, libc::SA_NOCLDWAIT)] {
            sigaction(libc::SIGCHLD, disposition, flags);
            assert_right_results();
            missing().into_iter().for_each(assert_unknown_results);
        }
    });
}

/// Nothing but the kernel's word could say there that a process has let go of the memory of its start.
#[test]
fn a_host_that_ignores_sigchld_where_no_word_comes_of_exec() {
    alone!(|| {
        sigaction(libc::SIGCHLD, libc::SIG_IGN, 0);
        let missing = Missing { word_of_exec: true, pidfd_info: true, ..Missing::default() };
        assert_unknown_results(missing);
        assert_unknown_results(missing);
    });
}

#[test]
fn a_host_with_a_thread_that_reaps_every_child() {
    alone!(|| {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _stop = Stop(&stop);
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    // SAFETY: waitpid accepts NULL for the status.
                    if unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) } < 0 {
                        std::thread::yield_now();
                    }
                }
            });
            for _ in 0..30 {
                assert_right_results();
            }
        });
    });
}

#[test]
fn a_group_whose_leader_the_host_reaped_is_signalled_all_the_same() {
    alone!(|| {
        // The leader dies of SIGTERM and is gone at once; a member of its group ignores that.
        sigaction(libc::SIGCHLD, libc::SIG_IGN, 0);
        let alive = Fifo::new();
        let mut reader = alive.reader();
        let outcome = evil("family").grace(SOON).env("EVIL_ALIVE", &alive.path).run_and_cancel_when_ready();
        assert_eq!(outcome.interruption, Some(Interruption::Cancelled));
        assert_eq!(std::io::Read::read(&mut reader, &mut [0]).unwrap(), 0);
    });
}

#[test]
fn a_group_without_its_leader_is_not_signalled_by_number() {
    alone!(|| {
        sigaction(libc::SIGCHLD, libc::SIG_IGN, 0);
        for missing in [
            Missing { group_signal: true, ..Missing::default() },
            Missing { pidfd: true, ..Missing::default() },
        ] {
            // The leader dies of SIGTERM, has no pipes open any more and is gone: time for SIGKILL. Its number
            // still is the group's here, but nobody could know; so the member that ignored SIGTERM lives.
            let survivor = Survivor::new();
            let call = survivor.env(evil("tough-family")).without(missing);
            assert_eq!(call.run_and_cancel_when_ready().interruption, Some(Interruption::Cancelled));
            survivor.assert_alive();
        }
    });
}

#[test]
fn a_process_that_does_not_go_away_is_left_to_a_later_call() {
    alone!(|| {
        // A tracer keeps it from being reaped, as an uninterruptible system call would from ending.
        let survivor = Survivor::new();
        let mut call = survivor.env(evil("traced"));
        let outcome = call.run();
        if exit_code(&outcome) == Some(77) {
            return skipped(
                "a_process_that_does_not_go_away_is_left_to_a_later_call",
                "ptrace is not allowed",
            );
        }
        assert!(matches!(outcome.termination, Termination::Unknown), "{:?}", outcome.termination);
        assert_eq!((outcome.interruption, outcome.stdout), (None, b"{}".to_vec()));
        let pid = outcome.pid.unwrap() as i32;
        // SAFETY: kill with 0 sends nothing.
        assert_eq!(unsafe { libc::kill(pid, 0) }, 0);
        survivor.assert_alive();
        // The tracer ends after its word, so it may take more than one call.
        call.env = [c"EVIL=sink"].into_iter().collect();
        loop {
            assert_exited(&call.run(), 0);
            // SAFETY: as above.
            if unsafe { libc::kill(pid, 0) } != 0 {
                break;
            }
        }
        assert_no_children();
    });
}
