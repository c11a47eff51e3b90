//! Hosts that fork without exec.

use super::*;

/// Copies of this process, made one after the other, that do nothing.
fn copies_until(stop: &AtomicBool) -> Vec<libc::pid_t> {
    let mut copies = Vec::new();
    while !stop.load(Ordering::SeqCst) && copies.len() < 2000 {
        // SAFETY: the copy does nothing but wait to be killed.
        match unsafe { libc::fork() } {
            0 => loop {
                // SAFETY: pause takes nothing.
                unsafe { libc::pause() };
            },
            copy => copies.push(copy),
        }
    }
    copies
}

fn end(copies: Vec<libc::pid_t>) {
    for copy in copies {
        // SAFETY: the number is that of a child not yet reaped; waitpid accepts NULL for the status.
        unsafe {
            libc::kill(copy, libc::SIGKILL);
            libc::waitpid(copy, std::ptr::null_mut(), 0);
        }
    }
}

#[test]
fn a_host_that_forks_during_calls() {
    alone!(|| {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let stopping = Stop(&stop);
            let forks = scope.spawn(|| copies_until(&stop));
            for _ in 0..50 {
                let input = vec![b'i'; 60_000];
                // A copy may keep the plugin's end of stdout open; an answer is complete nevertheless.
                let outcome = evil("echo").stdin(*b"{\"a\":1}").grace(SOON).run();
                assert_exited(&outcome, 0);
                assert_eq!(outcome.stdout, b"{\"a\":1}");
                let outcome = evil("echo").stdin(input.clone()).grace(SOON).run();
                assert_exited(&outcome, 0);
                assert!(outcome.stdout == input);
            }
            drop(stopping);
            end(forks.join().unwrap());
        });
        assert_no_children();
    });
}

/// A copy of the host that keeps the plugin's end of a pipe open has no say in a start that failed.
#[test]
fn a_host_that_forks_during_a_start_that_fails() {
    alone!(|| {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let stopping = Stop(&stop);
            let forks = scope.spawn(|| copies_until(&stop));
            for _ in 0..200 {
                let outcome = evil("sink").path("/absent").run();
                assert!(not_started(&outcome).contains("No such file"));
            }
            drop(stopping);
            end(forks.join().unwrap());
        });
        assert_no_children();
    });
}

/// Whether each of the eventfds of this process is readable; that of a context is the only one here.
fn readable_eventfds() -> Vec<bool> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let eventfds = entries.filter(|fd| {
        let target = std::fs::read_link(fd).unwrap_or_default();
        target.to_string_lossy().contains("eventfd")
    });
    let readable = |fd: std::path::PathBuf| {
        let fd = fd.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let mut entry = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: poll works on one entry, which outlives the call.
        unsafe { libc::poll(&raw mut entry, 1, 0) == 1 }
    };
    eventfds.map(readable).collect()
}

#[test]
fn a_forked_copy_of_the_host_that_cancels_does_not_cancel_here() {
    alone!(|| {
        let (ready, release) = (Fifo::new(), Fifo::new());
        let mut writer = release.writer();
        let context = Context::new(Default::default()).unwrap();
        let call = evil("await").context(&context);
        let call = call.env("EVIL_READY", &ready.path).env("EVIL_RELEASE", &release.path);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                ready.await_end();
                // SAFETY: the copy writes to a descriptor and ends without running anything else; waitpid
                // accepts NULL for the status.
                unsafe {
                    let copy = libc::fork();
                    if copy == 0 {
                        context.cancel();
                        libc::_exit(0);
                    }
                    libc::waitpid(copy, std::ptr::null_mut(), 0);
                }
                std::io::Write::write_all(&mut writer, b"1").unwrap();
            });
            assert_exited(&call.run(), 0);
        });
        assert!(!context.is_cancelled());
        // The wake-up was taken back, or the call would have gone round in circles until its end.
        assert_eq!(readable_eventfds(), [false]);
        context.cancel();
        assert_eq!(call.run().interruption, Some(Interruption::Cancelled));
    });
}
