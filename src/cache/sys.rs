//! The system calls that the standard library lacks: files by directory descriptor, and their locks.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::c_int;
#[cfg(target_env = "musl")]
use libc::flock as Flock;
#[cfg(not(target_env = "musl"))]
use libc::flock64 as Flock;

/// How a byte of the locks file is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LockMode {
    Shared,
    Exclusive,
}

impl LockMode {
    fn kind(self) -> c_int {
        match self {
            LockMode::Shared => libc::F_RDLCK,
            LockMode::Exclusive => libc::F_WRLCK,
        }
    }
}

pub(super) fn openat(dir: BorrowedFd<'_>, name: &CStr, flags: c_int, mode: u32) -> io::Result<OwnedFd> {
    let fd = retry(|| {
        // SAFETY: `name` is NUL-terminated and outlives the call, `dir` is open while it is borrowed.
        unsafe { libc::openat(dir.as_raw_fd(), name.as_ptr(), flags | libc::O_CLOEXEC, mode) }
    })?;
    // SAFETY: the call above made this descriptor and nobody else knows it.
    crate::descriptor::above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Opens a path below `dir` that leads neither out of it nor through a link (Linux 5.6).
pub(super) fn openat_below(dir: BorrowedFd<'_>, path: &CStr, flags: c_int) -> io::Result<OwnedFd> {
    // SAFETY: all zero bytes are a valid value of this struct of integers.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (flags | libc::O_CLOEXEC).unsigned_abs().into();
    how.resolve = libc::RESOLVE_BENEATH | libc::RESOLVE_NO_SYMLINKS;
    let fd = retry(|| {
        // SAFETY: `path` is NUL-terminated, `how` has the size that is said; both outlive the call. `dir` is open
        // while it is borrowed.
        let fd = unsafe {
            let how = &raw const how;
            libc::syscall(libc::SYS_openat2, dir.as_raw_fd(), path.as_ptr(), how, size_of::<libc::open_how>())
        };
        c_int::try_from(fd).unwrap_or(-1)
    })?;
    // SAFETY: the call above made this descriptor and nobody else knows it.
    crate::descriptor::above_stdio(unsafe { OwnedFd::from_raw_fd(fd) })
}

pub(super) fn mkdirat(dir: BorrowedFd<'_>, name: &CStr, mode: u32) -> io::Result<()> {
    // SAFETY: as for openat.
    retry(|| unsafe { libc::mkdirat(dir.as_raw_fd(), name.as_ptr(), mode) }).map(drop)
}

/// The permissions of an entry; never those of a link's target.
pub(super) fn mode_at(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<u32> {
    // SAFETY: all zero bytes are a valid value of this struct of integers.
    let mut about: libc::stat = unsafe { std::mem::zeroed() };
    retry(|| {
        // SAFETY: as for openat; the kernel fills in `about`, which outlives the call.
        unsafe { libc::fstatat(dir.as_raw_fd(), name.as_ptr(), &raw mut about, libc::AT_SYMLINK_NOFOLLOW) }
    })?;
    Ok(about.st_mode & 0o7777)
}

/// Sets the mode of an entry that may not even be opened; never that of a link's target. C libraries and
/// kernels without fchmodat2 (Linux 6.6) need /proc for that.
pub(super) fn chmodat(dir: BorrowedFd<'_>, name: &CStr, mode: u32) -> io::Result<()> {
    // SAFETY: as for openat.
    retry(|| unsafe { libc::fchmodat(dir.as_raw_fd(), name.as_ptr(), mode, libc::AT_SYMLINK_NOFOLLOW) })
        .map(drop)
}

pub(super) fn unlinkat(dir: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    // SAFETY: as for openat.
    retry(|| unsafe { libc::unlinkat(dir.as_raw_fd(), name.as_ptr(), 0) }).map(drop)
}

/// Whether this process may make and rename entries in `dir`.
pub(super) fn check_writable(dir: BorrowedFd<'_>) -> io::Result<()> {
    let (here, mode) = (c".", libc::W_OK | libc::X_OK);
    // SAFETY: as for openat.
    retry(|| unsafe { libc::faccessat(dir.as_raw_fd(), here.as_ptr(), mode, libc::AT_EACCESS) }).map(drop)
}

/// Renames; with `replace` false an existing target is the error EEXIST.
pub(super) fn renameat(
    from: (BorrowedFd<'_>, &CStr),
    to: (BorrowedFd<'_>, &CStr),
    replace: bool,
) -> io::Result<()> {
    let rename = |flags: libc::c_uint| {
        retry(|| {
            // SAFETY: both names are NUL-terminated and outlive the call, both directories are open while
            // they are borrowed. By number, because not every C library has the function.
            let status = unsafe {
                libc::syscall(
                    libc::SYS_renameat2,
                    from.0.as_raw_fd(),
                    from.1.as_ptr(),
                    to.0.as_raw_fd(),
                    to.1.as_ptr(),
                    flags,
                )
            };
            c_int::try_from(status).unwrap_or(-1)
        })
        .map(drop)
    };
    if replace {
        return rename(0);
    }
    match rename(libc::RENAME_NOREPLACE) {
        // A file system (some network ones) that does not know the flag.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => match linkat(from, to, 0) {
            Ok(()) => {
                // Should this fail, the file has its name all the same.
                let _ = unlinkat(from.0, from.1);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Nor links. The locks keep others away.
            Err(_) => rename(0),
        },
        outcome => outcome,
    }
}

fn linkat(from: (BorrowedFd<'_>, &CStr), to: (BorrowedFd<'_>, &CStr), flags: c_int) -> io::Result<()> {
    retry(|| {
        // SAFETY: both names are NUL-terminated and outlive the call, both descriptors are open while they are borrowed.
        unsafe { libc::linkat(from.0.as_raw_fd(), from.1.as_ptr(), to.0.as_raw_fd(), to.1.as_ptr(), flags) }
    })
    .map(drop)
}

/// Gives the open file `file` the name `to` in `dir`. Who may not do that by descriptor (before Linux 6.10 it takes a capability)
/// does it by the link in /proc, as open(2) advises.
pub(super) fn link(file: BorrowedFd<'_>, dir: BorrowedFd<'_>, to: &CStr) -> io::Result<()> {
    match linkat((file, c""), (dir, to), libc::AT_EMPTY_PATH) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // The thread's own: it need not share its descriptors with the process.
            let name = CString::new(format!("/proc/thread-self/fd/{}", file.as_raw_fd()))?;
            linkat((file, &name), (dir, to), libc::AT_SYMLINK_FOLLOW)
        }
        outcome => outcome,
    }
}

/// Whether a file that was flushed before it got its name is whole after a power cut. On btrfs before Linux 6.16 it is empty, since
/// flushing one without a name does nothing; overlayfs does not tell what is below it. Tried: ext4, xfs.
pub(super) fn flushes_unnamed(dir: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: all zero bytes are a valid value of this struct of integers.
    let mut about: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills in `about`, which outlives the call.
    retry(|| unsafe { libc::fstatfs(dir.as_raw_fd(), &raw mut about) })?;
    // The type of these differs between C libraries.
    let known = [libc::EXT4_SUPER_MAGIC as u32, libc::XFS_SUPER_MAGIC as u32, libc::TMPFS_MAGIC as u32];
    Ok(known.contains(&(about.f_type as u32)))
}

/// Takes the whole-file lock of `fd` unless somebody else has it.
pub(super) fn try_flock(fd: BorrowedFd<'_>) -> io::Result<bool> {
    // SAFETY: flock takes no pointers.
    let outcome = retry(|| unsafe { libc::flock(fd.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) });
    taken(outcome, &[libc::EWOULDBLOCK])
}

/// Takes the lock of one byte for the open file description behind `fd`, unless another one has it.
pub(super) fn try_lock_byte(fd: BorrowedFd<'_>, mode: LockMode, offset: i64) -> io::Result<bool> {
    taken(set_lock(fd, mode.kind(), offset, 1), &[libc::EAGAIN, libc::EACCES])
}

/// Whether nobody's lock stands in the way of that lock of one byte, which is not taken.
pub(super) fn could_lock_byte(fd: BorrowedFd<'_>, mode: LockMode, offset: i64) -> io::Result<bool> {
    let mut lock = flock(mode.kind(), offset, 1);
    // SAFETY: `lock` outlives the call, which reads it and writes to it.
    retry(|| unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) })?;
    Ok(lock.l_type == libc::F_UNLCK as libc::c_short)
}

