//! Hosts in another root, and programs that are being replaced.

use std::fs::File;

use super::*;

#[test]
fn a_chrooted_host() {
    alone!(|| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(evil::program(), dir.path().join("plugin")).unwrap();
        let outside = File::open("/").unwrap();
        let root = std::ffi::CString::new(dir.path().to_str().unwrap()).unwrap();
        // SAFETY: chroot reads a NUL-terminated string.
        if unsafe { libc::chroot(root.as_ptr()) } != 0 {
            return skipped("here", std::io::Error::last_os_error());
        }
        std::env::set_current_dir("/").unwrap();
        let inside = |mode| evil(mode).path("/plugin");
        if not_static(&inside("sink").run().termination) {
            return skipped("here", "the plugin could not be linked statically");
        }
        // A file left open by a careless host; /proc is not there to find it.
        let careless = OwnedFd::from(File::open("/plugin").unwrap());
        // SAFETY: F_DUPFD takes a number; the descriptor is new and nobody else's.
        let _careless = unsafe { OwnedFd::from_raw_fd(libc::fcntl(careless.as_raw_fd(), libc::F_DUPFD, 50)) };
        for close_range in [false, true] {
            let outcome = inside("report").without(Missing { close_range, ..Missing::default() }).run();
            assert_exited(&outcome, 0);
            assert_eq!(facts(&outcome, "fds"), ["3"]);
        }
        assert_eq!(exit_code(&inside("fail").run()), Some(7));
        let outcome = inside("hang").run_to_deadline(was_started);
        assert_signaled(&outcome, libc::SIGTERM, Some(Interruption::Timeout));
        // Out again, to remove the directory.
        // SAFETY: fchdir takes a number, chroot reads a NUL-terminated string.
        assert!(unsafe { libc::fchdir(outside.as_raw_fd()) == 0 && libc::chroot(c".".as_ptr()) == 0 });
    });
}

fn not_static(termination: &Termination) -> bool {
    matches!(termination, Termination::NotStarted(error) if error.kind() == std::io::ErrorKind::NotFound)
}

static ENDED: AtomicI32 = AtomicI32::new(-1);

extern "C" fn ended(_: i32) {
    // SAFETY: write reads one byte; the descriptor lives as long as the test.
    unsafe { libc::write(ENDED.load(Ordering::SeqCst), c"!".as_ptr().cast(), 1) };
}

#[test]
fn a_program_open_for_writing_runs_as_soon_as_it_is_closed() {
    alone!(|| {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("copy");
        std::fs::copy(evil::program(), &copy).unwrap();
        let writer = File::options().append(true).open(&copy).unwrap();
        // The first try has failed when its process has ended, which is what SIGCHLD says.
        let (mut told, tell) = std::io::pipe().unwrap();
        ENDED.store(tell.as_raw_fd(), Ordering::SeqCst);
        sigaction(libc::SIGCHLD, handler(ended), libc::SA_RESTART);
        let caller = std::thread::spawn(move || evil("sink").path(&copy).run());
        std::io::Read::read_exact(&mut told, &mut [0]).unwrap();
        drop(writer);
        assert_exited(&caller.join().unwrap(), 0);
    });
}
