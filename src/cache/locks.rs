//! Locks on attachments and networks, between threads and between processes.
//!
//! Each lock is one byte of `<cacheDir>/.libcni/locks`, at an offset that is a hash, locked through an open
//! file description that is the operation's own. So threads exclude each other as processes do, the number of
//! files does not grow, two locks do not meet in a bucket, and the kernel lets go when the holder dies.
//!
//! Two names with one hash (61 bits) wait for each other without need and do no other harm: who carries
//! the offset in [`HeldLocks`] does not wait for it, whichever name it was taken for.
//!
//! *Order.* An operation takes its network first, then its attachment.
//!
//! *Fairness.* GC waits until no ADD or DEL is left on its network; with a stream of them, each beginning
//! before the last one ends, that would be never. So there is a gate, one more byte of the network: GC locks it while
//! it waits, and ADD and DEL look first whether it is open. When they find GC at work behind it, they hold it open while
//! they wait, or one GC after the other could be before them. Nobody at a gate holds another lock, for who carries any
//! passes it by; hence gates add no way to deadlock.
//!
//! *Waiting* is trying again, at most 16 ms later: the kernel's own waiting knows neither a deadline nor
//! a cancellation.
//!
//! *Where there are no locks.* On a file system that is read-only or full, no locks file can be made. An
//! operation then goes on without (an ADD fails at its preflight): DEL must be possible there. Where locks
//! are not supported (some network file systems) the error says so, and that `"locking": false` helps.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::dir::failed;
use super::sys::{self, LockMode};
use super::{Cache, OWN, names};
use crate::context::{Context, HeldLocks, LockId};
use crate::error::{Error, Result, Status};
use crate::text::quote;
use crate::types::attachment::AttachmentKey;

const LOCKS: &str = "locks";
const FIRST_PAUSE_MS: u8 = 1;
const LONGEST_PAUSE_MS: u8 = 16;

/// How often the locks file may appear and vanish while it is opened.
const ATTEMPTS: usize = 8;

/// The hash spaces, in the two bits above the hash. An offset has 63 bits.
#[derive(Clone, Copy)]
enum Space {
    Network = 0,
    Attachment = 1,
    Gate = 2,
}

/// One lock or two, until it goes out of scope.
#[derive(Debug)]
#[must_use = "the lock lasts as long as this value"]
pub struct Guard(Option<Held>);

#[derive(Debug)]
struct Held {
    _file: LocksFile,
    ids: [Option<LockId>; 2],
}

impl Guard {
    /// Whether there is a lock: false when it is carried already, and where none can be had (a file system
    /// that is read-only or full).
    pub fn is_held(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = LockId> {
        self.0.iter().flat_map(|held| held.ids).flatten()
    }
}

/// The lock, for those who are to be told that it is held.
impl From<&Guard> for Option<LockId> {
    fn from(guard: &Guard) -> Option<LockId> {
        guard.ids().next()
    }
}

/// The locks file, in an open file description of its own.
#[derive(Debug)]
struct LocksFile(File);

impl Drop for LocksFile {
    fn drop(&mut self) {
        // Closing would not do: a forked copy of the host may hold the same open file description.
        let _ = sys::unlock_all(self.0.as_fd());
    }
}

impl Cache {
    /// Takes the lock of one attachment, for ADD, CHECK or DEL, and waits for it as long as the earlier of
    /// the deadlines allows. Attachments that share a plain name share the lock.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] for a key with an empty part, `/` or NUL; [`Status::Timeout`] and
    /// [`Status::Cancelled`] when the wait ends so; [`Status::Cache`], naming the file, when there is
    /// no locking here.
    pub fn lock_attachment(
        &self,
        key: &AttachmentKey,
        context: &Context,
        deadline: Option<Instant>,
        held: &HeldLocks,
    ) -> Result<Guard> {
        names::check(key)?;
        let Some(locks) = self.open_locks(held)? else { return Ok(Guard(None)) };
        let attachment = locks.take_attachment(key, context, deadline)?;
        Ok(locks.hold([attachment, None]))
    }

    /// Takes what ADD and DEL need: [`Cache::lock_network_shared`], then [`Cache::lock_attachment`].
    ///
    /// # Errors
    /// As [`Cache::lock_attachment`].
    pub(crate) fn lock_network_and_attachment(
        &self,
        key: &AttachmentKey,
        context: &Context,
        deadline: Option<Instant>,
        held: &HeldLocks,
    ) -> Result<Guard> {
        names::check(key)?;
        let Some(locks) = self.open_locks(held)? else { return Ok(Guard(None)) };
        let network = locks.take_network(&key.network_name, LockMode::Shared, context, deadline)?;
        let attachment = locks.take_attachment(key, context, deadline)?;
        Ok(locks.hold([network, attachment]))
    }

    /// Takes a network's lock for ADD or DEL, before the attachment's: any number of them may hold it.
    ///
    /// # Errors
    /// As [`Cache::lock_attachment`].
    pub fn lock_network_shared(
        &self,
        network: &str,
        context: &Context,
        deadline: Option<Instant>,
        held: &HeldLocks,
    ) -> Result<Guard> {
        self.lock_network(network, LockMode::Shared, context, deadline, held)
    }

