//! Which versions plugins support, and whether they support a network's (specification, "VERSION").

use std::path::Path;

use serde::Serialize;

use super::call::{Call, Parameters};
use super::{Cni, Target};
use crate::context::Context;
use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::command::Command;
use crate::types::json::{self, Kind, Order, Problem};
use crate::types::network::{NetworkConfigList, PluginConfig};
use crate::version;

/// What a plugin says of the versions that it supports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    /// The version of the specification in which the plugin answers.
    pub cni_version: String,
    /// The versions in which it can be asked.
    pub supported_versions: Vec<String>,
}

impl Cni {
    /// Checks that every plugin of the list can be found and supports the list's version. Returns the
    /// enabled capabilities of all plugins, sorted.
    ///
    /// # Errors
    /// All failures together, as causes; the status is the first one's.
    pub fn validate_network_list(&self, ctx: &Context, list: &NetworkConfigList) -> Result<Vec<String>> {
        self.validate(ctx, &Target::list(list), |failures| {
            // Printed as the original prints a list of errors.
            Error::joined(failures, " ").map_err(|error| {
                let message = format!("[{}]", error.message());
                error.with(|facts| facts.message = message)
            })
        })
    }

    /// [`Cni::validate_network_list`] for one plugin on its own, with its own version.
    ///
    /// # Errors
    /// The failure itself.
    pub fn validate_network(&self, ctx: &Context, conf: &PluginConfig) -> Result<Vec<String>> {
        self.validate(ctx, &Target::single(conf), |failures| failures.into_iter().next().map_or(Ok(()), Err))
    }

    fn validate(
        &self,
        ctx: &Context,
        target: &Target<'_>,
        join: impl FnOnce(Vec<Error>) -> Result<()>,
    ) -> Result<Vec<String>> {
        let ctx = &ctx.until(self.deadline(ctx));
        let call = self.version_call(ctx);
        let wanted = if target.cni_version.is_empty() { version::WHEN_EMPTY } else { target.cni_version };
        let failure = |(index, plugin): (usize, &PluginConfig)| {
            let outcome = supports(&call, plugin.plugin_type(), wanted);
            outcome.err().map(|error| target.in_plugin(Command::Version, index, error))
        };
        join(target.plugins.iter().enumerate().filter_map(failure).collect())?;
        let enabled = target.plugins.iter().flat_map(PluginConfig::capabilities).filter(|(_, on)| **on);
        let mut capabilities: Vec<String> = Vec::new();
        for (name, _) in enabled {
            // By name, each once.
            if let Err(place) = capabilities.binary_search(name) {
                capabilities.insert(place, name.clone());
            }
        }
        Ok(capabilities)
    }

    /// Asks a plugin which versions of the specification it supports.
    ///
    /// # Errors
    /// [`Status::PluginNotFound`]; [`Status::InvalidResult`] for an answer that is none; else the
    /// plugin's own.
    pub fn get_version_info(&self, ctx: &Context, plugin_type: &str) -> Result<VersionInfo> {
        let ctx = &ctx.until(self.deadline(ctx));
        version_info(&self.version_call(ctx), plugin_type).map_err(|error| {
            error.with(|facts| {
                facts.command.get_or_insert(Command::Version.name());
                facts.plugin.get_or_insert_with(|| plugin_type.to_owned());
            })
        })
    }

    fn version_call<'a>(&'a self, ctx: &'a Context) -> Call<'a> {
        // Plugins made with older libraries want these set, whatever they are asked.
        let parameters =
            Parameters { netns: "dummy", if_name: "dummy", path: Some("dummy"), ..Parameters::none() };
        Call::new(self, ctx, Command::Version, &parameters, self.deadline(ctx))
    }
}

fn supports(call: &Call<'_>, plugin: &str, wanted: &str) -> Result<()> {
    let info = version_info(call, plugin)?;
    if info.supported_versions.iter().any(|version| version == wanted) {
        return Ok(());
    }
    let message = format!("plugin {plugin} does not support config version {}", text::quote(wanted));
    Err(Error::new(Status::IncompatibleVersion, message))
}

fn version_info(call: &Call<'_>, plugin: &str) -> Result<VersionInfo> {
    let path = call.cni.find(call.ctx, call.command, plugin)?;
    let stdin = format!("{{\"cniVersion\":\"{}\"}}", version::CURRENT);
    match call.run(plugin, None, &path, stdin.as_bytes()) {
        Ok(stdout) => decode(&stdout, &path),
        // How plugins answered before there was a VERSION command.
        Err(error)
            if error.status() == Status::Plugin && error.message() == "unknown CNI_COMMAND: VERSION" =>
        {
            Ok(VersionInfo::of(&["0.1.0"]))
        }
        Err(error) => Err(error),
    }
}

impl VersionInfo {
    /// An answer that the plugin did not give itself.
    fn of(versions: &[&str]) -> VersionInfo {
        VersionInfo {
            cni_version: version::CURRENT.to_owned(),
            supported_versions: versions.iter().map(|version| (*version).to_owned()).collect(),
        }
    }
}

fn decode(stdout: &[u8], path: &Path) -> Result<VersionInfo> {
    let invalid = |problem: Problem| {
        Error::new(Status::InvalidResult, format!("decoding version info: {problem}"))
            .at_path(path)
            .with(|facts| facts.stdout = text::tail(stdout))
    };
    let info = read(&text::lossy(stdout)).map_err(invalid)?;
    if info.cni_version.is_empty() {
        return Err(invalid(Problem::new("missing field cniVersion")));
    }
    if info.supported_versions.is_empty() {
        if info.cni_version == "0.2.0" {
            return Ok(VersionInfo::of(&["0.1.0", "0.2.0"]));
        }
        return Err(invalid(Problem::new("missing field supportedVersions")));
    }
    Ok(info)
}

fn read(text: &str) -> Result<VersionInfo, Problem> {
    let mut info = VersionInfo { cni_version: String::new(), supported_versions: Vec::new() };
    if Kind::of(text) == Kind::Null && json::value(text).is_ok() {
        return Ok(info);
    }
    let string = |value: &str| match Kind::of(value) {
        Kind::String => Ok(Some(json::string(value)?.into_owned())),
        Kind::Null => Ok(None),
        _ => Err(Problem::expected("a string", value)),
    };
    // A null leaves what an earlier one of a repeated key has put there, as in the original.
    let versions = |value: &str, before: &[String]| match Kind::of(value) {
        Kind::Null => Ok(Vec::new()),
        Kind::Array => json::elements_of(value)?
            .into_iter()
            .enumerate()
            .map(|(index, version)| {
                let version = string(version).map_err(|problem| problem.in_element(index))?;
                Ok(version.or_else(|| before.get(index).cloned()).unwrap_or_default())
            })
            .collect(),
        _ => Err(Problem::expected("an array", value)),
    };
    let names = ["cniVersion", "supportedVersions"];
    json::each_field_of(json::members(text)?, &names, Order::AsWritten, |name, member| {
        match name {
            Some("cniVersion") => {
                if let Some(version) = string(member.value)? {
                    info.cni_version = version;
                }
            }
            Some("supportedVersions") => {
                info.supported_versions = versions(member.value, &info.supported_versions)?;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(info)
}
