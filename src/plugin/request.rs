//! [`Request`]: what a plugin is asked.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::protocol::Host;
use crate::context::Context;
use crate::error::{Error, Result, code};
use crate::exec::{Environment, Exec, Limits};
use crate::text;
use crate::types::command::Command;
use crate::types::json::{self, Kind, Order};
use crate::types::result::CniResult;

/// What a plugin is asked, checked by the rules of the protocol: the variables that the command needs are there and
/// well-formed, the configuration is a JSON object with a network's name, and the plugin supports its version.
pub struct Request<'a> {
    command: Command,
    variables: Variables<'a>,
    container_id: Cow<'a, str>,
    if_name: Cow<'a, str>,
    args: Cow<'a, str>,
    network: &'a str,
    cni_version: &'a str,
    stdin: &'a [u8],
    config: &'a str,
    host: &'a Host<'a>,
}

impl<'a> Request<'a> {
    pub(super) fn new(
        command: Command,
        variables: Variables<'a>,
        network: &'a str,
        cni_version: &'a str,
        stdin: &'a [u8],
        config: &'a str,
        host: &'a Host<'a>,
    ) -> Result<Request<'a>> {
        let exact = |name| match variables.text(name) {
            Cow::Owned(_) => {
                Err(Error::of_plugin(code::INVALID_ENVIRONMENT, format!("{name} is not UTF-8"), ""))
            }
            text => Ok(text),
        };
        Ok(Request {
            command,
            container_id: exact("CNI_CONTAINERID")?,
            if_name: exact("CNI_IFNAME")?,
            args: exact("CNI_ARGS")?,
            variables,
            network,
            cni_version,
            stdin,
            config,
            host,
        })
    }

    /// What is asked: never [`Command::Version`], which is answered by itself.
    pub fn command(&self) -> Command {
        self.command
    }

    /// The container's id; may be empty in GC and STATUS.
    pub fn container_id(&self) -> &str {
        &self.container_id
    }

    /// The path of the container's network namespace. May be empty, and what it names may be gone, in DEL.
    pub fn netns(&self) -> &'a Path {
        Path::new(self.variables.os("CNI_NETNS"))
    }

    /// The name of the interface in the container; may be empty in GC and STATUS.
    pub fn if_name(&self) -> &str {
        &self.if_name
    }

    /// `CNI_ARGS` as it stands; [`Request::load_args`] reads it.
    pub fn args(&self) -> &str {
        &self.args
    }

    /// The directories in which plugins are searched (`CNI_PATH`), in order.
    pub fn plugin_dirs(&self) -> Vec<PathBuf> {
        std::env::split_paths(self.variables.os("CNI_PATH")).collect()
    }

    /// A variable of the environment; empty when it is not there. Inside a process this is not the process's own
    /// environment, but what the plugin's program would get.
    pub fn variable(&self, name: &str) -> &'a OsStr {
        self.variables.os(name)
    }

    /// The whole environment.
    pub fn environment(&self) -> &'a Environment {
        self.variables.0
    }

    /// The network's name.
    pub fn network_name(&self) -> &str {
        self.network
    }

    /// The version of the specification that the configuration is written in, and the result is wanted in.
    pub fn cni_version(&self) -> &str {
        self.cni_version
    }

    /// The configuration as JSON text: stdin, with U+FFFD for bytes that are not UTF-8.
    pub fn config_text(&self) -> &str {
        self.config
    }

    /// stdin, byte for byte.
    pub fn stdin(&self) -> &[u8] {
        self.stdin
    }

    /// The configuration as a value of the plugin's own type.
    ///
    /// # Errors
    /// Code 6, with the place in the configuration that does not fit.
    pub fn config<T: Deserialize<'a>>(&self) -> Result<T> {
        let mut deserializer = serde_json::Deserializer::from_str(self.config);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let details = error.to_string();
            Error::of_plugin(code::DECODING_FAILURE, "failed to load the network configuration", details)
        })
    }

    /// The result of the plugin before this one (ADD), or of the attachment (CHECK, DEL), in the configuration's
    /// version, whatever version it came in. Keys that are not of the specification are kept, so that it can be
    /// passed on.
    ///
    /// # Errors
    /// Code 6 when it is not a valid result, or cannot be converted.
    pub fn prev_result(&self) -> Result<Option<CniResult>> {
        let Some(text) = self.member("prevResult")? else { return Ok(None) };
        let result = CniResult::from_plugin_output(text.as_bytes(), self.cni_version)
            .and_then(|result| result.into_version(self.cni_version));
        result.map(Some).map_err(|error| {
            Error::of_plugin(code::DECODING_FAILURE, "failed to load prevResult", error.message())
        })
    }

    /// GC: the attachments that are still valid (`cni.dev/valid-attachments`). `None` when the runtime does not tell.
    ///
    /// # Errors
    /// Code 6 when it is not an array of such.
    pub fn valid_attachments(&self) -> Result<Option<Vec<ValidAttachment>>> {
        let names = ["cni.dev/valid-attachments", "cni.dev/attachments"];
        for name in names {
            let Some(text) = self.member(name)? else { continue };
            return serde_json::from_str(text).map(Some).map_err(|error| invalid_config(name, &error));
        }
        Ok(None)
    }

    /// A member of the configuration as it is written; `null` is as absent.
    fn member(&self, name: &'static str) -> Result<Option<&'a str>> {
        let mut found = None;
        let members = json::members(self.config).map_err(|problem| invalid_config(name, &problem))?;
        // The closure fails for nothing, so neither does this.
        let _ = json::each_field_of(members, &[name], Order::AsWritten, |field, member| {
            if field.is_some() {
                found = Some(member.value).filter(|value| Kind::of(value) != Kind::Null);
            }
            Ok(())
        });
        Ok(found)
    }

    /// The context of the call: a long piece of work looks at its deadline and whether it is cancelled. A program has
    /// neither: its runtime ends it.
    pub fn context(&self) -> &Context {
        self.host.context
    }

    /// Writes a line for people to the plugin's stderr. Inside a process, where stderr is the host's, it goes where the
    /// stderr of the plugin's program would go: to the runtime's events and errors.
    pub fn log(&self, line: impl AsRef<str>) {
        self.log_bytes(format!("{}\n", line.as_ref()).as_bytes());
    }

    pub(super) fn log_bytes(&self, words: &[u8]) {
        self.host.log.write(words);
    }

    pub(super) fn exec(&self) -> &'a Arc<dyn Exec> {
        self.host.exec
    }

    pub(super) fn host(&self) -> &'a Host<'a> {
        self.host
    }

    pub(super) fn limits(&self) -> Limits {
        self.host.limits
    }
}

