//! The whole protocol of a plugin, from the environment and stdin to stdout and the exit code.
//!
//! Texts, codes and the order of what is looked at are those of the original's skeleton (`pkg/skel`), with one
//! difference: whether `CNI_NETNS` is the plugin's own namespace is looked at before the plugin runs, not after.

use std::borrow::Cow;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::failure::error_object;
use super::log::Log;
use super::request::{Request, Variables};
use super::{Plugin, netns};
use crate::context::Context;
use crate::error::{Error, Result, code};
use crate::exec::{Environment, Exec, Limits};
use crate::text;
use crate::types::command::Command;
use crate::types::identity;
use crate::types::json::{self, Kind, ObjectWriter, Order, Problem, push_string};
use crate::version::{self, Version};

/// Where a plugin runs: what there is around it besides stdin.
pub(super) struct Host<'a> {
    /// The whole environment.
    pub env: &'a Environment,
    /// How plugins are found and run that it delegates to.
    pub exec: &'a Arc<dyn Exec>,
    pub context: &'a Context,
    pub limits: Limits,
    pub log: &'a Arc<Log>,
}

/// What a plugin's run comes to.
pub(super) struct Answer {
    pub stdout: String,
    pub exit_code: u8,
}

/// Asked once at most.
type ReadStdin<'r, 'a> = &'r mut dyn FnMut() -> io::Result<Cow<'a, [u8]>>;

/// Runs the plugin. stdin is read only when it is needed.
pub(super) fn run<'a>(plugin: &dyn Plugin, host: &Host<'a>, read_stdin: ReadStdin<'_, 'a>) -> Answer {
    // Unwind safety: what the protocol was building is dropped, and the plugin is its author's.
    let outcome = catch_unwind(AssertUnwindSafe(|| answer(plugin, host, read_stdin)));
    let answer = outcome.unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        let details = text.unwrap_or_else(|| String::from("no message"));
        Err(Error::of_plugin(code::INTERNAL, "the plugin panicked", details))
    });
    match answer {
        Ok(stdout) => Answer { stdout, exit_code: 0 },
        Err(error) => Answer { stdout: error_object(&error), exit_code: 1 },
    }
}

fn answer<'a>(plugin: &dyn Plugin, host: &Host<'a>, read_stdin: ReadStdin<'_, 'a>) -> Result<String> {
    let variables = Variables::new(host.env);
    let name = variables.text("CNI_COMMAND");
    if name.is_empty() && !plugin.about().is_empty() {
        let versions = plugin.supported_versions().join(", ");
        let about = format!("{}\nCNI protocol versions supported: {versions}\n", plugin.about());
        host.log.write(about.as_bytes());
        return Ok(String::new());
    }
    let command = Command::from_name(&name);
    check_variables(&variables, command)?;
    if command == Some(Command::Version) {
        return Ok(version_answer(&plugin.supported_versions()));
    }
    let stdin = read_stdin().map_err(|error| {
        Error::of_plugin(code::IO_FAILURE, format!("error reading from stdin: {error}"), "")
    })?;
    let config = text::lossy(&stdin);
    let network = network_name(&config)?;
    let Some(command) = command else {
        let msg = format!("unknown CNI_COMMAND: {name}");
        return Err(Error::of_plugin(code::INVALID_ENVIRONMENT, msg, ""));
    };
    let version = config_version(&config)?;
    check_gate(command, &version, plugin)?;
    check_supported(&version, plugin)?;
    if matches!(command, Command::Add | Command::Del) && !may_be_own_netns(&variables) {
        netns::check_is_another(Path::new(variables.os("CNI_NETNS")))?;
    }
    let request = Request::new(command, variables, &network, &version, &stdin, &config, host)?;
    call(plugin, &request)
}

/// Runs the function that the command asks for; what it has to print comes back.
fn call(plugin: &dyn Plugin, request: &Request<'_>) -> Result<String> {
    match request.command() {
        Command::Add => {
            let result = plugin.add(request)?.into_version(request.cni_version())?;
            return Ok(result.to_json() + "\n");
        }
        Command::Check => plugin.check(request)?,
        Command::Del => plugin.del(request)?,
        Command::Gc => plugin.gc(request)?,
        Command::Status => plugin.status(request)?,
        // Answered before there is a request.
        Command::Version => {}
    }
    Ok(String::new())
}

