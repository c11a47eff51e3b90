//! A directory of the cache, held open. Every entry is reached through its descriptor by one name
//! without following a link, so that nothing planted in the cache leads outside of it.

use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Seek};
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::sys;
use crate::descriptor::above_stdio;
use crate::error::{Error, Status};

const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// More than any attachment needs; a file that somebody planted cannot take all memory.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// An open directory, and its path for messages.
#[derive(Debug)]
pub(super) struct Dir {
    file: File,
    /// The cache directory.
    cache: Arc<Path>,
    /// The path from there; empty for the cache directory itself.
    below: Cow<'static, str>,
}

/// What stands under a name of the directory, open for reading.
pub(super) struct Entry(File);

/// A file as it was read.
pub(super) struct Contents {
    /// `None` when the file is too large to be an attachment's.
    pub bytes: Option<Vec<u8>>,
    pub modified: SystemTime,
}

impl Dir {
    /// The cache directory itself, which may be a symbolic link; `None` when there is none.
    pub(super) fn open(path: &Arc<Path>) -> io::Result<Option<Dir>> {
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            outcome => File::from(above_stdio(outcome?.into())?),
        };
        Ok(Some(Dir { file, cache: path.clone(), below: "".into() }))
    }

    /// The cache directory itself, made with its parents when it is not there.
    pub(super) fn make(path: &Arc<Path>, durable: bool) -> io::Result<Dir> {
        if let Some(dir) = Dir::open(path)? {
            return Ok(dir);
        }
        make_path(path, durable)?;
        Dir::open(path)?.ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
    }

    /// The directory `name` in this one; `None` when there is none.
    pub(super) fn subdir(&self, name: &'static str) -> io::Result<Option<Dir>> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW;
        match sys::openat(self.file.as_fd(), &c_name(name)?, flags, 0) {
            Ok(fd) => Ok(Some(self.below(fd, name))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOTDIR | libc::ELOOP)) => {
                Err(io::Error::other("it is not a directory (symbolic links are not followed here)"))
            }
            Err(error) => Err(error),
        }
    }

    /// The directory `name` in this one, made when it is not there. The mode of one that is there stays.
    pub(super) fn make_subdir(&self, name: &'static str, durable: bool) -> io::Result<Dir> {
        if let Some(dir) = self.subdir(name)? {
            return Ok(dir);
        }
        let entry = c_name(name)?;
        match sys::mkdirat(self.file.as_fd(), &entry, DIR_MODE) {
            // The umask may have taken away more than a mode of 0700 has to give. Hardly any does, and a
            // chrooted host may lack the /proc that giving it back can need.
            Ok(()) if sys::mode_at(self.file.as_fd(), &entry)? & 0o777 == DIR_MODE => {}
            Ok(()) => sys::chmodat(self.file.as_fd(), &entry, DIR_MODE)?,
            // Somebody else was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        if durable {
            self.sync()?;
        }
        self.subdir(name)?.ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
    }

    /// Whether there is no entry `name`, which takes less to find out than to open nothing.
    pub(super) fn lacks(&self, name: &str) -> bool {
        let mode = c_name(name).and_then(|name| sys::mode_at(self.file.as_fd(), &name));
        mode.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// The entry `name`, open for reading; `None` when there is none.
    pub(super) fn entry(&self, name: &str) -> io::Result<Option<Entry>> {
        match self.open_any(name, libc::O_RDONLY) {
            Ok(file) => Ok(Some(Entry(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The entry `name` of the directory `dir` in this one, open for reading; `None` when there is none. Where that is
    /// not to be had in one step (a link on the way, a kernel before Linux 5.6), it is an error.
    pub(super) fn entry_below(&self, dir: &str, name: &str) -> io::Result<Option<Entry>> {
        let path = Terminated::new(&[dir.as_bytes(), b"/", name.as_bytes()])?;
        let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;
        match sys::openat_below(self.file.as_fd(), &path, flags) {
            Ok(fd) => Ok(Some(Entry(File::from(fd)))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the regular file `name`. Anything else is an error, and never waited for (a FIFO).
    pub(super) fn open_file(
        &self,
        name: impl AsRef<OsStr>,
        access: libc::c_int,
    ) -> io::Result<(File, Metadata)> {
        regular(self.open_any(name, access)?)
    }

    fn open_any(&self, name: impl AsRef<OsStr>, access: libc::c_int) -> io::Result<File> {
        let flags = access | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        match sys::openat(self.file.as_fd(), &c_name(name)?, flags, 0) {
            Ok(fd) => Ok(File::from(fd)),
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
                Err(io::Error::other("it is a symbolic link, which is not followed here"))
            }
            Err(error) => Err(error),
        }
    }

    /// The regular file at a path of several names below this directory, in one step; `None` where that is not
    /// to be had (nothing there, a link on the way, a kernel before Linux 5.6), which a walk will explain.
    pub(super) fn open_file_below(&self, path: &CStr, access: libc::c_int) -> Option<(File, Metadata)> {
        let flags = access | libc::O_NONBLOCK | libc::O_NOCTTY;
        let file = File::from(sys::openat_below(self.file.as_fd(), path, flags).ok()?);
        let metadata = file.metadata().ok()?;
        metadata.is_file().then_some((file, metadata))
    }

    /// The directory at such a path, under the same conditions.
    pub(super) fn subdir_below(&self, path: &'static CStr) -> Option<Dir> {
        let fd = sys::openat_below(self.file.as_fd(), path, libc::O_RDONLY | libc::O_DIRECTORY).ok()?;
        Some(self.below(fd, path.to_str().unwrap_or_default()))
    }

    fn below(&self, fd: OwnedFd, path: &'static str) -> Dir {
        let below = if self.below.is_empty() { path.into() } else { [&*self.below, path].join("/").into() };
        Dir { file: File::from(fd), cache: self.cache.clone(), below }
    }

    /// A new file of mode 0600, whatever the umask, open for reading and writing.
    pub(super) fn create_file(&self, name: &str) -> io::Result<(File, Metadata)> {
        self.create_file_and(name, |_| ())
    }

    /// The same; `first` has the file before anything else is asked of it.
    pub(super) fn create_file_and(
        &self,
        name: &str,
        first: impl FnOnce(&File),
    ) -> io::Result<(File, Metadata)> {
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW;
        let file = File::from(sys::openat(self.file.as_fd(), &c_name(name)?, flags, FILE_MODE)?);
        first(&file);
        let metadata = with_file_mode(&file)?;
        Ok((file, metadata))
    }

    /// A new file of the same mode that has no name and is to get one in this directory, where the file system has such
    /// files. The kernel looks whether this process may make entries here. A `durable` one is to be flushed before it gets its name.
    pub(super) fn create_unnamed(&self, durable: bool) -> io::Result<File> {
        if durable && !sys::flushes_unnamed(self.file.as_fd())? {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let flags = libc::O_RDWR | libc::O_TMPFILE;
        let file = File::from(sys::openat(self.file.as_fd(), c".", flags, FILE_MODE)?);
        with_file_mode(&file)?;
        Ok(file)
    }

    /// Makes `file`, which has no name, the entry `name`; tells with false that the name is taken.
    pub(super) fn link(&self, file: &File, name: &str) -> io::Result<bool> {
        match sys::link(file.as_fd(), self.file.as_fd(), &c_name(name)?) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the entry `name`; tells whether there was one.
    pub(super) fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        match sys::unlinkat(self.file.as_fd(), &c_name(name)?) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Moves the entry `name` to `to`. Unless `replace`, tells with false that the new name is taken.
    pub(super) fn rename(&self, name: &str, to: (&Dir, &str), replace: bool) -> io::Result<bool> {
        let target = c_name(to.1)?;
        let outcome =
            sys::renameat((self.file.as_fd(), &c_name(name)?), (to.0.file.as_fd(), &target), replace);
        match outcome {
            Ok(()) => Ok(true),
            Err(error) if !replace && error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether this process may make and rename entries here.
    pub(super) fn check_writable(&self) -> io::Result<()> {
        sys::check_writable(self.file.as_fd())
    }

    /// Makes what was made, renamed and removed in here survive a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        // The cache directory itself is held by a descriptor that can do nothing but lead on.
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        match File::from(sys::openat(self.file.as_fd(), c".", flags, 0)?).sync_all() {
            // A file system that has no such thing for directories.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
            outcome => outcome,
        }
    }

    /// Whether the directory was removed: nothing can be made in it any more.
    pub(super) fn is_gone(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// Calls `visit` with the name of every entry, in no order, until it answers false. Asks the kernel for so
    /// many bytes of them at once.
    ///
    /// Not for two threads at once with one `Dir`: the position in the directory belongs to its descriptor.
    pub(super) fn each_name(&self, at_once: usize, mut visit: impl FnMut(&OsStr) -> bool) -> io::Result<()> {
        let mut dir = &self.file;
        dir.rewind()?;
        let mut buffer = vec![0; at_once];
        loop {
            let filled = sys::getdents(dir.as_fd(), &mut buffer)?;
            if filled == 0 {
                return Ok(());
            }
            for name in (Entries { rest: &buffer[..filled] }) {
                if name != b"." && name != b".." && !visit(OsStr::from_bytes(name)) {
                    return Ok(());
                }
            }
        }
    }

    /// Calls `visit` with the names that the kernel tells at once, of a directory that was not read before.
    pub(super) fn some_names(&self, mut visit: impl FnMut(&OsStr)) -> io::Result<()> {
        let mut buffer = [0; 2 << 10];
        let filled = sys::getdents(self.file.as_fd(), &mut buffer)?;
        (Entries { rest: &buffer[..filled] })
            .filter(|name| !matches!(*name, b"." | b".."))
            .for_each(|name| visit(OsStr::from_bytes(name)));
        Ok(())
    }

    pub(super) fn path(&self) -> PathBuf {
        if self.below.is_empty() { self.cache.to_path_buf() } else { self.cache.join(&*self.below) }
    }

    /// The error of a step on the entry `name`.
    pub(super) fn failed(&self, step: &str, name: impl AsRef<OsStr>, error: &io::Error) -> Error {
        failed(step, &self.path().join(name.as_ref()), error)
    }
}

impl Entry {
    /// What one call reads; nothing of a file that `buffer` cannot hold as it is, and of what has no places to read from
    /// (a FIFO).
    ///
    /// Nobody asked what kind of file this is, and whether there is more: it is to be believed only when it
    /// makes sense by itself. [`Entry::contents`] has the answer to everything else.
    pub(super) fn glance<'b>(&self, buffer: &'b mut Vec<u8>) -> &'b [u8] {
        match sys::read_beginning(self.0.as_fd(), buffer) {
            Ok(()) if buffer.len() < buffer.capacity() => buffer,
            _ => &[],
        }
    }

    /// What is in it, at most [`MAX_FILE_BYTES`]. What is not a regular file is an error.
    pub(super) fn contents(self) -> io::Result<Contents> {
        let (file, metadata) = regular(self.0)?;
        let modified = metadata.modified()?;
        if metadata.len() > MAX_FILE_BYTES {
            return Ok(Contents { bytes: None, modified });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        let length = match metadata.len() {
            // The original writes in place, and may be about to.
            0 => MAX_FILE_BYTES + 1,
            // No more, so that nobody has to ask whether there is more.
            length => length,
        };
        file.take(length).read_to_end(&mut bytes)?;
        let whole = bytes.len() as u64 <= MAX_FILE_BYTES;
        Ok(Contents { bytes: whole.then_some(bytes), modified })
    }
}

fn regular(file: File) -> io::Result<(File, Metadata)> {
    match file.metadata()? {
        metadata if metadata.is_file() => Ok((file, metadata)),
        _ => Err(io::Error::other("it is not a regular file")),
    }
}

/// Gives a new file the mode that the umask may have taken away.
fn with_file_mode(file: &File) -> io::Result<Metadata> {
    let metadata = file.metadata()?;
    if metadata.permissions().mode() & 0o7777 != FILE_MODE {
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    }
    Ok(metadata)
}

/// The error of a step on `path`.
pub(super) fn failed(step: &str, path: &Path, error: &io::Error) -> Error {
    Error::new(Status::Cache, format!("failed to {step} {}: {}", path.display(), reason(error))).at_path(path)
}

/// The text of an error without its number, and in the middle of a sentence.
pub(super) fn reason(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(code) = error.raw_os_error() {
        let suffix = format!(" (os error {code})");
        text.truncate(text.strip_suffix(&suffix).unwrap_or(&text).len());
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_lowercase();
        }
    }
    text
}

fn c_name(name: impl AsRef<OsStr>) -> io::Result<Terminated> {
    let bytes = name.as_ref().as_bytes();
    // One name, never a path: with that and O_NOFOLLOW nothing resolves to outside of the directory.
    if bytes.is_empty() || bytes.contains(&b'/') || bytes == b"." || bytes == b".." {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    Terminated::new(&[bytes])
}

/// A name, or a short path, as the kernel takes it.
struct Terminated {
    bytes: [u8; Terminated::MOST_BYTES],
    length: usize,
}

impl Terminated {
    /// Names have at most 255 bytes, and the paths are of one name below a directory of the cache.
    const MOST_BYTES: usize = 288;

    /// These parts, one behind the other.
    fn new(parts: &[&[u8]]) -> io::Result<Terminated> {
        let mut text = Terminated { bytes: [0; Terminated::MOST_BYTES], length: 0 };
        for part in parts {
            let end = text.length + part.len();
            // One byte stays for the NUL.
            let place = text.bytes[..Terminated::MOST_BYTES - 1].get_mut(text.length..end);
            place.ok_or_else(|| io::Error::from_raw_os_error(libc::ENAMETOOLONG))?.copy_from_slice(part);
            text.length = end;
        }
        match text.bytes[..text.length].contains(&0) {
            true => Err(io::Error::from(io::ErrorKind::InvalidInput)),
            false => Ok(text),
        }
    }
}

impl Deref for Terminated {
    type Target = CStr;

    fn deref(&self) -> &CStr {
        CStr::from_bytes_with_nul(&self.bytes[..=self.length]).unwrap_or_default()
    }
}

fn make_path(path: &Path, durable: bool) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let make = || DirBuilder::new().mode(DIR_MODE).create(path);
    let made = match make() {
        Err(error) if error.kind() == io::ErrorKind::NotFound && parent != Path::new(".") => {
            make_path(parent, durable)?;
            make()
        }
        outcome => outcome,
    };
    match made {
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(DIR_MODE))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    }
    if durable && let Some(parent) = Dir::open(&parent.into())? {
        parent.sync()?;
    }
    Ok(())
}

/// The names in a buffer of `linux_dirent64`: inode, position (8 bytes each), length of the record
/// (2 bytes), type (1 byte), the name and a NUL.
struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_ne_bytes([*self.rest.get(16)?, *self.rest.get(17)?]);
        let record = self.rest.get(..usize::from(length))?;
        self.rest = &self.rest[record.len()..];
        record.get(19..)?.split(|byte| *byte == 0).next()
    }
}
