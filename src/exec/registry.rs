//! [`Registry`]: plugins that live in the process, asked before all others.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Exec, ExecRequest, FindRequest, Outcome};
use crate::error::{Error, Result, Status};

/// What the path of a plugin that lives in the process begins with; its type follows. No file has that name: it is
/// for events, errors and people.
pub const IN_PROCESS: &str = "in-process:";

/// A plugin that lives in the process.
pub trait InProcessPlugin: Send + Sync {
    /// Runs it to its end, on the calling thread, with exactly the request that its program would get.
    ///
    /// `exec` is how it finds and runs the plugins that it delegates to. A plugin that fails is an
    /// [`Outcome`], not an error.
    ///
    /// # Errors
    /// As [`Exec::exec_plugin`].
    fn exec_plugin(&self, request: &ExecRequest<'_>, exec: &Arc<dyn Exec>) -> Result<Outcome>;
}

/// Plugins in the process by their types, and another [`Exec`] for all other types.
///
/// Cheap to clone and immutable. A plugin of the registry delegates through the registry, so that it reaches its
/// neighbours first and programs second.
#[derive(Clone)]
pub struct Registry {
    plugins: Arc<[(String, Arc<dyn InProcessPlugin>)]>,
    next: Arc<dyn Exec>,
}

impl Registry {
    /// A registry without plugins.
    pub fn new(next: Arc<dyn Exec>) -> Registry {
        Registry { plugins: Arc::new([]), next }
    }

    /// The same with one more plugin, which replaces another of that type.
    #[must_use]
    pub fn with(&self, plugin_type: impl Into<String>, plugin: Arc<dyn InProcessPlugin>) -> Registry {
        let plugin_type = plugin_type.into();
        let others = self.plugins.iter().filter(|(other, _)| *other != plugin_type).cloned();
        let plugins = others.chain([(plugin_type.clone(), plugin)]).collect();
        Registry { plugins, next: self.next.clone() }
    }

    /// Whether there is a plugin of that type.
    pub fn has(&self, plugin_type: &str) -> bool {
        self.plugin(plugin_type).is_some()
    }

    fn plugin(&self, plugin_type: &str) -> Option<&Arc<dyn InProcessPlugin>> {
        self.plugins.iter().find(|(known, _)| known == plugin_type).map(|(_, plugin)| plugin)
    }
}

impl Exec for Registry {
    fn find_in_path(&self, request: &FindRequest<'_>) -> Result<PathBuf> {
        if self.has(request.plugin) {
            return Ok(PathBuf::from(format!("{IN_PROCESS}{}", request.plugin)));
        }
        self.next.find_in_path(request)
    }

    fn exec_plugin(&self, request: &ExecRequest<'_>) -> Result<Outcome> {
        self.exec_at(request, 0)
    }
}

/// How deep plugins in the process may delegate to each other: they share one stack, and a plugin that delegates to
/// itself would end the host.
const MAX_DEPTH: usize = 16;

impl Registry {
    fn exec_at(&self, request: &ExecRequest<'_>, depth: usize) -> Result<Outcome> {
        match self.plugin(request.plugin) {
            None => self.next.exec_plugin(request),
            Some(_) if depth >= MAX_DEPTH => {
                let message = format!("plugins delegate to each other more than {MAX_DEPTH} deep");
                Err(Error::new(Status::InvalidConfig, message))
            }
            Some(plugin) => {
                let exec: Arc<dyn Exec> = Arc::new(Delegates { registry: self.clone(), depth: depth + 1 });
                plugin.exec_plugin(request, &exec)
            }
        }
    }
}

/// The registry, as a plugin of it delegates through it.
struct Delegates {
    registry: Registry,
    depth: usize,
}

impl Exec for Delegates {
    fn find_in_path(&self, request: &FindRequest<'_>) -> Result<PathBuf> {
        self.registry.find_in_path(request)
    }

    fn exec_plugin(&self, request: &ExecRequest<'_>) -> Result<Outcome> {
        self.registry.exec_at(request, self.depth)
    }
}