/// The variables, in the order in which they are looked at. What must be there depends on the command; what must be
/// there must also be well-formed.
fn check_variables(variables: &Variables<'_>, command: Option<Command>) -> Result<()> {
    use Command::{Add, Check, Del, Gc, Status};
    let of = |commands: &[Command]| command.is_some_and(|command| commands.contains(&command));
    let any = of(&[Add, Check, Del, Gc, Status]);
    let of_container = of(&[Add, Check, Del]);
    type Rule = fn(&str) -> Result<()>;
    let table: [(&str, bool, Option<Rule>); 5] = [
        ("CNI_COMMAND", true, None),
        ("CNI_CONTAINERID", of_container, Some(identity::container_id)),
        ("CNI_NETNS", of(&[Add, Check]), None),
        ("CNI_IFNAME", of_container, Some(identity::interface)),
        ("CNI_PATH", any, None),
    ];
    let mut missing = Vec::new();
    for (name, required, rule) in table {
        if !required {
            continue;
        }
        match variables.text(name) {
            value if value.is_empty() => missing.push(name),
            value => rule.map_or(Ok(()), |rule| rule(&value))?,
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let msg = format!("required env variables [{}] missing", missing.join(","));
    Err(Error::of_plugin(code::INVALID_ENVIRONMENT, msg, ""))
}

/// The network's name, which must be there and well-formed.
fn network_name(config: &str) -> Result<String> {
    let name = string_field(config, "name").map_err(|problem| {
        let msg = format!("error unmarshall network config: {problem}");
        Error::of_plugin(code::DECODING_FAILURE, msg, "")
    })?;
    if name.is_empty() {
        return Err(Error::of_plugin(code::INVALID_NETWORK_CONFIG, "missing network name", ""));
    }
    identity::network(&name)?;
    Ok(name)
}

/// The version that the configuration is written in.
pub(super) fn config_version(config: &str) -> Result<String> {
    let version = string_field(config, "cniVersion").map_err(|problem| {
        let msg = format!("decoding version from network config: {problem}");
        Error::of_plugin(code::DECODING_FAILURE, msg, "")
    })?;
    Ok(if version.is_empty() { version::WHEN_EMPTY.to_owned() } else { version })
}

/// One member of the configuration that is a string; absent, `null` and empty are the same.
fn string_field(config: &str, field: &'static str) -> Result<String, Problem> {
    let mut found = String::new();
    if Kind::of(config) == Kind::Null && json::value(config).is_ok() {
        return Ok(found);
    }
    json::each_field_of(json::members(config)?, &[field], Order::AsWritten, |name, member| {
        match (name, Kind::of(member.value)) {
            (None, _) | (_, Kind::Null) => {}
            (_, Kind::String) => found = json::string(member.value)?.into_owned(),
            _ => return Err(Problem::expected("a string", member.value)),
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether the command is there in the version of the configuration, and in one that the plugin supports.
fn check_gate(command: Command, version: &str, plugin: &dyn Plugin) -> Result<()> {
    let since = match command {
        Command::Check => version::WITH_CHECK,
        Command::Gc | Command::Status => version::WITH_GC_AND_STATUS,
        Command::Add | Command::Del | Command::Version => return Ok(()),
    };
    let parse = |text: &str| {
        Version::parse(text).map_err(|error| Error::of_plugin(code::DECODING_FAILURE, error.message(), ""))
    };
    let refused = |whose: &str| {
        let msg = format!("{whose} version does not allow {command}");
        Err(Error::of_plugin(code::INCOMPATIBLE_VERSION, msg, ""))
    };
    let version = parse(version)?;
    if version < since {
        return refused("config");
    }
    for supported in plugin.supported_versions() {
        if parse(supported)? >= version {
            return Ok(());
        }
    }
    refused("plugin")
}

/// Whether the plugin supports exactly the version of the configuration.
fn check_supported(version: &str, plugin: &dyn Plugin) -> Result<()> {
    let supported = plugin.supported_versions();
    if supported.contains(&version) {
        return Ok(());
    }
    let quoted: Vec<String> = supported.into_iter().map(text::quote).collect();
    let details = format!("config is {}, plugin supports [{}]", text::quote(version), quoted.join(" "));
    Err(Error::of_plugin(code::INCOMPATIBLE_VERSION, "incompatible CNI versions", details))
}

fn may_be_own_netns(variables: &Variables<'_>) -> bool {
    let value = variables.text("CNI_NETNS_OVERRIDE");
    value == "1" || value.eq_ignore_ascii_case("true")
}

/// What a plugin answers to VERSION.
fn version_answer(supported: &[&str]) -> String {
    let mut out = String::with_capacity(128);
    let mut object = ObjectWriter::open(&mut out);
    object.string("cniVersion", version::CURRENT);
    let list = object.key("supportedVersions");
    for (index, version) in supported.iter().enumerate() {
        list.push(if index == 0 { '[' } else { ',' });
        push_string(list, version);
    }
    list.push_str(if supported.is_empty() { "[]" } else { "]" });
    object.close();
    out.push('\n');
    out
}