pub(super) fn unlock_byte(fd: BorrowedFd<'_>, offset: i64) -> io::Result<()> {
    set_lock(fd, libc::F_UNLCK, offset, 1).map(drop)
}

pub(super) fn unlock_all(fd: BorrowedFd<'_>) -> io::Result<()> {
    set_lock(fd, libc::F_UNLCK, 0, 0).map(drop)
}

fn set_lock(fd: BorrowedFd<'_>, kind: c_int, start: i64, len: i64) -> io::Result<c_int> {
    let lock = flock(kind, start, len);
    // SAFETY: `lock` outlives the call, which only reads it.
    retry(|| unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) })
}

fn flock(kind: c_int, start: i64, len: i64) -> Flock {
    // SAFETY: all zero bytes are a valid value of this struct of integers; `l_pid` must be zero.
    let mut lock: Flock = unsafe { std::mem::zeroed() };
    // The constants are small; their type differs between C libraries.
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = start;
    lock.l_len = len;
    lock
}

fn taken(outcome: io::Result<c_int>, busy: &[c_int]) -> io::Result<bool> {
    match outcome {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error().is_some_and(|code| busy.contains(&code)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Fills `buffer` with the next entries of a directory, in the kernel's form; 0 at the end.
pub(super) fn getdents(dir: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        // SAFETY: the kernel writes at most `buffer.len()` bytes to `buffer`, which outlives the call.
        let filled = unsafe {
            libc::syscall(libc::SYS_getdents64, dir.as_raw_fd(), buffer.as_mut_ptr(), buffer.len())
        };
        match usize::try_from(filled) {
            Ok(filled) => return Ok(filled),
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}

/// Makes what one call reads from the beginning of a file the contents of `buffer`, as much as that has room for.
pub(super) fn read_beginning(file: BorrowedFd<'_>, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    let room = buffer.spare_capacity_mut();
    let count = retry(|| {
        // SAFETY: pread writes at most `room.len()` bytes to memory that the vector owns and has not given out.
        let count = unsafe { libc::pread(file.as_raw_fd(), room.as_mut_ptr().cast(), room.len(), 0) };
        c_int::try_from(count).unwrap_or(-1)
    })?;
    // SAFETY: pread has just written `count` bytes to the beginning of the vector's memory, and no more than it had room for.
    unsafe { buffer.set_len(usize::try_from(count).unwrap_or(0)) };
    Ok(())
}

/// Waits until `fd` is readable, or that many milliseconds; tells whether it is readable.
pub(super) fn wait_readable(fd: Option<BorrowedFd<'_>>, timeout_ms: c_int) -> io::Result<bool> {
    let mut entry = libc::pollfd { fd: fd.map_or(-1, |fd| fd.as_raw_fd()), events: libc::POLLIN, revents: 0 };
    // SAFETY: `entry` is one pollfd and outlives the call; a negative descriptor in it is ignored.
    match unsafe { libc::poll(&raw mut entry, 1, timeout_ms) } {
        -1 => {
            let error = io::Error::last_os_error();
            // A signal cuts the wait short; whoever waits looks again anyway.
            if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) }
        }
        _ => Ok(entry.revents != 0),
    }
}

fn retry(mut call: impl FnMut() -> c_int) -> io::Result<c_int> {
    loop {
        let outcome = call();
        if outcome >= 0 {
            return Ok(outcome);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
