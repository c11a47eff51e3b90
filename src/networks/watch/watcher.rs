//! The watches themselves, and when it is time to tell of a change.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use inotify::{EventMask, Inotify, WatchDescriptor, WatchMask};

use super::paths::{self, Directories, Interest, MOST_DIRS, Watched};
use super::sys::{self, Timer};
use super::too_few;
use crate::descriptor::above_stdio;
use crate::error::{Error, Result, Status};

/// How many times a walk is repeated when directories appear while it is made.
const MOST_WALKS: usize = 8;

/// No debounce is longer than that.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// How many times events are read before the caller gets its turn.
const MOST_READS: usize = 64;

/// How long changes that go on and on are waited out, in times of the pause.
const MOST_PAUSES: u32 = 10;

/// What changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub networks: bool,
    pub plugins: bool,
}

impl Seen {
    fn is_nothing(self) -> bool {
        self == Seen::default()
    }

    fn everything() -> Seen {
        Seen { networks: true, plugins: true }
    }

    fn add(&mut self, other: Seen) {
        self.networks |= other.networks;
        self.plugins |= other.plugins;
    }
}

/// Changes that are not told of yet.
#[derive(Clone, Copy)]
struct Pending {
    seen: Seen,
    /// When it was quiet for long enough, if nothing else happens.
    due: Instant,
    /// When they are told of in any case.
    latest: Instant,
}

/// At most [`MOST_DIRS`].
type Interests = Vec<(WatchDescriptor, Interest)>;

pub(in crate::networks) struct Watcher {
    inotify: Inotify,
    timer: Timer,
    watched: Vec<Watched>,
    interests: Interests,
    pause: Duration,
    pending: Option<Pending>,
    /// Whether not everything could be watched the last time.
    incomplete: bool,
    /// The directory that is not watched, of those that should be, and why.
    unwatched: Option<(PathBuf, String)>,
}

impl Watcher {
    /// And the descriptor that is readable when it has something to do.
    pub(super) fn new(watched: Vec<Watched>, pause: Duration) -> Result<(Watcher, OwnedFd)> {
        let failed = |error: io::Error| match error.raw_os_error() {
            Some(libc::EMFILE) => {
                too_few("watch the networks", "fs.inotify.max_user_instances, or the process's own", &error)
            }
            _ => Error::new(Status::Io, format!("failed to watch the networks: {error}")),
        };
        let inotify = Inotify::init().map_err(failed)?;
        let inotify = Inotify::from(above_stdio(OwnedFd::from(inotify)).map_err(failed)?);
        let timer = Timer::new().map_err(failed)?;
        let ready = sys::any_of(&[inotify.as_fd(), timer.as_fd()]).map_err(failed)?;
        let (interests, pause) = (Interests::new(), pause.min(LONGEST_PAUSE));
        let (pending, incomplete, unwatched) = (None, false, None);
        let mut watcher =
            Watcher { inotify, timer, watched, interests, pause, pending, incomplete, unwatched };
        watcher.walk()?;
        // Whatever happened since the last load.
        watcher.note(Seen::everything())?;
        Ok((watcher, ready))
    }

    pub(super) fn watch_instead(&mut self, watched: Vec<Watched>) {
        self.watched = watched;
        // Should it fail, then so does the next dispatch, which can tell.
        let _ = self.note(Seen::everything());
    }

    /// What changed, once it has been quiet for long enough.
    pub(super) fn dispatch(&mut self) -> Result<Option<Seen>> {
        let seen = self.read()?;
        if !seen.is_nothing() {
            self.note(seen)?;
        }
        let Some(pending) = self.pending else { return Ok(None) };
        if Instant::now() < pending.due {
            return Ok(None);
        }
        self.pending = None;
        self.timer.set(None).map_err(wait_failed)?;
        // Before it is told of, so that what happens after the load that follows is noticed.
        if let Err(error) = self.walk() {
            let path = error.facts().path.as_ref().map(PathBuf::from).unwrap_or_default();
            self.unwatched = Some((path, error.message().to_owned()));
            // Tried again later: until then what can be watched is, and what changed is told of all the same.
            let first = !std::mem::replace(&mut self.incomplete, true);
            self.note_after(Seen::everything(), self.pause * MOST_PAUSES)?;
            return if first { Err(error) } else { Ok(Some(pending.seen)) };
        }
        self.incomplete = false;
        Ok(Some(pending.seen))
    }