    /// Takes a network's lock for GC: nobody else holds it then.
    ///
    /// # Errors
    /// As [`Cache::lock_attachment`].
    pub fn lock_network_exclusive(
        &self,
        network: &str,
        context: &Context,
        deadline: Option<Instant>,
        held: &HeldLocks,
    ) -> Result<Guard> {
        self.lock_network(network, LockMode::Exclusive, context, deadline, held)
    }

    fn lock_network(
        &self,
        network: &str,
        mode: LockMode,
        context: &Context,
        deadline: Option<Instant>,
        held: &HeldLocks,
    ) -> Result<Guard> {
        let Some(locks) = self.open_locks(held)? else { return Ok(Guard(None)) };
        let network = locks.take_network(network, mode, context, deadline)?;
        Ok(locks.hold([network, None]))
    }

    /// The locks file; `None` where it cannot be made.
    fn open_locks<'h>(&'h self, held: &'h HeldLocks) -> Result<Option<Locks<'h>>> {
        match self.try_open_locks() {
            Ok((file, metadata)) => {
                let id = LockId { device: metadata.dev(), inode: metadata.ino(), offset: 0 };
                Ok(Some(Locks { file: LocksFile(file), cache: &self.dir, id, held }))
            }
            Err((error, _)) if cannot_be_written(&error) => Ok(None),
            Err((error, path)) => Err(no_lock(&path, &error)),
        }
    }

    fn try_open_locks(&self) -> Result<(File, Metadata), (io::Error, PathBuf)> {
        let base = self.try_make_base().map_err(|error| (error, self.dir.to_path_buf()))?;
        if let Some(opened) = base.open_file_below(c".libcni/locks", libc::O_RDWR) {
            return Ok(opened);
        }
        let own = base.make_subdir(OWN, self.durable).map_err(|error| (error, base.path().join(OWN)))?;
        let at_path = |error| (error, locks_path(&self.dir));
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for _ in 0..ATTEMPTS {
            match own.open_file(LOCKS, libc::O_RDWR) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                outcome => return outcome.map_err(at_path),
            }
            match own.create_file(LOCKS) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
                outcome => return outcome.map_err(at_path),
            }
        }
        Err(at_path(last))
    }
}

/// The open locks file of an operation that is taking its locks.
struct Locks<'h> {
    file: LocksFile,
    /// The cache directory.
    cache: &'h Path,
    id: LockId,
    held: &'h HeldLocks,
}

impl Locks<'_> {
    /// Those that were taken, for as long as the guard lives.
    fn hold(self, ids: [Option<LockId>; 2]) -> Guard {
        Guard(ids.iter().any(Option::is_some).then_some(Held { _file: self.file, ids }))
    }

    fn take_network(
        &self,
        network: &str,
        mode: LockMode,
        context: &Context,
        deadline: Option<Instant>,
    ) -> Result<Option<LockId>> {
        let what = || format!("network {}", quote(network));
        let mut wait = Wait::new(&what, context, deadline);
        let hash = hash(network);
        let [network, gate] = [Space::Network, Space::Gate].map(|space| self.id(space, hash));
        if self.held.touch(self.id) {
            return self.take(network, mode, &mut wait);
        }
        if mode == LockMode::Shared {
            // Mostly nobody is there, and a look at the gate is enough.
            self.pass(gate, &mut wait)?;
            if self.try_take(network, mode)? {
                return Ok(Some(network));
            }
        }
        let gate = self.take(gate, mode, &mut wait)?;
        let network = self.take(network, mode, &mut wait)?;
        if let Some(gate) = gate {
            sys::unlock_byte(self.file.0.as_fd(), gate.offset).map_err(|error| self.failed(&error))?;
        }
        Ok(network)
    }

    fn take_attachment(
        &self,
        key: &AttachmentKey,
        context: &Context,
        deadline: Option<Instant>,
    ) -> Result<Option<LockId>> {
        let what = || {
            format!(
                "attachment (network {}, container {}, interface {})",
                quote(&key.network_name),
                quote(&key.container_id),
                quote(&key.if_name)
            )
        };
        let mut wait = Wait::new(&what, context, deadline);
        let id = self.id(Space::Attachment, hash(&names::plain(key)));
        self.take(id, LockMode::Exclusive, &mut wait)
            .map_err(|error| error.with(|facts| facts.attachment = Some(key.clone())))
    }

    fn id(&self, space: Space, hash: i64) -> LockId {
        LockId { offset: offset(space, hash), ..self.id }
    }

    /// Waits until nobody has that lock exclusively, and does not take it.
    fn pass(&self, id: LockId, wait: &mut Wait<'_>) -> Result<()> {
        loop {
            match sys::could_lock_byte(self.file.0.as_fd(), LockMode::Shared, id.offset) {
                Ok(true) => return Ok(()),
                Ok(false) => wait.pause()?,
                Err(error) => return Err(self.failed(&error)),
            }
        }
    }

    fn take(&self, id: LockId, mode: LockMode, wait: &mut Wait<'_>) -> Result<Option<LockId>> {
        loop {
            match self.try_take(id, mode)? {
                true => return Ok(Some(id)),
                false if self.held.contain(id) => return Ok(None),
                false => wait.pause()?,
            }
        }
    }

    fn try_take(&self, id: LockId, mode: LockMode) -> Result<bool> {
        let taken = sys::try_lock_byte(self.file.0.as_fd(), mode, id.offset);
        taken.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Error {
        no_lock(&locks_path(self.cache), error)
    }
}

