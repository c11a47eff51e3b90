//! The networks of a container: what every runtime builds above [`Cni`] by hand.
//!
//! A [`Networks`] loads the networks of a node, attaches containers to all of them and detaches them again, adds the
//! results up, tells whether the node is ready, and notices when the configuration changes. It is made of a [`Cni`],
//! imports the rest of the library, and nothing but the bindings imports it.
//!
//! ```no_run
//! use cni::networks::{Container, Networks, NetworksOptions};
//! use cni::{Cni, CniOptions, Context};
//!
//! # fn main() -> cni::Result<()> {
//! let networks = Networks::new(Cni::new(CniOptions::default()), NetworksOptions::default())?;
//! let container =
//!     Container { container_id: "c1".into(), netns: "/run/netns/c1".into(), ..Container::default() };
//! let result = networks.setup(&Context::background(), &container)?;
//! println!("{}", result.to_json());
//! networks.remove(&Context::background(), &container)?;
//! # Ok(())
//! # }
//! ```
//!
//! # The map
//! - `options.rs`: what it is made of and where networks come from; `load.rs`: from there to a [`Snapshot`]
//! - `container.rs`: whom a call is about; `setup.rs`, `remove.rs`, `status.rs`: the calls;
//!   `remembered.rs`: what the cache knows of a container beside what is loaded
//! - `result.rs`: the results of all networks, added up
//! - `watch/`: changes of the configuration; `metrics.rs`: counters and durations

mod container;
mod load;
mod metrics;
mod options;
mod remembered;
mod remove;
mod result;
mod setup;
mod status;
mod watch;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Instant;

pub use container::{Container, ContainerNetwork};
pub use load::{LoadProblem, Network, Snapshot};
pub use metrics::{Metrics, Operation};
pub use options::{DEFAULT_CONF_DIR, DirLoad, LoopbackPlugin, NetworksOptions, Origin, Source};
pub use result::{InterfaceResult, NetworkResult, SetupResult};
pub use watch::{Change, Watch, WatchOptions};

use crate::cni::Cni;
use crate::conf;
use crate::error::{Error, Result, Status};
use crate::exec;
use crate::plugin::Builtin;
use crate::types::identity;
use load::{Broken, Loader};

/// How many files that could not be loaded the error of a node that is not ready tells of.
const MOST_PROBLEMS: usize = 10;

/// The networks of a node, for any number of containers.
///
/// Cheap to clone, and free to be used by any number of threads at once. Calls work with the networks as they were
/// loaded when the call began; no lock is held while plugins run.
#[derive(Clone)]
pub struct Networks(Arc<Inner>);

struct Inner {
    cni: Cni,
    options: NetworksOptions,
    /// One load at a time: each builds on the one before.
    sources: Mutex<Vec<Source>>,
    snapshot: RwLock<Arc<Snapshot>>,
    metrics: Metrics,
    /// Those that watch these networks.
    watchers: Mutex<Vec<Weak<Mutex<watch::Watcher>>>>,
}

impl std::fmt::Debug for Networks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let snapshot = self.config();
        formatter.debug_struct("Networks").field("loaded", &snapshot).finish_non_exhaustive()
    }
}

impl Networks {
    /// Loads the networks.
    ///
    /// A directory without networks, or that is not there, is no error: [`Networks::status`] tells of it. Files in it
    /// that cannot be loaded are in [`Snapshot::problems`].
    ///
    /// # Errors
    /// [`Status::InvalidArgument`] for a prefix that no interface's name can begin with; what is wrong with a file or
    /// a configuration that the sources name.
    pub fn new(cni: Cni, options: NetworksOptions) -> Result<Networks> {
        let shortest = format!("{}0", options.interface_prefix);
        identity::interface(&shortest).map_err(|error| {
            error.context(format_args!("invalid interfacePrefix {}", options.interface_prefix))
        })?;
        let loader = Loader {
            options: &options,
            plugin_dirs: &cni.options().plugin_dirs,
            sources: &options.sources,
            before: None,
            broken: Broken::Fails,
        };
        let snapshot = RwLock::new(Arc::new(loader.load(Vec::new())?));
        let sources = Mutex::new(options.sources.clone());
        let (metrics, watchers) = (Metrics::default(), Mutex::default());
        Ok(Networks(Arc::new(Inner { cni, options, sources, snapshot, metrics, watchers })))
    }

