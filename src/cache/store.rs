//! Putting an attachment in its place, in one step for whoever looks, and corrupt files out of it.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use super::dir::{self, Dir};
use super::format::{self, Record};
use super::names::{self, Names};
use super::temp::{self, Temp};
use super::{Cache, Entry, OWN, Places, Problem, RESULTS, Seen, internal, make_subdir};
use crate::error::Result;
use crate::types::attachment::AttachmentKey;

const TMP: &str = "tmp";
const CORRUPT: &str = "corrupt";

/// The original writes in place. A file that makes no sense may be one that it is writing.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// They are kept for people to look at, not for ever.
const CORRUPT_MOST: usize = 100;

/// More than a file system keeps beside what it knows of a file, and fewer than most attachments have.
const ROOM_BYTES: usize = 512;

/// How often the place of a file may change under a store that no lock protects.
const ATTEMPTS: usize = 16;

/// A corrupt file that was moved out of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where it was.
    pub from: PathBuf,
    /// Where it is now.
    pub to: PathBuf,
}

/// What became of the corrupt files under an attachment's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorruptFiles {
    /// Those that were moved out of the way.
    pub set_aside: Vec<SetAside>,
    /// Those that stay where they are: somebody may be writing them, or they cannot be moved.
    pub left: Vec<Problem>,
}

/// What [`Cache::check_writable`] leaves to the store of the same operation.
#[derive(Debug)]
pub(super) struct Probe {
    file: Temp,
    /// Whether nothing stood under either of the attachment's names.
    free: bool,
}

/// Which name a store takes, and whether something of the same attachment is replaced there.
struct Target<'a> {
    name: &'a str,
    replace: bool,
}

impl Cache {
    /// Checks that [`Cache::store`] of this attachment will find its directories (they are made, with
    /// mode 0700), may write in them, and has a name to take. Leaves no file behind.
    ///
    /// # Errors
    /// As [`Cache::store`].
    pub fn check_writable(&self, key: &AttachmentKey) -> Result<()> {
        let names = self.names(key)?;
        let results = self.make_results()?;
        let mut probe = self.probe(&results, key, &names)?;
        // A full disk often still has room for an empty file. What has the beginning of a block has all of it, and most
        // attachments need no more.
        let room = probe.file.write(&[0; ROOM_BYTES]);
        room.map_err(|error| results.failed("write", shown(&names), &error))?;
        if let Some(opened) = &self.opened {
            *opened.probe.lock().unwrap_or_else(PoisonError::into_inner) = Some(probe);
        }
        Ok(())
    }

    /// Looks at the attachment's place, and makes the file that is going to be there.
    fn probe(&self, results: &Arc<Dir>, key: &AttachmentKey, names: &Names) -> Result<Probe> {
        let places = Places::read(results, names, key)?;
        let free = matches!((places.plain, places.hashed), (Seen::Absent, Seen::Absent));
        if free && let Ok(file) = Temp::without_name(results, self.durable) {
            return Ok(Probe { file, free });
        }
        results.check_writable().map_err(|error| results.failed("write", shown(names), &error))?;
        Ok(Probe { file: self.named(results, names)?, free })
    }

    /// A file that can be put wherever there is something or nothing.
    fn named(&self, results: &Dir, names: &Names) -> Result<Temp> {
        Temp::create(&self.make_tmp()?).map_err(|error| results.failed("write", shown(names), &error))
    }

    /// Stores the attachment, in place of what was stored of it before.
    ///
    /// Other processes see the old state or the new one. After a crash at any step, and after an error, it
    /// is one of the two, whole: the old one, unless only the last fsync or the removal of the hashed name
    /// failed. A corrupt file that stands under the attachment's plain name is set aside when its last
    /// change is older than ten seconds; otherwise it stays, and the attachment takes its hashed name. The
    /// answer tells of it.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Status::InvalidArgument) for a key with an empty part, `/` or NUL;
    /// [`InvalidResult`](crate::Status::InvalidResult) for a result that is no object;
    /// [`Cache`](crate::Status::Cache), naming the file, when a step fails.
    pub fn store(&self, entry: &Entry) -> Result<CorruptFiles> {
        self.store_record(&Record::of(entry))
    }

