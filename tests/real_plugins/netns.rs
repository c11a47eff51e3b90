//! Network namespaces: of the private host, and of containers.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sys;

/// A network namespace to look at and to act in.
#[derive(Clone, Debug)]
pub struct Netns(PathBuf);

impl Netns {
    /// The private host's own.
    pub fn host() -> Netns {
        Netns("/proc/self/ns/net".into())
    }

    /// A new one with that name.
    pub fn create(name: &str) -> Netns {
        let dir = Path::new("/run/netns");
        fs::create_dir_all(dir).expect("a directory for namespaces");
        let path = dir.join(name);
        File::create(&path).expect("a file that keeps the namespace");
        on_own_thread(|| sys::new_network(&path).expect("a new network namespace"));
        Netns(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("the path is ours")
    }

    /// Takes the namespace's file away; the kernel removes the namespace when nobody is in it any more.
    pub fn remove(&self) {
        sys::release_network(&self.0).expect("a namespace to let go of");
        fs::remove_file(&self.0).expect("a file to remove");
    }

    /// Does something on a thread in this namespace. Sockets and processes that it makes stay there.
    pub fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let file = File::open(&self.0).expect("a namespace to enter");
        on_own_thread(|| {
            sys::join_network(&file).expect("a namespace to enter");
            act()
        })
    }

    /// Runs a program there and returns what it printed. It has to succeed.
    pub fn run(&self, command: &str) -> String {
        self.try_run(command).unwrap_or_else(|stderr| panic!("{command}: {stderr}"))
    }

    /// Runs a program there; what it printed to stdout, or to stderr when it failed.
    pub fn try_run(&self, command: &str) -> Result<String, String> {
        let mut words = command.split_whitespace();
        let mut program = Command::new(words.next().expect("a program"));
        program.args(words).stdin(Stdio::null());
        let output = self.inside(|| program.output()).map_err(|error| error.to_string())?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

/// A namespace belongs to a thread, so that what changes it has one of its own.
fn on_own_thread<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        scope.spawn(act).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