    /// The options that it was made of.
    pub fn options(&self) -> &NetworksOptions {
        &self.0.options
    }

    /// The networks as they are loaded now.
    pub fn config(&self) -> Arc<Snapshot> {
        self.0.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loads the networks again, from other sources if some are given. On failure everything stays as it was.
    ///
    /// # Errors
    /// As [`Networks::new`].
    pub fn load(&self, sources: Option<Vec<Source>>) -> Result<Arc<Snapshot>> {
        let others = sources.is_some();
        let snapshot = self.load_again(sources, Broken::Fails)?;
        if others {
            self.sources_changed();
        }
        Ok(snapshot)
    }

    fn load_again(&self, new: Option<Vec<Source>>, broken: Broken) -> Result<Arc<Snapshot>> {
        let mut sources = self.0.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.config();
        let loader = Loader {
            options: &self.0.options,
            plugin_dirs: &self.0.cni.options().plugin_dirs,
            sources: new.as_ref().unwrap_or(&*sources),
            before: Some(&before),
            broken,
        };
        // What there is to tell of other sources shows once they are watched.
        let unwatched = if new.is_none() { self.unwatched() } else { Vec::new() };
        let snapshot = Arc::new(loader.load(unwatched)?);
        if let Some(new) = new {
            *sources = new;
        }
        *self.0.snapshot.write().unwrap_or_else(PoisonError::into_inner) = snapshot.clone();
        Ok(snapshot)
    }

    /// Counters and durations of the calls so far.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The runtime for one call: with loopback in the process, when that is who brings it up.
    fn cni(&self) -> Cni {
        const LOOPBACK: &str = Builtin::Loopback.name();
        let options = &self.0.options;
        let cni = &self.0.cni;
        let builtin = options.loopback
            && match options.loopback_plugin {
                LoopbackPlugin::Builtin => true,
                LoopbackPlugin::Program => false,
                LoopbackPlugin::Auto => exec::find_in_path(LOOPBACK, &cni.options().plugin_dirs).is_err(),
            };
        if builtin && !cni.has_plugin(LOOPBACK) { cni.with_builtin(Builtin::Loopback) } else { cni.clone() }
    }

    /// # Errors
    /// [`Status::NetworkNotFound`] when fewer networks are loaded than there must be.
    fn check_ready(&self, snapshot: &Snapshot) -> Result<()> {
        let options = &self.0.options;
        let wanted = options.min_networks.unwrap_or(1 + usize::from(options.loopback));
        let loaded = snapshot.networks().len();
        if loaded >= wanted {
            return Ok(());
        }
        let counted = if options.loopback { ", loopback included" } else { "" };
        let mut message =
            format!("the networks are not ready: {loaded} of at least {wanted} are loaded{counted}");
        let dirs: Vec<_> = snapshot.dirs().iter().map(|dir| looked_at(dir)).collect();
        if !dirs.is_empty() {
            message = format!("{message} (configurations are in {})", dirs.join("; "));
        }
        let problems = snapshot.problems();
        for problem in problems.iter().take(MOST_PROBLEMS) {
            message = format!("{message}; not loaded: {}", problem.error.message());
        }
        if problems.len() > MOST_PROBLEMS {
            message = format!("{message}; and {} more", problems.len() - MOST_PROBLEMS);
        }
        let error = Error::new(Status::NetworkNotFound, message);
        Err(match snapshot.dirs().first() {
            Some(dir) => error.at_path(dir),
            None => error,
        })
    }
}

/// A directory of configurations, and why there is nothing in it, when there is not.
fn looked_at(dir: &Path) -> String {
    let dir_is = dir.display();
    match conf::conf_files(dir, &load::EXTENSIONS) {
        Ok(files) if !files.is_empty() => format!("{dir_is}"),
        Ok(_) if dir.exists() => format!("{dir_is}, which has no .conflist, .conf or .json file"),
        Ok(_) => format!("{dir_is}, which does not exist"),
        // It is among the problems.
        Err(_) => format!("{dir_is}"),
    }
}

/// Counts a call and how long it takes.
fn timed<T>(metrics: &Metrics, operation: Operation, call: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let outcome = call();
    metrics.record(operation, outcome.is_ok(), started.elapsed());
    outcome
}