    /// [`Cache::store`] without the copies that an [`Entry`] needs.
    pub(crate) fn store_record(&self, record: &Record<'_>) -> Result<CorruptFiles> {
        let key = record.key;
        let names = self.names(key)?;
        let bytes = format::print(record)?.into_bytes();
        let results = self.make_results()?;
        let probe = self.opened.as_ref().and_then(|opened| {
            let mut probe = opened.probe.lock().unwrap_or_else(PoisonError::into_inner);
            probe.take()
        });
        let is_gone = |dir: Option<&Arc<Dir>>| dir.is_some_and(|dir| dir.is_gone());
        match self.store_in(&results, key, &names, &bytes, probe) {
            // Somebody removed the directories while the plugins ran.
            Err(_)
                if self
                    .opened
                    .as_ref()
                    .is_some_and(|opened| is_gone(Some(&results)) || is_gone(opened.tmp.get())) =>
            {
                let again = Cache { opened: None, ..self.clone() };
                again.store_in(&again.make_results()?, key, &names, &bytes, None)
            }
            outcome => outcome,
        }
    }

    fn store_in(
        &self,
        results: &Arc<Dir>,
        key: &AttachmentKey,
        names: &Names,
        bytes: &[u8],
        probe: Option<Probe>,
    ) -> Result<CorruptFiles> {
        let at = |step: &'static str| move |error: io::Error| results.failed(step, shown(names), &error);
        let write = |file: &mut Temp| {
            file.write(bytes).map_err(at("write"))?;
            if self.durable { file.sync().map_err(at("sync")) } else { Ok(()) }
        };
        let Probe { mut file, mut free } = match probe {
            Some(probe) => probe,
            None => self.probe(results, key, names)?,
        };
        write(&mut file)?;

        let mut corrupt = CorruptFiles::default();
        for _ in 0..ATTEMPTS {
            corrupt.left.clear();
            let places = match std::mem::take(&mut free) {
                true => Places { plain: Seen::Absent, hashed: Seen::Absent },
                false => Places::read(results, names, key)?,
            };
            let target = self.target(results, names, &places, &mut corrupt)?;
            match file.place((results, target.name), target.replace) {
                Ok(true) => {}
                // It can take nobody's place, and not every file system and host can give it a name.
                outcome if !file.has_name() => {
                    file = self
                        .named(results, names)
                        .map_err(|next| outcome.map_or_else(at("store"), |_| next))?;
                    write(&mut file)?;
                    continue;
                }
                // Somebody who holds no lock was faster; look again at what stands there now.
                Ok(_) => continue,
                Err(error) => return Err(at("store")(error)),
            }
            if self.durable {
                results.sync().map_err(|error| dir::failed("sync", &results.path(), &error))?;
            }
            // Only now, so that a crash leaves the attachment under one of its names at least.
            if target.name != names.hashed && matches!(places.hashed, Seen::Own(_)) {
                results
                    .remove(&names.hashed)
                    .map_err(|error| results.failed("remove", &names.hashed, &error))?;
            }
            return Ok(corrupt);
        }
        Err(at("store")(io::Error::other("it keeps changing")))
    }

