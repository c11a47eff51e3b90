//! The cache: attachments on disk, as ADD made them and DEL and CHECK need them.
//!
//! Place and format are those of the Go original, so a node can change runtimes in either direction
//! while containers run:
//!
//! ```text
//! <cacheDir>/results/<network>-<containerID>-<ifName>    one attachment          (names, format)
//! <cacheDir>/results/@<hash>-<containerID>-<ifName>      one whose plain name is taken or too long
//! <cacheDir>/.libcni/tmp/                                files being written that need a name   (temp)
//! <cacheDir>/.libcni/locks                               one byte for each lock  (locks)
//! <cacheDir>/.libcni/corrupt/                            files set aside         (store)
//! ```
//!
//! Rules that hold everywhere:
//! - The key inside a file tells whose it is, its name only where to look. An attachment stands under its
//!   plain name whenever that is free; storing it there removes what stood under its hashed name. After
//!   a crash between the two, both hold it: the plain one counts.
//! - A reader sees the old file or the new one, never a part: files change by rename alone.
//! - Only what is not there is absent. A file that cannot be read is an error that names it; a file that
//!   can be read and makes no sense is [`Lookup::Corrupt`].
//! - A corrupt file is left alone while its last change is younger than ten seconds, because the original
//!   writes in place and may be writing. Later, storing or removing that very attachment moves it to
//!   `corrupt`, where the last hundred are kept.
//! - No path is built from an identifier that holds `/` or NUL, and no link below `cacheDir` is followed.
//!   `cacheDir` itself may be one.
//!
//! Nothing here knows of networks' operations, of plugins or of the C ABI. Each call opens what it needs
//! and keeps nothing open: a [`Cache`] is only a path and a setting, free to share between threads. One that is
//! made for an operation keeps what it opened until the operation is over.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::value::RawValue;

use crate::error::{Error, Result, Status};
use crate::types::attachment::{Attachment, AttachmentKey};
use dir::{Dir, failed};
use names::Names;
use reader::{Reader, Unusable};

mod dir;
mod format;
mod listing;
mod locks;
mod members;
mod names;
mod reader;
mod store;
mod sys;
mod temp;

pub use crate::context::{HeldLocks, LOCKS_VARIABLE};
pub(crate) use format::{Found, Record};
pub use listing::{Listing, Scan, Scanned};
pub use locks::Guard;
pub(crate) use names::check as check_key;
pub use store::{CorruptFiles, SetAside};

const RESULTS: &str = "results";
const OWN: &str = ".libcni";

/// The attachments in one cache directory.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: Arc<Path>,
    durable: bool,
    opened: Option<Arc<Opened>>,
}

/// What the steps of one operation have opened or found so far, for the next ones.
#[derive(Debug, Default)]
struct Opened {
    names: OnceLock<Arc<Names>>,
    base: OnceLock<Arc<Dir>>,
    results: OnceLock<Arc<Dir>>,
    tmp: OnceLock<Arc<Dir>>,
    /// The file that showed that the cache is writable: the one to write to.
    probe: Mutex<Option<store::Probe>>,
    /// Whether the attachment was found under its plain name.
    plain_is_own: AtomicBool,
}

/// An attachment and what its ADD returned.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The attachment.
    pub attachment: Attachment,
    /// The last plugin's result, with its exact text.
    pub result: Option<Box<RawValue>>,
}

/// What the cache knows of an attachment.
#[derive(Debug)]
pub enum Lookup {
    /// Nothing.
    Absent,
    /// The attachment.
    Found(Box<Entry>),
    /// A file of its name that is a JSON object of no kind or of another one.
    Legacy(Legacy),
    /// A file of its name that cannot be understood.
    Corrupt(Problem),
}

/// A cache file that is not of the kind `cniCacheV1`. Versions before 0.8 of the original wrote the bare
/// result, which has no kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Legacy {
    /// The kind; empty when there is none.
    pub kind: String,
    /// The whole text of the file.
    pub text: String,
}

/// A file of the cache that was not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path.display(), self.reason)
    }
}

impl Cache {
    /// The cache in that directory. Touches no file.
    ///
    /// `durable`: what is stored survives a power cut (fsync), not only a crash of the process.
    pub fn new(dir: impl Into<PathBuf>, durable: bool) -> Cache {
        Cache::at(dir.into().into(), durable)
    }

    /// The same without a copy of the path.
    pub(crate) fn at(dir: Arc<Path>, durable: bool) -> Cache {
        Cache { dir, durable, opened: None }
    }

    /// The same cache for the steps of one operation on one attachment, under its lock: what one step has
    /// opened and found, the next one does not open and look for again.
    pub(crate) fn for_operation(self) -> Cache {
        Cache { opened: Some(Arc::default()), ..self }
    }