fn locks_path(cache: &Path) -> PathBuf {
    cache.join(OWN).join(LOCKS)
}

/// 61 bits.
fn hash(name: &str) -> i64 {
    let mut hash = [0; 8];
    hash.copy_from_slice(&Sha256::digest(name)[..8]);
    i64::from_be_bytes(hash) & ((1 << 61) - 1)
}

/// The hash below the two bits of the space: never negative.
fn offset(space: Space, hash: i64) -> i64 {
    ((space as i64) << 61) | hash
}

/// A wait that ends with the deadline or the context.
struct Wait<'a> {
    what: &'a dyn Fn() -> String,
    context: &'a Context,
    deadline: Option<Instant>,
    pause_ms: u8,
}

impl<'a> Wait<'a> {
    fn new(what: &'a dyn Fn() -> String, context: &'a Context, deadline: Option<Instant>) -> Wait<'a> {
        let deadline = [deadline, context.deadline()].into_iter().flatten().min();
        Wait { what, context, deadline, pause_ms: FIRST_PAUSE_MS }
    }

    fn pause(&mut self) -> Result<()> {
        let what = self.what;
        // The pauses are shorter than the host wants to wait between two questions.
        self.context.ask_host();
        if self.context.is_cancelled() {
            return Err(Error::new(
                Status::Cancelled,
                format!("cancelled while waiting for the lock of {}", what()),
            ));
        }
        let mut pause = Duration::from_millis(self.pause_ms.into());
        if let Some(deadline) = self.deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let message =
                    format!("timed out while waiting for the lock of {}: another operation holds it", what());
                return Err(Error::new(Status::Timeout, message).with(|facts| facts.timed_out = true));
            }
            pause = pause.min(left);
        }
        self.pause_ms = (self.pause_ms * 2).min(LONGEST_PAUSE_MS);
        // Rounded up: a wait of no time at all would spin.
        let milliseconds = pause.as_micros().div_ceil(1000).try_into().unwrap_or(libc::c_int::MAX);
        match sys::wait_readable(self.context.wake(), milliseconds) {
            Ok(woken) => {
                if woken {
                    self.context.drain_spurious_wake();
                }
                Ok(())
            }
            Err(error) => {
                Err(Error::new(Status::Io, format!("failed to wait for the lock of {}: {error}", what())))
            }
        }
    }
}

fn cannot_be_written(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EROFS | libc::ENOSPC | libc::EDQUOT))
}

fn no_lock(path: &std::path::Path, error: &io::Error) -> Error {
    // Only where there is no locking, it helps to do without.
    let unsupported =
        matches!(error.raw_os_error(), Some(libc::ENOLCK | libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL));
    let error = failed("lock", path, error);
    if !unsupported {
        return error;
    }
    error.with(|facts| facts.message.push_str(" (a host that locks by itself sets \"locking\" to false)"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn an_add_that_waits_for_gc_comes_before_the_next_gc() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path(), false);
        let (context, held) = (Context::background(), HeldLocks::none());
        let gc = |deadline| cache.lock_network_exclusive("net", &context, deadline, &held);
        let gate_is_held = || {
            let locks = cache.open_locks(&held).unwrap().unwrap();
            !sys::could_lock_byte(locks.file.0.as_fd(), LockMode::Exclusive, offset(Space::Gate, hash("net")))
                .unwrap()
        };
        let first = gc(None).unwrap();
        let (done, is_done) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let cache = &cache;
            let add = scope.spawn(move || {
                let (context, held) = (Context::background(), HeldLocks::none());
                let guard = cache.lock_network_shared("net", &context, None, &held);
                // Until the sender is gone.
                let _ = is_done.recv();
                guard.unwrap().is_held()
            });
            let waits = (0..200_000).any(|_| {
                gate_is_held() || {
                    thread::yield_now();
                    false
                }
            });
            drop(first);
            let next = gc(Some(Instant::now())).map(|guard| guard.is_held());
            drop(done);
            assert!(add.join().unwrap());
            assert!(waits, "the gate is not held open");
            assert_eq!(next.unwrap_err().status(), Status::Timeout);
        });
        assert!(!gate_is_held() && gc(Some(Instant::now())).unwrap().is_held());
    }

    #[test]
    fn the_spaces_of_locks_are_disjoint_and_the_offsets_never_change() {
        let offsets =
            [Space::Network, Space::Attachment, Space::Gate].map(|space| offset(space, super::hash("net")));
        // printf net | sha256sum: the first eight bytes, without the upper three bits.
        let hash = 0x008a0fcbdeafd3c1;
        assert_eq!(offsets, [hash, hash | 1 << 61, hash | 2 << 61]);
    }
}
