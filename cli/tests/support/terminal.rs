//! Running a command on a terminal.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::process::{Child, Command};

/// A pseudoterminal.
pub struct Terminal {
    ours: File,
}

impl Terminal {
    /// Starts a command whose stdout and stderr are a terminal.
    #[allow(unsafe_code)]
    pub fn spawn(mut command: Command) -> (Terminal, Child) {
        use std::ptr::{null, null_mut};
        let (mut ours, mut theirs) = (-1, -1);
        // SAFETY: openpty writes two descriptors to the two places, and reads nothing: name, modes and size are NULL.
        let failed = unsafe { libc::openpty(&mut ours, &mut theirs, null_mut(), null(), null()) };
        assert_eq!(failed, 0, "openpty: {}", std::io::Error::last_os_error());
        // SAFETY: both descriptors are new, open, and nobody else's.
        let (ours, theirs) = unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) };
        command.stdout(theirs.try_clone().unwrap()).stderr(theirs);
        let child = command.spawn().unwrap();
        (Terminal { ours: ours.into() }, child)
    }

    /// What was written until everyone else has closed the terminal, with its ends of lines as they were written.
    pub fn read(mut self) -> String {
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        // A terminal without another end fails in place of being at its end.
        while let Ok(read) = self.ours.read(&mut buffer) {
            if read == 0 {
                break;
            }
            text.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(text).unwrap().replace("\r\n", "\n")
    }
}
