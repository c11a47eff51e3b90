//! The system calls of the tests: namespaces and mounts. Nothing else here is unsafe.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Error};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// What a process is to start in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// User, mount and network namespaces of its own; it is root in them, whoever started it.
    WithUser,
    /// Mount and network namespaces of its own; only for root.
    WithoutUser,
}

/// Has `command` start in new namespaces, and end when the calling thread does.
pub fn start_in_namespaces(command: &mut Command, namespaces: Namespaces, uid: u32, gid: u32) {
    // Made here: between fork and exec nothing may be allocated.
    let (uid_map, gid_map) = (format!("0 {uid} 1"), format!("0 {gid} 1"));
    let enter = move || match namespaces {
        Namespaces::WithoutUser => unshare(libc::CLONE_NEWNS | libc::CLONE_NEWNET),
        Namespaces::WithUser => {
            // A process that has changed its user may not write its own maps otherwise.
            set_process(libc::PR_SET_DUMPABLE, 1)?;
            unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWNET)?;
            write(c"/proc/self/setgroups", b"deny")?;
            write(c"/proc/self/uid_map", uid_map.as_bytes())?;
            write(c"/proc/self/gid_map", gid_map.as_bytes())
        }
    };
    // SAFETY: the closure runs in the forked child, which has one thread; it makes system calls only, on
    // memory that was allocated before the fork.
    unsafe {
        command.pre_exec(move || {
            set_process(libc::PR_SET_PDEATHSIG, libc::SIGKILL)?;
            enter()
        });
    }
}

fn set_process(option: i32, value: i32) -> io::Result<()> {
    // SAFETY: these options take a number and no pointer.
    checked(unsafe { libc::prctl(option, value) })
}

fn unshare(flags: i32) -> io::Result<()> {
    // SAFETY: takes no memory; what the thread shares with others afterwards is up to the callers here.
    checked(unsafe { libc::unshare(flags) })
}

fn write(path: &std::ffi::CStr, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the path ends in NUL, the bytes are as long as said, and the descriptor is closed once.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        checked(file)?;
        let written = libc::write(file, bytes.as_ptr().cast(), bytes.len());
        let outcome = if written < 0 { Err(Error::last_os_error()) } else { Ok(()) };
        libc::close(file);
        outcome
    }
}

fn checked(outcome: i32) -> io::Result<()> {
    if outcome < 0 { Err(Error::last_os_error()) } else { Ok(()) }
}

/// Keeps all mounts from here on to this mount namespace.
pub fn make_mounts_private() -> io::Result<()> {
    mount(Path::new("none"), Path::new("/"), c"none", libc::MS_REC | libc::MS_PRIVATE)
}

/// An empty file system in memory on `dir`.
pub fn mount_memory(dir: &Path) -> io::Result<()> {
    mount(Path::new("tmpfs"), dir, c"tmpfs", libc::MS_NOSUID | libc::MS_NODEV)
}

/// A new network namespace, kept by the existing file `at`. The calling thread is in it afterwards.
pub fn new_network(at: &Path) -> io::Result<()> {
    unshare(libc::CLONE_NEWNET)?;
    mount(Path::new("/proc/thread-self/ns/net"), at, c"none", libc::MS_BIND)
}

/// Lets go of the network namespace that `at` keeps.
pub fn release_network(at: &Path) -> io::Result<()> {
    let at = path(at);
    // SAFETY: the path ends in NUL and lives until the call returns.
    checked(unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH) })
}

/// Moves the calling thread to the network namespace `file`.
pub fn join_network(file: &File) -> io::Result<()> {
    // SAFETY: takes a descriptor, which `file` keeps open.
    checked(unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) })
}

/// Sends SIGINT to a process group, as a terminal does for Ctrl-C.
pub fn interrupt_group(leader: u32) {
    let leader = i32::try_from(leader).expect("a process id");
    // SAFETY: takes two numbers.
    checked(unsafe { libc::killpg(leader, libc::SIGINT) }).expect("a process group");
}

/// The user and group that this process runs as.
pub fn identity() -> (u32, u32) {
    // SAFETY: these two cannot fail and take no memory.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

fn mount(source: &Path, target: &Path, kind: &std::ffi::CStr, flags: libc::c_ulong) -> io::Result<()> {
    let (source, target) = (path(source), path(target));
    // SAFETY: the texts end in NUL and live until the call returns; no data is passed.
    checked(unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, std::ptr::null()) })
}

fn path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("a path has no NUL")
}