    fn target<'n>(
        &self,
        results: &Dir,
        names: &'n Names,
        places: &Places,
        corrupt: &mut CorruptFiles,
    ) -> Result<Target<'n>> {
        if let Some(name) = names.plain_to_write() {
            match &places.plain {
                Seen::Absent => return Ok(Target { name, replace: false }),
                Seen::Own(_) | Seen::Legacy(_) => return Ok(Target { name, replace: true }),
                Seen::Corrupt { reason, settled } => {
                    if self.clear_away(results, name, reason, *settled, corrupt) {
                        return Ok(Target { name, replace: false });
                    }
                }
                Seen::Other => {}
            }
        }
        let name = names.hashed.as_str();
        let taken = |by| Err(results.failed("store", name, &io::Error::other(by)));
        match &places.hashed {
            Seen::Absent => Ok(Target { name, replace: false }),
            Seen::Own(_) => Ok(Target { name, replace: true }),
            Seen::Corrupt { reason, settled } => {
                if self.clear_away(results, name, reason, *settled, corrupt) {
                    return Ok(Target { name, replace: false });
                }
                taken("it is corrupt and stays")
            }
            Seen::Other | Seen::Legacy(_) => taken("it holds another attachment"),
        }
    }

    /// Sets a corrupt file aside if that may be done and can be done; else it stays, which is no reason for
    /// an operation to fail. Tells whether the name is free.
    pub(super) fn clear_away(
        &self,
        results: &Dir,
        name: &str,
        reason: &str,
        settled: bool,
        corrupt: &mut CorruptFiles,
    ) -> bool {
        let reason = if !settled {
            format!("{reason} (left alone: it was changed just now)")
        } else {
            match self.set_aside(results, name) {
                Ok(moved) => {
                    corrupt.set_aside.extend(moved);
                    return true;
                }
                Err(error) => format!("{reason} ({error})"),
            }
        };
        corrupt.left.push(Problem { path: results.path().join(name), reason });
        false
    }

    /// Moves a file out of `results`, unless it is gone.
    fn set_aside(&self, results: &Dir, name: &str) -> Result<Option<SetAside>> {
        let own = make_subdir(&*self.make_base()?, OWN, self.durable)?;
        let corrupt = make_subdir(&own, CORRUPT, self.durable)?;
        let to = names::with_suffix(name, &temp::unique());
        match results.rename(name, (&corrupt, &to), false) {
            Ok(true) => {}
            Ok(false) => return Err(internal("a name for a corrupt file was not unique")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(results.failed("set aside", name, &error)),
        }
        forget_oldest(&corrupt);
        Ok(Some(SetAside { from: results.path().join(name), to: corrupt.path().join(to) }))
    }

    fn make_results(&self) -> Result<Arc<Dir>> {
        let base = self.make_base()?;
        let make = || make_subdir(&base, RESULTS, self.durable).map(Some);
        made(self.opened(|opened| &opened.results, make)?)
    }

    fn make_tmp(&self) -> Result<Arc<Dir>> {
        let base = self.make_base()?;
        let make = || match base.subdir_below(c".libcni/tmp") {
            Some(tmp) => Ok(Some(tmp)),
            None => make_subdir(&make_subdir(&base, OWN, self.durable)?, TMP, self.durable).map(Some),
        };
        made(self.opened(|opened| &opened.tmp, make)?)
    }
}

fn made(dir: Option<Arc<Dir>>) -> Result<Arc<Dir>> {
    dir.ok_or_else(|| internal("a directory of the cache was not made"))
}

/// The name for messages: a failed write is about the attachment's file, not about a temporary one.
fn shown(names: &Names) -> &str {
    names.plain_to_write().unwrap_or(&names.hashed)
}

pub(super) fn is_settled(modified: SystemTime) -> bool {
    SystemTime::now().duration_since(modified).is_ok_and(|age| age > SETTLED_AFTER)
}

/// Removes the oldest of more than [`CORRUPT_MOST`] files. Never a reason for an operation to fail.
fn forget_oldest(corrupt: &Dir) {
    let mut names = Vec::new();
    let _ = corrupt.each_name(4 << 10, |name| {
        names.push(name.to_owned());
        true
    });
    if names.len() <= CORRUPT_MOST {
        return;
    }
    // `<name>.<unique>`, and what is unique begins with the time.
    let unique = |name: &std::ffi::OsString| {
        let name = name.as_encoded_bytes();
        name.iter().rposition(|byte| *byte == b'.').map(|dot| name[dot..].to_owned())
    };
    for _ in CORRUPT_MOST..names.len() {
        // One, but for what other programs left.
        let oldest = (0..names.len()).min_by_key(|index| unique(&names[*index]));
        let _ = oldest.map(|index| corrupt.remove(names.swap_remove(index)));
    }
}
