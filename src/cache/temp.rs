//! Files being written.
//!
//! One that takes nobody's place has no name until it is whole (`O_TMPFILE`), and a crash leaves nothing of it. Others, and all where
//! the file system has no such files or does not flush them, are in `<cacheDir>/.libcni/tmp`. There the
//! writer holds the file's own lock (flock) for as long as it lives. The kernel lets go of it when the
//! process ends, however that happens, in whatever pid namespace; so a file there that nobody has locked
//! is a dead writer's, and the next one who writes there removes it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::dir::Dir;
use super::sys;

/// How many entries one store looks at. Together with the stores themselves this bounds the litter.
const SWEEP_MOST: usize = 32;

/// How often a name may turn out to be taken, or a new file to be swept before it was locked.
const ATTEMPTS: usize = 16;

/// A new file. Nothing is left of it when it goes out of scope before it was put in its place.
#[derive(Debug)]
pub(super) struct Temp {
    file: File,
    length: u64,
    /// Where it has a name.
    named: Option<Named>,
}

/// The name of a file being written. It is removed when it goes out of scope before it was given up.
#[derive(Debug)]
struct Named {
    dir: Arc<Dir>,
    name: String,
    gone: bool,
}

impl Temp {
    /// One without a name, which can be put into `dir` where nothing stands; where the file system can do that.
    pub(super) fn without_name(dir: &Dir, durable: bool) -> io::Result<Temp> {
        Ok(Temp { file: dir.create_unnamed(durable)?, length: 0, named: None })
    }

    /// One in `dir`, the directory of files being written, of which it removes what dead writers left.
    pub(super) fn create(dir: &Arc<Dir>) -> io::Result<Temp> {
        sweep(dir);
        for _ in 0..ATTEMPTS {
            let name = unique();
            let mut locked = Ok(false);
            let lock = |file: &File| locked = sys::try_flock(file.as_fd());
            let (file, metadata) = match dir.create_file_and(&name, lock) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                outcome => outcome?,
            };
            // From here on the name is removed on every way out.
            let named = Named { dir: dir.clone(), name, gone: false };
            let temp = Temp { file, length: 0, named: Some(named) };
            match locked {
                // Between its making and this lock a sweep may have taken it for a dead one.
                Ok(true) if metadata.nlink() > 0 => return Ok(temp),
                Ok(_) => {}
                // A file system without this lock. Nobody can sweep there either.
                Err(_) => return Ok(temp),
            }
        }
        Err(io::Error::other("no temporary file lasts"))
    }

    pub(super) fn has_name(&self) -> bool {
        self.named.is_some()
    }

    /// Makes `bytes` its contents, whatever they were.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, 0)?;
        let length = bytes.len() as u64;
        if self.length > length {
            self.file.set_len(length)?;
        }
        self.length = length;
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Makes the file `to` out of this one. Tells with false that the name is taken, unless that is to be replaced; one
    /// without a name cannot replace.
    pub(super) fn place(&mut self, to: (&Dir, &str), replace: bool) -> io::Result<bool> {
        match &mut self.named {
            Some(named) => {
                named.gone = named.dir.rename(&named.name, to, replace)?;
                Ok(named.gone)
            }
            None if replace => Ok(false),
            None => to.0.link(&self.file, to.1),
        }
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        if !self.gone {
            // Should this fail, a later sweep removes it.
            let _ = self.dir.remove(&self.name);
        }
    }
}

/// Removes what dead writers left. Never a reason for a store to fail.
fn sweep(dir: &Dir) {
    let mut names = Vec::new();
    let _ = dir.some_names(|name| {
        if !is_own(name) {
            names.push(name.to_owned());
        }
    });
    for name in names.into_iter().take(SWEEP_MOST) {
        let Ok((file, _)) = dir.open_file(&name, libc::O_RDONLY) else { continue };
        if sys::try_flock(file.as_fd()).is_ok_and(|dead| dead) {
            // Names are never used again: this one is the locked file's, or nobody's any more.
            let _ = dir.remove(&name);
        }
    }
}

/// When this process made its first name, in nanoseconds since 1970; 0 before that.
static FIRST: AtomicU64 = AtomicU64::new(0);

/// A name that no other file has: the time first, so that names sort by age.
pub(super) fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    let now = u64::try_from(now).unwrap_or(u64::MAX).max(1);
    let _ = FIRST.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{now:020x}-{:x}-{count:x}", process::id())
}

/// Whether the name is one that this process made: its writer is at work, and removes it whatever happens.
///
/// Another process with the same number was before this one, or is in another pid namespace; what that leaves is swept by
/// others. A name that is taken for another's by mistake is found locked.
fn is_own(name: &OsStr) -> bool {
    let Some((time, rest)) = name.to_str().and_then(|name| name.split_once('-')) else { return false };
    let number = |digits: Option<&str>| u64::from_str_radix(digits?, 16).ok();
    let first = FIRST.load(Ordering::Relaxed);
    first != 0
        && number(Some(time)).is_some_and(|time| time >= first)
        && number(rest.split('-').next()) == Some(process::id().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_process_are_told_from_those_of_others_before_it() {
        let name = unique();
        assert!(is_own(OsStr::new(&name)));
        let (_, rest) = name.split_once('-').unwrap_or_default();
        let earlier = FIRST.load(Ordering::Relaxed) - 1;
        assert!(!is_own(OsStr::new(&format!("{earlier:020x}-{rest}"))));
        let other = process::id() + 1;
        assert!(!is_own(OsStr::new(&format!("{:020x}-{other:x}-0", u64::MAX))));
        for name in ["", "-", "x", "x-1-1", "ffffffffffffffffffff-1-1"] {
            assert!(!is_own(OsStr::new(name)), "{name}");
        }
    }
}
