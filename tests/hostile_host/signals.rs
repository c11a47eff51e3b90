//! Hosts with signals of their own, and cancelled threads.

use std::sync::OnceLock;

use super::*;

/// Blocks or unblocks signals of the calling thread.
fn mask(how: i32, signals: impl IntoIterator<Item = i32>) {
    // SAFETY: a sigset_t is plain data; all functions work on one that outlives them.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, signal);
        }
        assert_eq!(libc::pthread_sigmask(how, &raw const set, std::ptr::null_mut()), 0);
    }
}

fn pending(signal: i32) -> bool {
    // SAFETY: a sigset_t is plain data; sigpending fills it in.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigpending(&raw mut set);
        libc::sigismember(&raw const set, signal) == 1
    }
}

#[test]
fn a_host_with_sigpipe_at_its_default() {
    alone!(|| {
        sigaction(libc::SIGPIPE, libc::SIG_DFL, 0);
        let sink = evil("sink").stdin(vec![b'i'; 10 << 20]);
        for _ in 0..30 {
            assert_exited(&sink.run(), 0);
        }
        sigaction(libc::SIGPIPE, handler(count), 0);
        for _ in 0..30 {
            assert_exited(&sink.run(), 0);
        }
        assert_eq!(HANDLED.load(Ordering::SeqCst), 0);
        // One of the host's own that is pending stays so, and no other becomes so.
        mask(libc::SIG_BLOCK, [libc::SIGPIPE]);
        assert_exited(&sink.run(), 0);
        assert!(!pending(libc::SIGPIPE));
        // SAFETY: raise takes a number.
        unsafe { libc::raise(libc::SIGPIPE) };
        assert_exited(&sink.run(), 0);
        assert!(pending(libc::SIGPIPE));
        mask(libc::SIG_UNBLOCK, [libc::SIGPIPE]);
        assert_eq!(HANDLED.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_host_that_blocks_ignores_and_handles_all_signals() {
    alone!(|| {
        let settable = || (1..=64).filter(|signal| !matches!(signal, 9 | 19 | 32 | 33));
        let others = || settable().filter(|signal| *signal != libc::SIGALRM && *signal != libc::SIGCHLD);
        mask(libc::SIG_BLOCK, settable());
        for disposition in [libc::SIG_DFL, libc::SIG_IGN, handler(count)] {
            others().for_each(|signal| sigaction(signal, disposition, 0));
            let outcome = evil("report").run();
            assert_exited(&outcome, 0);
            assert_eq!(
                (facts(&outcome, "mask"), facts(&outcome, "signals")),
                (vec!["0".into()], vec!["0".into()])
            );
            assert_right_results();
        }
        // The host's own mask and dispositions are as they were.
        // SAFETY: a sigset_t is plain data, which pthread_sigmask fills in.
        let blocked = unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut set);
            settable().all(|signal| libc::sigismember(&raw const set, signal) == 1)
        };
        assert!(blocked);
        mask(libc::SIG_UNBLOCK, [libc::SIGUSR2]);
        // SAFETY: raise takes a number.
        unsafe { libc::raise(libc::SIGUSR2) };
        assert_eq!(HANDLED.load(Ordering::SeqCst), 1);
    });
}

static CANCELLED_BY_HANDLER: OnceLock<Context> = OnceLock::new();

extern "C" fn cancel(_: i32) {
    CANCELLED_BY_HANDLER.get().unwrap().cancel();
}

#[test]
fn a_signal_handler_cancels_a_call() {
    alone!(|| {
        let context = CANCELLED_BY_HANDLER.get_or_init(|| Context::new(Default::default()).unwrap());
        sigaction(libc::SIGUSR1, handler(cancel), 0);
        let outcome = evil("signal-host").context(context).run();
        assert_signaled(&outcome, libc::SIGTERM, Some(Interruption::Cancelled));
    });
}

#[test]
fn a_storm_of_signals_changes_nothing() {
    alone!(|| {
        sigaction(libc::SIGUSR1, handler(count), 0);
        let stop = AtomicBool::new(false);
        // SAFETY: pthread_self takes nothing.
        let caller = unsafe { libc::pthread_self() } as usize;
        std::thread::scope(|scope| {
            let _stop = Stop(&stop);
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    // SAFETY: the thread that is signalled waits for this one, so it is there.
                    unsafe { libc::pthread_kill(caller as libc::pthread_t, libc::SIGUSR1) };
                    std::thread::yield_now();
                }
            });
            for _ in 0..20 {
                assert_right_results();
            }
        });
        assert!(HANDLED.load(Ordering::SeqCst) > 0);
    });
}

#[test]
fn a_thread_is_not_cancelled_in_the_middle_of_a_call() {
    alone!(|| {
        static DONE: AtomicBool = AtomicBool::new(false);
        unsafe extern "C" {
            fn pthread_cancel(thread: libc::pthread_t) -> i32;
        }
        extern "C" fn call(argument: *mut libc::c_void) -> *mut libc::c_void {
            // SAFETY: the call outlives the thread. This thread is cancelled at its next cancellation point,
            // of which there is none outside of the run.
            let outcome = unsafe {
                pthread_cancel(libc::pthread_self());
                (*argument.cast::<Call>()).run()
            };
            DONE.store(exit_code(&outcome) == Some(0), Ordering::SeqCst);
            std::ptr::null_mut()
        }
        let mut it = evil("echo").stdin(vec![b'i'; 1 << 20]);
        // SAFETY: the thread is joined before what it uses goes away.
        unsafe {
            let mut thread = 0;
            let argument = (&raw mut it).cast();
            assert_eq!(libc::pthread_create(&raw mut thread, std::ptr::null(), call, argument), 0);
            assert_eq!(libc::pthread_join(thread, std::ptr::null_mut()), 0);
        }
        assert!(DONE.load(Ordering::SeqCst));
    });
}