    /// The cache directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is known of the attachment. Takes no lock: it sees the last state that was stored whole.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] for a key with an empty part, `/` or NUL; [`Status::Cache`], naming
    /// the file, when something is there and cannot be read.
    pub fn load(&self, key: &AttachmentKey) -> Result<Lookup> {
        let names = self.names(key)?;
        let Some(base) = self.base()? else { return Ok(Lookup::Absent) };
        let places = match Places::find_below(&base, &names, key) {
            Some(places) => places,
            None => match self.results()? {
                Some(results) => Places::find(&names, |name| see(&results, name, key))?,
                None => return Ok(Lookup::Absent),
            },
        };
        let Places { hashed, plain } = places;
        if let Some(opened) = &self.opened {
            opened.plain_is_own.store(matches!(plain, Seen::Own(_)), Ordering::Relaxed);
        }
        let corrupt = |name: &str, reason| {
            Lookup::Corrupt(Problem { path: base.path().join(RESULTS).join(name), reason })
        };
        Ok(match (plain, hashed) {
            (Seen::Own(entry), _) | (_, Seen::Own(entry)) => Lookup::Found(entry),
            (Seen::Legacy(legacy), _) => Lookup::Legacy(legacy),
            (Seen::Corrupt { reason, .. }, _) => corrupt(names.plain().unwrap_or_default(), reason),
            (_, Seen::Corrupt { reason, .. }) => corrupt(&names.hashed, reason),
            (Seen::Absent | Seen::Other, _) => Lookup::Absent,
        })
    }

    /// Removes the attachment, for a DEL whose plugins succeeded. One that is not there is fine.
    ///
    /// A corrupt file of its name is set aside when its last change is older than ten seconds, and
    /// stays otherwise; the answer tells of it. The removal itself is not made to survive a
    /// power cut: an attachment that comes back is deleted by the next DEL or GC like any other.
    ///
    /// # Errors
    /// As [`Cache::load`], and [`Status::Cache`] when the attachment's file cannot be removed.
    pub fn remove(&self, key: &AttachmentKey) -> Result<CorruptFiles> {
        let names = self.names(key)?;
        let Some(results) = self.results()? else { return Ok(CorruptFiles::default()) };
        let remove =
            |name: &str| results.remove(name).map_err(|error| results.failed("remove", name, &error));
        // What this operation found under its lock need not be read again.
        let is_own = |opened: &Arc<Opened>| opened.plain_is_own.load(Ordering::Relaxed);
        if let Some(name) = names.plain().filter(|_| self.opened.as_ref().is_some_and(is_own))
            && results.lacks(&names.hashed)
        {
            remove(name)?;
            return Ok(CorruptFiles::default());
        }
        let places = Places::read(&results, &names, key)?;
        // A bare result does not say whose it is. It is not of an attachment that has its own file.
        let owns_legacy = !matches!(places.hashed, Seen::Own(_));
        let mut corrupt = CorruptFiles::default();
        for (name, seen) in [(Some(names.hashed.as_str()), &places.hashed), (names.plain(), &places.plain)] {
            let Some(name) = name else { continue };
            match seen {
                Seen::Legacy(_) if !owns_legacy => {}
                Seen::Own(_) | Seen::Legacy(_) => {
                    remove(name)?;
                }
                Seen::Corrupt { reason, settled } => {
                    self.clear_away(&results, name, reason, *settled, &mut corrupt);
                }
                Seen::Absent | Seen::Other => {}
            }
        }
        Ok(corrupt)
    }

    /// The names of an attachment, of which an operation works on one.
    fn names(&self, key: &AttachmentKey) -> Result<Arc<Names>> {
        let known = self.opened.as_deref().and_then(|opened| opened.names.get());
        if let Some(names) = known.filter(|names| names.are_of(key)) {
            return Ok(names.clone());
        }
        let names = Arc::new(Names::of(key)?);
        if let Some(opened) = &self.opened {
            let _ = opened.names.set(names.clone());
        }
        Ok(names)
    }

    /// The directory of attachments, if there is one.
    fn results(&self) -> Result<Option<Arc<Dir>>> {
        self.opened(
            |opened| &opened.results,
            || match self.base()? {
                Some(base) => base.subdir(RESULTS).map_err(|error| base.failed("open", RESULTS, &error)),
                None => Ok(None),
            },
        )
    }

    /// The cache directory, if there is one.
    fn base(&self) -> Result<Option<Arc<Dir>>> {
        self.opened(
            |opened| &opened.base,
            || Dir::open(&self.dir).map_err(|error| failed("open", &self.dir, &error)),
        )
    }

