//! One call: its command, deadline and environment, and the one routine that runs a plugin in it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::event::{Event, Run, RunEnd};
use super::{Cni, Target};
use crate::conf::{self, Injected};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exec::environ::Environ;
use crate::exec::{Environment, ExecRequest, FindRequest, Limits, environment, judge::judge};
use crate::types::command::Command;
use crate::types::runtime::RuntimeConf;

/// What all plugin runs of one command of one operation share.
pub(super) struct Call<'a> {
    pub cni: &'a Cni,
    pub ctx: &'a Context,
    pub command: Command,
    /// The earliest of the context's, the handle's and the operation's own deadline.
    pub deadline: Option<Instant>,
    env: Environment,
    /// Whose interface this is about, for events.
    container_id: &'a str,
    if_name: &'a str,
}

/// The values of the protocol's variables (specification, section 2, "Parameters").
pub(super) struct Parameters<'a> {
    pub container_id: &'a str,
    pub netns: &'a str,
    pub if_name: &'a str,
    pub args: &'a [(String, String)],
    /// `CNI_PATH`, when it is not the handle's directories.
    pub path: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    pub(super) fn of(rt: &'a RuntimeConf) -> Parameters<'a> {
        let RuntimeConf { container_id, netns, if_name, args, .. } = rt;
        Parameters { container_id, netns, if_name, args, path: None }
    }

    /// For commands that are about no container.
    pub(super) fn none() -> Parameters<'static> {
        Parameters { container_id: "", netns: "", if_name: "", args: &[], path: None }
    }

    /// The protocol's variables for `command`.
    pub(super) fn variables<'v>(
        &'v self,
        command: Command,
        dirs: &'v [PathBuf],
    ) -> [(&'static str, Cow<'v, str>); 6] {
        let joined = || match dirs {
            [dir] => dir.to_string_lossy(),
            dirs => {
                let dirs: Vec<_> = dirs.iter().map(|dir| dir.to_string_lossy()).collect();
                dirs.join(":").into()
            }
        };
        let args: Vec<String> = self.args.iter().map(|(key, value)| format!("{key}={value}")).collect();
        [
            ("CNI_COMMAND", command.name().into()),
            ("CNI_CONTAINERID", self.container_id.into()),
            ("CNI_NETNS", self.netns.into()),
            ("CNI_ARGS", args.join(";").into()),
            ("CNI_IFNAME", self.if_name.into()),
            ("CNI_PATH", self.path.map_or_else(joined, Cow::from)),
        ]
    }
}

impl<'a> Call<'a> {
    pub(super) fn new(
        cni: &'a Cni,
        ctx: &'a Context,
        command: Command,
        parameters: &Parameters<'a>,
        deadline: Option<Instant>,
    ) -> Call<'a> {
        let policy = ctx.env().unwrap_or(&cni.options().env);
        let host = ctx.host_environment().map_or(cni.environ(), Environ::Read);
        let mut env = environment::Builder::new(policy, host);
        for (name, value) in &parameters.variables(command, &cni.options().plugin_dirs) {
            env.set(name, value);
        }
        for (name, value) in ctx.trace_variables().iter().chain(&ctx.held().variable()) {
            env.set(name, value);
        }
        let env = env.build();
        let (container_id, if_name) = match command {
            Command::Version => Default::default(),
            _ => (parameters.container_id, parameters.if_name),
        };
        Call { cni, ctx, command, deadline, env, container_id, if_name }
    }

    /// Runs a plugin that was found, to its end. What it prints is returned when it succeeds.
    pub(super) fn run(
        &self,
        plugin: &str,
        index: Option<usize>,
        path: &Path,
        stdin: &[u8],
    ) -> Result<Vec<u8>> {
        let options = self.cni.options();
        let limits = Limits {
            deadline: self.deadline,
            kill_grace: options.kill_grace,
            max_output_bytes: options.max_output_bytes,
        };
        let request = ExecRequest {
            dirs: &options.plugin_dirs,
            stdin,
            env: &self.env,
            ..ExecRequest::new(self.command, plugin, path, limits, self.ctx)
        };
        self.check_time()?;
        let outcome = match self.cni.observer() {
            None => self.cni.exec().exec_plugin(&request)?,
            Some(observer) => {
                let run = Run {
                    index,
                    container_id: self.container_id,
                    if_name: self.if_name,
                    ..Run::new(self.command, plugin, path)
                };
                observer.on_event(self.ctx, &Event::Begin(run.clone()));
                let outcome = self.cni.exec().exec_plugin(&request);
                // Every begin has its end, also when a host's callback fails.
                let end = outcome.as_ref().map_or_else(RunEnd::failed, RunEnd::of);
                observer.on_event(self.ctx, &Event::End { run, end });
                outcome?
            }
        };
        judge(self.command, outcome).map_err(|error| error.at_path(path))
    }

    /// Whether there is time to start another plugin: also for one that is no process, which nobody can end.
    pub(super) fn check_time(&self) -> Result<()> {
        self.ctx.check_time(self.deadline)
    }

    /// Derives the request of the target's plugin at `index` and runs it: the step that every operation on
    /// a network consists of.
    pub(super) fn step(&self, target: &Target<'_>, index: usize, injected: &Injected<'_>) -> Result<Vec<u8>> {
        let path = self.cni.find(self.ctx, self.command, target.plugin_type(index))?;
        self.step_found(target, index, &path, injected)
    }

    /// [`Call::step`] for a plugin whose program was found before.
    pub(super) fn step_found(
        &self,
        target: &Target<'_>,
        index: usize,
        path: &Path,
        injected: &Injected<'_>,
    ) -> Result<Vec<u8>> {
        let request = conf::derive(&target.plugins[index], injected)?;
        self.run(target.plugin_type(index), Some(index), path, request.as_bytes())
    }
}

impl Cni {
    /// Finds a plugin's program.
    pub(crate) fn find(&self, ctx: &Context, command: Command, plugin: &str) -> Result<PathBuf> {
        let request = FindRequest::new(command, plugin, &self.options().plugin_dirs, ctx);
        self.exec().find_in_path(&request)
    }
}

impl Target<'_> {
    /// The error of the plugin at `index`, with the facts that every such error carries.
    pub(super) fn in_plugin(&self, command: Command, index: usize, error: Error) -> Error {
        error.with(|facts| {
            facts.command.get_or_insert(command.name());
            facts.plugin.get_or_insert_with(|| self.plugin_type(index).to_owned());
            facts.index.get_or_insert(index);
        })
    }
}

/// The earlier of two deadlines, where `None` is never.
pub(super) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// That far from now; a time that the clock cannot count to is never.
pub(super) fn after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}
