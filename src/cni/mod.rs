//! [`Cni`]: the operations of a runtime on its networks.
//!
//! Every operation is the same walk: over the plugins of a target, in some order, each step deriving
//! the plugin's request, finding its program and running it (`call.rs`). What differs is the order,
//! what is passed, and what is done with the cache; each operation's file tells.

mod attachment;
mod cached;
mod call;
mod event;
mod gc;
mod listed;
mod locks;
mod options;
mod prev_result;
mod render;
mod status;
mod validate;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use crate::cache::Cache;
use crate::context::{Context, HeldLocks, LOCKS_VARIABLE};
use crate::error::{Error, Result, Status};
use crate::exec::environ::Environ;
use crate::exec::process::ProcessExec;
use crate::exec::{Exec, Registry};
use crate::plugin::{Builtin, InProcess, Plugin};
use crate::types::network::{NetworkConfigList, PluginConfig};
use crate::types::result::CniResult;
use crate::types::runtime::RuntimeConf;

pub use cached::{AttachmentReport, CachedConfig};
pub use event::{Event, Observer, Run, RunEnd};
pub use gc::{GcArgs, GcAttachment};
pub use options::{CacheDir, CniOptions};
pub use render::RenderedRequest;
pub use validate::VersionInfo;

use call::{after, earlier};

/// The directory of cached attachments when nobody names another.
pub const DEFAULT_CACHE_DIR: &str = "/var/lib/cni";

/// A configured CNI runtime.
///
/// Cheap to make and to clone, immutable, and free to be used by any number of threads at once. Every
/// operation runs on the calling thread, and plugins inherit that thread's namespaces.
#[derive(Clone)]
pub struct Cni(Arc<Inner>);

struct Inner {
    options: CniOptions,
    exec: Registry,
    observer: Option<Arc<dyn Observer>>,
    /// The locks of the operation that this process is a plugin of.
    inherited_locks: HeldLocks,
    environ: Environ<'static>,
}

impl Cni {
    /// A runtime that runs plugins as programs. Touches no file.
    pub fn new(options: CniOptions) -> Cni {
        Cni::with_exec(options, ProcessExec::default())
    }

    /// A runtime that finds and runs plugins by `exec`.
    pub fn with_exec(options: CniOptions, exec: impl Exec + 'static) -> Cni {
        Cni::build(options, Arc::new(exec), None)
    }

    /// A runtime that finds and runs plugins by `exec`, and tells `observer` of every run.
    pub fn with_observer(
        options: CniOptions,
        exec: impl Exec + 'static,
        observer: impl Observer + 'static,
    ) -> Cni {
        Cni::build(options, Arc::new(exec), Some(Arc::new(observer)))
    }

    fn build(options: CniOptions, exec: Arc<dyn Exec>, observer: Option<Arc<dyn Observer>>) -> Cni {
        let inherited_locks = std::env::var(LOCKS_VARIABLE)
            .map_or_else(|_| HeldLocks::default(), |value| HeldLocks::parse(&value));
        let with = |registry: Registry, builtin: &Builtin| {
            registry.with(builtin.name(), Arc::new(InProcess::new(builtin.plugin())))
        };
        let exec = options.builtins.iter().fold(Registry::new(exec), with);
        Cni(Arc::new(Inner { options, exec, observer, inherited_locks, environ: Environ::default() }))
    }