    /// The directory whose changes are not noticed, and why.
    pub(in crate::networks) fn unwatched(&self) -> Option<&(PathBuf, String)> {
        self.unwatched.as_ref()
    }

    /// Tells of that once more.
    pub(super) fn again(&mut self) -> Result<()> {
        self.note(Seen::everything())
    }

    fn note(&mut self, seen: Seen) -> Result<()> {
        self.note_after(seen, self.pause)
    }

    fn note_after(&mut self, seen: Seen, pause: Duration) -> Result<()> {
        let now = Instant::now();
        let mut pending = self.pending.unwrap_or(Pending {
            seen: Seen::default(),
            due: now,
            latest: now + self.pause * MOST_PAUSES,
        });
        pending.seen.add(seen);
        pending.due = (now + pause).min(pending.latest);
        self.pending = Some(pending);
        self.timer.set(Some(pending.due.saturating_duration_since(now))).map_err(wait_failed)
    }

    /// What the events that have come say.
    fn read(&mut self) -> Result<Seen> {
        let mut buffer = [0; 16 << 10];
        let mut seen = Seen::default();
        for _ in 0..MOST_READS {
            let events = match self.inotify.read_events(&mut buffer) {
                Ok(events) => events,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(seen),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(Error::new(Status::Io, format!("failed to read what changed: {error}")));
                }
            };
            let mut none = true;
            for event in events {
                none = false;
                if event.mask.contains(EventMask::Q_OVERFLOW) {
                    seen.add(Seen::everything());
                    continue;
                }
                let known = self.interests.iter().find(|(watch, _)| *watch == event.wd);
                let Some((_, interest)) = known else { continue };
                let gone =
                    EventMask::DELETE_SELF | EventMask::MOVE_SELF | EventMask::UNMOUNT | EventMask::IGNORED;
                let (networks, plugins) = match event.name {
                    Some(name) => interest.of(name),
                    // The directory itself: its parent tells of it by name, unless there is none.
                    None if event.mask.intersects(gone) => interest.of(OsStr::new("")),
                    None => (false, false),
                };
                seen.add(Seen { networks, plugins });
            }
            if none {
                break;
            }
        }
        Ok(seen)
    }

    /// Watches what has to be watched now, and nothing else.
    fn walk(&mut self) -> Result<()> {
        let mask = WatchMask::CREATE
            | WatchMask::DELETE
            | WatchMask::MOVE
            | WatchMask::MODIFY
            | WatchMask::CLOSE_WRITE
            | WatchMask::ATTRIB
            | WatchMask::DELETE_SELF
            | WatchMask::MOVE_SELF
            | WatchMask::ONLYDIR;
        let mut before: Option<Directories> = None;
        for _ in 0..MOST_WALKS {
            let directories = paths::directories(&self.watched);
            // What appeared after a directory was read and before it was watched shows by the next walk.
            if before.as_ref() == Some(&directories) {
                break;
            }
            let mut interests = Interests::new();
            for (path, interest) in &directories.interests {
                match self.inotify.watches().add(path, mask) {
                    Ok(watch) => match interests.iter_mut().find(|(known, _)| *known == watch) {
                        Some((_, known)) => known.add(interest),
                        None => interests.push((watch, interest.clone())),
                    },
                    Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                        let what = format!("watch {}", path.display());
                        return Err(too_few(&what, "fs.inotify.max_user_watches", &error).at_path(path));
                    }
                    // Gone, or not to be read: the directory before it tells when that changes.
                    Err(_) => {}
                }
            }
            for (watch, _) in std::mem::replace(&mut self.interests, interests) {
                if !self.interests.iter().any(|(known, _)| *known == watch) {
                    // One whose directory is gone has ended by itself.
                    let _ = self.inotify.watches().remove(watch);
                }
            }
            before = Some(directories);
        }
        self.unwatched = before.and_then(|directories| directories.left_out).map(|path| {
            let message = format!(
                "more than {MOST_DIRS} directories would have to be watched: changes in those that are left out are not noticed, {} the first of them",
                path.display()
            );
            (path, message)
        });
        Ok(())
    }
}

fn wait_failed(error: io::Error) -> Error {
    Error::new(Status::Io, format!("failed to wait for a quiet moment: {error}"))
}

impl fmt::Debug for Watcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Watcher").field("watched", &self.watched).finish_non_exhaustive()
    }
}
