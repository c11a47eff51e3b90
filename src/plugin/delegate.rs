//! Running another plugin as part of one's own work (specification, section 4, "Plugin Delegation").

use std::ffi::CString;
use std::time::{Duration, Instant};

use super::protocol::config_version;
use super::request::Request;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exec::judge::judge;
use crate::exec::{Environment, ExecRequest, FindRequest, Limits};
use crate::text;
use crate::types::command::Command;
use crate::types::result::CniResult;

/// How long the DEL may take that follows a failed ADD, also when the call itself has no time left.
const CLEAN_UP_TIME: Duration = Duration::from_secs(30);

/// The plugin that is delegated to is found in [`Request::plugin_dirs`], inside a process among its plugins first. It
/// gets `config` on stdin and the environment of the request with its own command; what it writes to stderr is logged.
///
/// The errors of each: `PluginNotFound`, or the plugin's own with its code, message and details: returned as they are,
/// they are what the runtime gets to see.
impl Request<'_> {
    /// ADD. When it fails, DEL with the same configuration follows before this returns, as the specification asks.
    /// The result is in the version in which the plugin gave it.
    ///
    /// # Errors
    /// As above; of a DEL that fails, too, as a cause.
    pub fn delegate_add(&self, plugin_type: &str, config: impl AsRef<[u8]>) -> Result<CniResult> {
        let config = config.as_ref();
        let version = config_version(&text::lossy(config))?;
        let path = self.find(Command::Add, plugin_type)?;
        let added = self
            .run(Command::Add, plugin_type, &path, config, self.context(), self.limits())
            .and_then(|stdout| CniResult::from_plugin_output(&stdout, &version));
        added.map_err(|error| {
            let context = self.context().uncancelled().within(CLEAN_UP_TIME);
            let limits = Limits { deadline: Instant::now().checked_add(CLEAN_UP_TIME), ..self.limits() };
            match self.run(Command::Del, plugin_type, &path, config, &context, limits) {
                Ok(_) => error,
                Err(also) => {
                    self.log(format!("DEL of {plugin_type} after its failed ADD failed, too: {also}"));
                    error.with(|facts| facts.causes.push(also))
                }
            }
        })
    }

    /// CHECK.
    ///
    /// # Errors
    /// As above.
    pub fn delegate_check(&self, plugin_type: &str, config: impl AsRef<[u8]>) -> Result<()> {
        self.delegate(Command::Check, plugin_type, config).map(drop)
    }

    /// DEL.
    ///
    /// # Errors
    /// As above.
    pub fn delegate_del(&self, plugin_type: &str, config: impl AsRef<[u8]>) -> Result<()> {
        self.delegate(Command::Del, plugin_type, config).map(drop)
    }

    /// GC.
    ///
    /// # Errors
    /// As above.
    pub fn delegate_gc(&self, plugin_type: &str, config: impl AsRef<[u8]>) -> Result<()> {
        self.delegate(Command::Gc, plugin_type, config).map(drop)
    }

    /// STATUS.
    ///
    /// # Errors
    /// As above.
    pub fn delegate_status(&self, plugin_type: &str, config: impl AsRef<[u8]>) -> Result<()> {
        self.delegate(Command::Status, plugin_type, config).map(drop)
    }

    /// Any of these by its command; ADD alone has a result.
    ///
    /// # Errors
    /// As above.
    pub fn delegate(
        &self,
        command: Command,
        plugin_type: &str,
        config: impl AsRef<[u8]>,
    ) -> Result<Option<CniResult>> {
        if command == Command::Add {
            return self.delegate_add(plugin_type, config).map(Some);
        }
        let path = self.find(command, plugin_type)?;
        self.run(command, plugin_type, &path, config.as_ref(), self.context(), self.limits())?;
        Ok(None)
    }

    fn find(&self, command: Command, plugin_type: &str) -> Result<std::path::PathBuf> {
        let dirs = self.plugin_dirs();
        let request = FindRequest::new(command, plugin_type, &dirs, self.context());
        self.exec().find_in_path(&request).map_err(|error| in_plugin(error, command, plugin_type))
    }

    fn run(
        &self,
        command: Command,
        plugin_type: &str,
        path: &std::path::Path,
        config: &[u8],
        context: &Context,
        limits: Limits,
    ) -> Result<Vec<u8>> {
        let (dirs, env) = (self.plugin_dirs(), self.environment_for(command));
        let request = ExecRequest {
            dirs: &dirs,
            stdin: config,
            env: &env,
            ..ExecRequest::new(command, plugin_type, path, limits, context)
        };
        let outcome = self.exec().exec_plugin(&request)?;
        self.log_bytes(&outcome.stderr);
        judge(command, outcome).map_err(|error| in_plugin(error, command, plugin_type).at_path(path))
    }

    /// This request's environment with another command.
    fn environment_for(&self, command: Command) -> Environment {
        let name = b"CNI_COMMAND=";
        let line = CString::new([name, command.name().as_bytes()].concat());
        let others = self.environment().iter().filter(|line| !line.to_bytes().starts_with(name));
        // A command's name has no NUL.
        others.chain(line.as_deref().ok()).collect()
    }
}

fn in_plugin(error: Error, command: Command, plugin_type: &str) -> Error {
    error.with(|facts| {
        facts.command.get_or_insert(command.name());
        facts.plugin.get_or_insert_with(|| plugin_type.to_owned());
    })
}
