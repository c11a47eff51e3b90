//! A network configuration list from its bytes (specification, section 1).

use std::borrow::Cow;

use super::plugin;
use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::json::{self, Kind, Member, Order};
use crate::types::network::{NetworkConfigList, PluginConfig};
use crate::version::{self, Version};

/// Reads a network configuration list. Drop-in plugins are not looked for: bytes have no directory.
///
/// # Errors
/// [`Status::InvalidConfig`], with the key, the plugin's index, or the line and column.
pub fn network_conf_from_bytes(bytes: &[u8]) -> Result<NetworkConfigList> {
    let text = text::lossy(bytes);
    // The original decodes null into an empty list, which then lacks its name.
    let members = match Kind::of(&text) {
        Kind::Null if json::value(&text).is_ok() => Vec::new(),
        _ => json::members(&text).map_err(invalid)?,
    };
    let list = ListReader { members };
    let name = list.name()?;
    let cni_version = list.cni_version()?;
    let disable_check = list.flag("disableCheck")?;
    let disable_gc = list.flag("disableGC")?;
    let load_only_inlined_plugins = list.flag("loadOnlyInlinedPlugins")?;
    let plugins = list.plugins(load_only_inlined_plugins)?;
    Ok(NetworkConfigList {
        name,
        cni_version,
        disable_check,
        disable_gc,
        load_only_inlined_plugins,
        plugins,
        bytes: bytes.to_owned(),
    })
}

/// Makes a list of a single plugin's configuration: name and version from it, itself the only plugin.
///
/// # Errors
/// [`Status::InvalidConfig`] as for any list.
pub fn conf_list_from_conf(conf: &PluginConfig) -> Result<NetworkConfigList> {
    let (cni_version, name) = (json::quoted(conf.cni_version()), json::quoted(conf.name()));
    let text =
        format!("{{\"cniVersion\":{cni_version},\"name\":{name},\"plugins\":[{}]}}", conf.text().trim());
    network_conf_from_bytes(text.as_bytes())
}

/// The text of `list` with more plugins behind its own.
pub(super) fn append_plugins(list: &NetworkConfigList, more: &[PluginConfig]) -> Result<String> {
    let text = text::lossy(&list.bytes);
    let members = json::members(&text).map_err(invalid)?;
    let joined = more.iter().map(|plugin| plugin.text().trim()).collect::<Vec<_>>().join(",");
    // Values are slices of `text`, so the distance of their ends is a place in it.
    let end_of = |part: &str| part.as_ptr().addr() + part.len() - text.as_ptr().addr();
    let (at, insert) = match json::last(&members, "plugins") {
        Some(plugins) => (end_of(plugins.value) - 1, format!(",{joined}")),
        // A list always has a member: its name.
        None => (end_of(text.trim_end()) - 1, format!(",\"plugins\":[{joined}]")),
    };
    Ok(format!("{}{insert}{}", &text[..at], &text[at..]))
}

fn invalid(problem: impl std::fmt::Display) -> Error {
    Error::new(Status::InvalidConfig, format!("error parsing configuration list: {problem}"))
}

struct ListReader<'a> {
    members: Vec<Member<'a>>,
}

impl ListReader<'_> {
    /// The value of a key of the list itself, which must be spelled exactly; the last one counts.
    fn get(&self, key: &str) -> Option<&str> {
        json::last(&self.members, key).map(|member| member.value)
    }

    fn string(&self, key: &str) -> Result<Option<Cow<'_, str>>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        if Kind::of(value) != Kind::String {
            return Err(invalid(format_args!("invalid {key} type {}", Kind::of(value).go_type())));
        }
        json::string(value).map(Some).map_err(|problem| invalid(problem.in_key(key)))
    }

    fn name(&self) -> Result<String> {
        self.string("name")?.map(Cow::into_owned).ok_or_else(|| invalid("no name"))
    }

    /// The highest version of `cniVersions` and `cniVersion` that is not above the newest known one.
    fn cni_version(&self) -> Result<String> {
        let single = self.string("cniVersion")?.unwrap_or_default();
        let Some(array) = self.get("cniVersions") else { return Ok(single.into_owned()) };
        if Kind::of(array) != Kind::Array {
            // The original prints the type that it wanted here, not the one that it found.
            let found = Kind::of(array).name();
            return Err(invalid(format_args!(
                "invalid type for cniVersions: []interface {{}}, found {found}"
            )));
        }
        let current = Version::parse(version::CURRENT)?;
        let mut best: Option<(Version, Cow<'_, str>)> = None;
        let mut consider = |parsed: Version, text: Cow<'_, str>| {
            if parsed <= current && best.as_ref().is_none_or(|(highest, _)| parsed > *highest) {
                best = Some((parsed, Cow::Owned(text.into_owned())));
            }
        };
        for (index, entry) in json::elements_of(array).map_err(invalid)?.into_iter().enumerate() {
            if Kind::of(entry) != Kind::String {
                let found = Kind::of(entry).go_type();
                return Err(invalid(format_args!("invalid type for cniVersions index {index}: {found}")));
            }
            let text = json::string(entry).map_err(invalid)?;
            let parsed = Version::parse(&text).map_err(|error| {
                invalid(format_args!("invalid cniVersions entry {text} at index {index}: {error}"))
            })?;
            consider(parsed, text);
        }
        if !single.is_empty() {
            let parsed = Version::parse(&single)
                .map_err(|error| invalid(format_args!("invalid cniVersion {single}: {error}")))?;
            consider(parsed, Cow::Borrowed(&single));
        }
        Ok(best.map_or(single, |(_, text)| text).into_owned())
    }

    fn flag(&self, key: &str) -> Result<bool> {
        let Some(value) = self.get(key) else { return Ok(false) };
        match Kind::of(value) {
            Kind::Bool => Ok(value == "true"),
            Kind::String => match json::string(value).map_err(invalid)?.to_lowercase().as_str() {
                "true" => Ok(true),
                "false" => Ok(false),
                other => Err(invalid(format_args!("invalid value {} for {key}", text::quote(other)))),
            },
            kind => Err(invalid(format_args!("invalid type {} for {key}", kind.go_type()))),
        }
    }

    fn plugins(&self, load_only_inlined_plugins: bool) -> Result<Vec<PluginConfig>> {
        let Some(array) = self.get("plugins") else {
            if load_only_inlined_plugins {
                return Err(invalid("`loadOnlyInlinedPlugins` is true, and no 'plugins' key"));
            }
            return Ok(Vec::new());
        };
        if Kind::of(array) != Kind::Array {
            return Err(invalid(format_args!("invalid 'plugins' type {}", Kind::of(array).go_type())));
        }
        let mut plugins = Vec::with_capacity(4);
        json::each_object(array, |text, members| {
            let index = plugins.len();
            let conf = plugin::parse_checked(text, members, Order::Resorted).map_err(|error| {
                error
                    .context(format_args!("failed to parse plugin config {index}"))
                    .with(|facts| facts.index = Some(index))
            })?;
            plugins.push(PluginConfig { conf, text: text.to_owned(), bytes: None });
            Ok::<(), Error>(())
        })?;
        if plugins.is_empty() {
            return Err(invalid("no plugins in list"));
        }
        Ok(plugins)
    }
}