    /// The cache directory, made when it is not there.
    fn try_make_base(&self) -> io::Result<Arc<Dir>> {
        let base = self.opened(|opened| &opened.base, || Dir::make(&self.dir, self.durable).map(Some))?;
        base.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn make_base(&self) -> Result<Arc<Dir>> {
        self.try_make_base().map_err(|error| failed("make", &self.dir, &error))
    }

    /// What `open` opens, or what it opened before in this operation.
    fn opened<E>(
        &self,
        which: impl Fn(&Opened) -> &OnceLock<Arc<Dir>>,
        open: impl FnOnce() -> Result<Option<Dir>, E>,
    ) -> Result<Option<Arc<Dir>>, E> {
        let place = self.opened.as_deref().map(which);
        if let Some(dir) = place.and_then(OnceLock::get) {
            return Ok(Some(dir.clone()));
        }
        let Some(dir) = open()?.map(Arc::new) else { return Ok(None) };
        if let Some(place) = place {
            // Should another thread have been faster, both directories are the same one.
            let _ = place.set(dir.clone());
        }
        Ok(Some(dir))
    }
}

fn make_subdir(dir: &Dir, name: &'static str, durable: bool) -> Result<Dir> {
    dir.make_subdir(name, durable).map_err(|error| dir.failed("make", name, &error))
}

/// What stands under one name, seen from one attachment.
enum Seen {
    Absent,
    /// The attachment itself.
    Own(Box<Entry>),
    /// Another attachment.
    Other,
    Legacy(Legacy),
    /// `settled` when the last change is so long ago that nobody can be writing it.
    Corrupt {
        reason: String,
        settled: bool,
    },
}

/// What stands under both names of an attachment.
struct Places {
    hashed: Seen,
    plain: Seen,
}

impl Places {
    /// For those that mostly find nothing.
    fn read(results: &Dir, names: &Names, key: &AttachmentKey) -> Result<Places> {
        Places::see(names, |name| match results.lacks(name) {
            true => Ok(Seen::Absent),
            false => see(results, name, key),
        })
    }

    /// As far as what counts needs it: what stands under the plain name and is the attachment's counts, whatever the
    /// other holds.
    fn find<E>(names: &Names, see: impl Fn(&str) -> Result<Seen, E>) -> Result<Places, E> {
        match names.plain().map_or(Ok(Seen::Absent), &see)? {
            plain @ Seen::Own(_) => Ok(Places { hashed: Seen::Absent, plain }),
            _ => Places::see(names, see),
        }
    }

    /// The same seen from the cache directory, so that nobody opens the one of attachments to look at a file or two;
    /// `None` where that is not to be had, or not good news: a walk will explain.
    fn find_below(base: &Dir, names: &Names, key: &AttachmentKey) -> Option<Places> {
        Places::find(names, |name| seen(base.entry_below(RESULTS, name), key)).ok()
    }

    fn see<E>(names: &Names, see: impl Fn(&str) -> Result<Seen, E>) -> Result<Places, E> {
        // In this order: a store that moves the attachment to its plain name puts it there before it
        // removes the other, so a reader without a lock finds it in one of the two.
        let hashed = see(&names.hashed)?;
        let plain = names.plain().map_or(Ok(Seen::Absent), see)?;
        // A hashed name is one attachment's alone, and was never written by the original's first versions.
        let hashed = match hashed {
            Seen::Legacy(_) => {
                Seen::Corrupt { reason: "it is not a cached attachment".to_owned(), settled: true }
            }
            hashed => hashed,
        };
        Ok(Places { hashed, plain })
    }
}

fn see(results: &Dir, name: &str, key: &AttachmentKey) -> Result<Seen> {
    seen(results.entry(name), key).map_err(|error| results.failed("read", name, &error))
}

fn seen(entry: io::Result<Option<dir::Entry>>, key: &AttachmentKey) -> io::Result<Seen> {
    let Some(entry) = entry? else { return Ok(Seen::Absent) };
    Reader::new().read(entry, |parsed| match parsed {
        Ok(format::Parsed::Legacy(legacy)) => Seen::Legacy(legacy),
        Ok(format::Parsed::Entry(found)) => {
            let mut entry = found.into_entry();
            if claims(&entry.attachment.key, key) {
                entry.attachment.key = key.clone();
                Seen::Own(Box::new(entry))
            } else {
                Seen::Other
            }
        }
        Err(Unusable { reason, modified }) => Seen::Corrupt { reason, settled: store::is_settled(modified) },
    })
}

/// Whether a file with that key inside is about `key`. A part that the file does not have (other
/// runtimes leave some out) contradicts nothing.
fn claims(inside: &AttachmentKey, key: &AttachmentKey) -> bool {
    [
        (&inside.container_id, &key.container_id),
        (&inside.network_name, &key.network_name),
        (&inside.if_name, &key.if_name),
    ]
    .iter()
    .all(|(inside, wanted)| inside.is_empty() || inside == wanted)
}

fn internal(message: &str) -> Error {
    Error::new(Status::Internal, message)
}