    /// The same runtime, which nobody shares yet, in a host that is not Rust.
    #[cfg(feature = "capi")]
    pub(crate) fn of_c(mut self) -> Cni {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.environ = Environ::C;
        }
        self
    }

    /// The same runtime with a plugin that lives in the process: for that type it is asked before the file
    /// system, and before a host's own [`Exec`]. It gets exactly what its program would get, and runs on the
    /// calling thread. An earlier plugin of that type is replaced.
    ///
    /// Cheap: what the two runtimes have in common is shared.
    #[must_use]
    pub fn with_plugin(&self, plugin_type: impl Into<String>, plugin: Arc<dyn Plugin>) -> Cni {
        let Inner { options, exec, observer, inherited_locks, environ } = &*self.0;
        Cni(Arc::new(Inner {
            options: options.clone(),
            exec: exec.with(plugin_type, Arc::new(InProcess::new(plugin))),
            observer: observer.clone(),
            inherited_locks: inherited_locks.clone(),
            environ: *environ,
        }))
    }

    /// [`Cni::with_plugin`] for a plugin of the library, under its own name.
    #[must_use]
    pub fn with_builtin(&self, builtin: Builtin) -> Cni {
        self.with_plugin(builtin.name(), builtin.plugin())
    }

    /// Whether plugins of that type live in the process.
    pub fn has_plugin(&self, plugin_type: &str) -> bool {
        self.0.exec.has(plugin_type)
    }

    /// The options that it was made of.
    pub fn options(&self) -> &CniOptions {
        &self.0.options
    }

    fn exec(&self) -> &dyn Exec {
        &self.0.exec
    }

    fn observer(&self) -> Option<&dyn Observer> {
        self.0.observer.as_deref()
    }

    fn environ(&self) -> Environ<'static> {
        self.0.environ
    }

    fn inherited_locks(&self) -> &HeldLocks {
        &self.0.inherited_locks
    }

    /// The deadline of an operation that starts now.
    fn deadline(&self, ctx: &Context) -> Option<Instant> {
        earlier(ctx.deadline(), self.options().timeout.and_then(after))
    }

    /// The cache of a call: the handle's directory, then the call's own, then the default one. An empty
    /// path is none.
    fn cache(&self, of_call: Option<&Path>) -> Option<Cache> {
        let dir = match (&self.options().cache_dir, of_call) {
            (CacheDir::Nowhere, _) => return None,
            (CacheDir::At(dir), _) if !dir.as_os_str().is_empty() => dir,
            (_, Some(dir)) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new(DEFAULT_CACHE_DIR),
        };
        Some(Cache::at(dir.into(), self.options().durable))
    }

    /// ADD: attaches a container to a network, plugin by plugin, and remembers the attachment
    /// (specification, section 3, "Attachment of a container to a network").
    ///
    /// # Errors
    /// The first plugin's that fails, with all that is known about it; what ran before it stays, unless
    /// `rollback` is set. [`Status::Cache`] when the attachment could not be
    /// remembered: the error then has the result.
    pub fn add_network_list(
        &self,
        ctx: &Context,
        list: &NetworkConfigList,
        rt: &RuntimeConf,
    ) -> Result<CniResult> {
        Ok(self.add(ctx, &Target::list(list).found_as(rt)?, rt)?.result)
    }

    /// [`Cni::add_network_list`] for who wants the result as JSON: it was printed for the cache already.
    ///
    /// # Errors
    /// As there.
    pub fn add_network_list_json(
        &self,
        ctx: &Context,
        list: &NetworkConfigList,
        rt: &RuntimeConf,
    ) -> Result<String> {
        Ok(self.add(ctx, &Target::list(list).found_as(rt)?, rt)?.text)
    }

    /// CHECK: asks every plugin whether the attachment is as it should be.
    ///
    /// # Errors
    /// [`Status::CheckNotSupported`] below version 0.4.0;
    /// [`Status::NotAdded`] without a remembered attachment; else the first
    /// plugin's that fails.
    pub fn check_network_list(
        &self,
        ctx: &Context,
        list: &NetworkConfigList,
        rt: &RuntimeConf,
    ) -> Result<()> {
        self.check(ctx, &Target::list(list).found_as(rt)?, rt)
    }

    /// DEL: undoes an attachment, from the last plugin to the first, and forgets it. Deleting what is
    /// not there succeeds.
    ///
    /// # Errors
    /// The first plugin's that fails; the attachment is then still remembered, so that DEL can be tried
    /// again.
    pub fn del_network_list(&self, ctx: &Context, list: &NetworkConfigList, rt: &RuntimeConf) -> Result<()> {
        self.del(ctx, &Target::list(list).found_as(rt)?, rt)
    }

    /// [`Cni::add_network_list`] for one plugin on its own, under its own name and version.
    ///
    /// # Errors
    /// As there.
    pub fn add_network(&self, ctx: &Context, conf: &PluginConfig, rt: &RuntimeConf) -> Result<CniResult> {
        Ok(self.add(ctx, &Target::single(conf).found_as(rt)?, rt)?.result)
    }

    /// [`Cni::add_network`] for who wants the result as JSON, as [`Cni::add_network_list_json`].
    ///
    /// # Errors
    /// As there.
    pub fn add_network_json(&self, ctx: &Context, conf: &PluginConfig, rt: &RuntimeConf) -> Result<String> {
        Ok(self.add(ctx, &Target::single(conf).found_as(rt)?, rt)?.text)
    }

    /// [`Cni::check_network_list`] for one plugin on its own, under its own name and version.
    ///
    /// # Errors
    /// As there.
    pub fn check_network(&self, ctx: &Context, conf: &PluginConfig, rt: &RuntimeConf) -> Result<()> {
        self.check(ctx, &Target::single(conf).found_as(rt)?, rt)
    }

    /// [`Cni::del_network_list`] for one plugin on its own, under its own name and version.
    ///
    /// # Errors
    /// As there.
    pub fn del_network(&self, ctx: &Context, conf: &PluginConfig, rt: &RuntimeConf) -> Result<()> {
        self.del(ctx, &Target::single(conf).found_as(rt)?, rt)
    }
}

/// What an operation works on: a list, or one plugin's configuration on its own.
struct Target<'a> {
    form: Form,
    name: &'a str,
    cni_version: &'a str,
    plugins: &'a [PluginConfig],
    /// The plugins' types where they differ from those of their configurations; else empty.
    types: &'a [String],
    disable_check: bool,
    /// What ADD caches.
    bytes: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    List,
    Single,
}

impl<'a> Target<'a> {
    fn list(list: &'a NetworkConfigList) -> Target<'a> {
        Target {
            form: Form::List,
            name: &list.name,
            cni_version: &list.cni_version,
            plugins: &list.plugins,
            types: &[],
            disable_check: list.disable_check,
            bytes: &list.bytes,
        }
    }

    fn single(conf: &'a PluginConfig) -> Target<'a> {
        Target {
            form: Form::Single,
            name: conf.name(),
            cni_version: conf.cni_version(),
            plugins: std::slice::from_ref(conf),
            types: &[],
            disable_check: false,
            bytes: conf.bytes(),
        }
    }

    /// The same with the names by which the call wants its plugins found.
    fn found_as(self, rt: &'a RuntimeConf) -> Result<Target<'a>> {
        let types = rt.plugin_types.as_slice();
        if !types.is_empty() && types.len() != self.plugins.len() {
            let (given, wanted) = (types.len(), self.plugins.len());
            let message = format!("pluginTypes has {given} names for a configuration of {wanted} plugins");
            return Err(Error::new(Status::InvalidArgument, message));
        }
        Ok(Target { types, ..self })
    }

    /// The type of the plugin at `index`: the name by which it is found.
    fn plugin_type(&self, index: usize) -> &'a str {
        self.types.get(index).map_or_else(|| self.plugins[index].plugin_type(), String::as_str)
    }
}
