//! Noticing that the configuration changed: a descriptor to wait for, and a step to take when it is ready.

mod paths;
mod sys;
mod watcher;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::load::{Broken, LoadProblem, Snapshot};
use super::options::{Origin, Source};
use super::{Inner, Networks};
use crate::context::Context;
use crate::error::{Error, Result, Status};
use crate::types::shape::{self, Member, Shape, Value};
use watcher::Seen;
pub(in crate::networks) use watcher::Watcher;

/// How a [`Watch`] watches.
#[derive(Clone, Copy, Debug)]
pub struct WatchOptions {
    /// How long it must be quiet before the networks are loaded again. Under a storm of changes they are, all the
    /// same, after ten times as long. Default: 100 ms.
    pub debounce: Duration,
}

impl Default for WatchOptions {
    fn default() -> WatchOptions {
        WatchOptions { debounce: Duration::from_millis(100) }
    }
}

impl WatchOptions {
    /// Reads the options of `libcni_networks_watch`: an object with `debounceMs`.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`], with the key and the place.
    pub fn from_json(text: &str) -> Result<WatchOptions> {
        shape::read("watch options", text)
    }
}

impl Shape for WatchOptions {
    fn read(value: Value<'_>) -> shape::Result<WatchOptions> {
        let mut options = WatchOptions::default();
        shape::object(value, &mut [Member::new("debounceMs", &mut options.debounce)])?;
        Ok(options)
    }
}

/// Watches the files and directories that networks come from, and the plugin directories.
///
/// It has no thread: its descriptor is readable when [`Watch::dispatch`] has something to do, and that loads the
/// networks again when they changed. Calls of the [`Networks`] then work with the new ones.
#[derive(Debug)]
pub struct Watch {
    networks: Networks,
    watcher: Arc<Mutex<Watcher>>,
    /// Readable when the watcher has something to do.
    ready: OwnedFd,
}

/// What a [`Watch`] noticed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Change {
    /// The networks after it.
    pub snapshot: Arc<Snapshot>,
    /// Whether they are others than before, or other files could not be loaded.
    pub networks: bool,
    /// Whether something changed in the plugin directories.
    pub plugins: bool,
}

impl Networks {
    /// Begins to watch. Changes from now on are noticed; those between the last load and now by the first
    /// [`Watch::dispatch`].
    ///
    /// # Errors
    /// [`Status::Io`] when there is no descriptor, or no watch, to be had; the text names the limit.
    pub fn watch(&self, options: WatchOptions) -> Result<Watch> {
        let (watcher, ready) = Watcher::new(self.watched_paths(), options.debounce)?;
        let watcher = Arc::new(Mutex::new(watcher));
        let mut watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(&watcher));
        Ok(Watch { networks: self.clone(), watcher, ready })
    }

    fn watched_paths(&self) -> Vec<paths::Watched> {
        let Inner { options, cni, sources, .. } = &*self.0;
        let sources = sources.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watched: Vec<paths::Watched> = Vec::new();
        if sources.is_empty() {
            watched.push(paths::Watched::conf_dir(options.conf_dir.clone()));
        }
        for Source { origin, .. } in &*sources {
            match origin {
                Origin::Dir { path, .. } => {
                    let path = path.clone().unwrap_or_else(|| options.conf_dir.clone());
                    watched.push(paths::Watched::conf_dir(path));
                }
                Origin::ConfFile(path) | Origin::ConfListFile(path) => {
                    watched.push(paths::Watched::conf_file(path.clone()));
                }
                Origin::Conf(_) | Origin::ConfList(_) => {}
            }
        }
        watched.extend(cni.options().plugin_dirs.iter().cloned().map(paths::Watched::plugin_dir));
        watched
    }

    /// Tells those who watch that networks come from elsewhere now.
    pub(super) fn sources_changed(&self) {
        let paths = self.watched_paths();
        let watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.lock().unwrap_or_else(PoisonError::into_inner).watch_instead(paths.clone());
        }
    }
}

impl Networks {
    /// The directories whose changes are not noticed though there is a watch.
    pub(super) fn unwatched(&self) -> Vec<LoadProblem> {
        let watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = |watcher: Arc<Mutex<Watcher>>| {
            let watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
            let (path, message) = watcher.unwatched()?.clone();
            Some(LoadProblem { error: Error::new(Status::Io, message).at_path(&path), path })
        };
        // All of them watch the same.
        watchers.iter().filter_map(Weak::upgrade).find_map(problem).into_iter().collect()
    }
}

impl Watch {
    /// Goes on with what happened, without waiting: `None` while nothing is to be told. When the networks changed, it
    /// loads them again. A file that is broken now keeps the network that it had, and is among the
    /// [problems](Snapshot::problems).
    ///
    /// # Errors
    /// [`Status::Io`] when a new directory cannot be watched: the next call tries again.
    pub fn dispatch(&self) -> Result<Option<Change>> {
        let seen = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).dispatch()?;
        let Some(Seen { networks, plugins }) = seen else { return Ok(None) };
        let before = self.networks.config().generation();
        let snapshot = if networks {
            self.networks.load_again(None, Broken::KeepsTheOld).inspect_err(|_| {
                // Should this fail as well, then so does the next dispatch.
                let _ = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).again();
            })?
        } else {
            self.networks.config()
        };
        let networks = snapshot.generation() != before;
        Ok((networks || plugins).then_some(Change { snapshot, networks, plugins }))
    }

    /// Waits for the next change.
    ///
    /// # Errors
    /// [`Status::Timeout`] and [`Status::Cancelled`] when the context ends the wait; as [`Watch::dispatch`].
    pub fn wait(&self, ctx: &Context) -> Result<Change> {
        loop {
            if let Some(change) = self.dispatch()? {
                return Ok(change);
            }
            ctx.ask_host();
            if ctx.is_cancelled() {
                return Err(Error::new(
                    Status::Cancelled,
                    "cancelled while waiting for a change of the networks",
                ));
            }
            let deadline = ctx.deadline();
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                let message = "timed out while waiting for a change of the networks";
                return Err(Error::new(Status::Timeout, message).with(|facts| facts.timed_out = true));
            }
            let until = [deadline, ctx.ask_again_at()].into_iter().flatten().min();
            let woken = sys::wait_readable(self.as_fd(), ctx.wake(), until).map_err(|error| {
                Error::new(Status::Io, format!("failed to wait for a change of the networks: {error}"))
            })?;
            if woken {
                ctx.drain_spurious_wake();
            }
        }
    }

    /// The changes one after the other, each as it comes. Ends after the first error, which is its last item.
    pub fn changes(&self, ctx: &Context) -> impl Iterator<Item = Result<Change>> {
        let mut failed = false;
        std::iter::from_fn(move || {
            if failed {
                return None;
            }
            let change = self.wait(ctx);
            failed = change.is_err();
            Some(change)
        })
    }
}

/// Readable when [`Watch::dispatch`] has something to do. Only to be waited for.
impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

/// The `change` of the C ABI.
impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let names: Vec<&str> = self.snapshot.names().collect();
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("generation", &self.snapshot.generation())?;
        map.serialize_entry("networks", &names)?;
        map.serialize_entry("errors", self.snapshot.problems())?;
        map.serialize_entry("networksChanged", &self.networks)?;
        map.serialize_entry("plugins", &self.plugins)?;
        map.end()
    }
}

/// For errors: what a path is watched for.
fn too_few(what: &str, limit: &str, error: &std::io::Error) -> Error {
    let message = format!("failed to {what}: {error} (the limit is the sysctl {limit})");
    Error::new(Status::Io, message)
}