/// An attachment that is still valid (specification, "GC").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ValidAttachment {
    /// The container's id.
    #[serde(rename = "containerID")]
    pub container_id: String,
    /// The name of the interface in the container.
    #[serde(rename = "ifname")]
    pub if_name: String,
}

fn invalid_config(name: &str, problem: &dyn std::fmt::Display) -> Error {
    let msg = "failed to load the network configuration";
    Error::of_plugin(code::DECODING_FAILURE, msg, format!("{name}: {problem}"))
}

/// A plugin's environment.
#[derive(Clone, Copy)]
pub(super) struct Variables<'a>(&'a Environment);

impl<'a> Variables<'a> {
    pub(super) fn new(env: &'a Environment) -> Variables<'a> {
        Variables(env)
    }

    /// The value of a variable, empty when it is not there. Of a name that occurs twice, the first counts.
    #[inline]
    pub(super) fn os(&self, name: &str) -> &'a OsStr {
        let value = self
            .0
            .bytes()
            .find_map(|line| line.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")));
        OsStr::from_bytes(value.unwrap_or_default())
    }

    /// As [`Variables::os`], with U+FFFD for what is not UTF-8.
    #[inline]
    pub(super) fn text(&self, name: &str) -> Cow<'a, str> {
        text::lossy(self.os(name).as_bytes())
    }
}
