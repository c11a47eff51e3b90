//! A network's configuration: a list of plugins, each with its exact text.

use std::collections::BTreeMap;

/// A network configuration list ("conflist"; specification, section 1).
///
/// Made by the functions of [`crate::conf`], and immutable.
#[derive(Clone, Debug)]
pub struct NetworkConfigList {
    pub(crate) name: String,
    pub(crate) cni_version: String,
    pub(crate) disable_check: bool,
    pub(crate) disable_gc: bool,
    pub(crate) load_only_inlined_plugins: bool,
    pub(crate) plugins: Vec<PluginConfig>,
    pub(crate) bytes: Vec<u8>,
}

impl NetworkConfigList {
    /// The network's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of the specification that the network speaks: the highest known one of `cniVersion`
    /// and `cniVersions`. May be empty, which means 0.1.0.
    pub fn cni_version(&self) -> &str {
        &self.cni_version
    }

    /// Whether CHECK is switched off.
    pub fn disable_check(&self) -> bool {
        self.disable_check
    }

    /// Whether GC is switched off.
    pub fn disable_gc(&self) -> bool {
        self.disable_gc
    }

    /// Whether drop-in plugins beside the file are ignored.
    pub fn load_only_inlined_plugins(&self) -> bool {
        self.load_only_inlined_plugins
    }

    /// The plugins, in the order of ADD. Drop-in plugins are the last ones.
    pub fn plugins(&self) -> &[PluginConfig] {
        &self.plugins
    }

    /// The configuration as it was read, byte for byte; with the drop-in plugins when there were any.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The configuration of one plugin.
///
/// Made by the functions of [`crate::conf`], and immutable.
#[derive(Clone, Debug)]
pub struct PluginConfig {
    pub(crate) conf: PluginConf,
    pub(crate) text: String,
    /// The bytes that `text` was read from, where they differ from it (text that is not UTF-8).
    pub(crate) bytes: Option<Vec<u8>>,
}

/// What the protocol itself reads of a plugin's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PluginConf {
    pub name: String,
    pub cni_version: String,
    pub plugin_type: String,
    pub capabilities: BTreeMap<String, bool>,
}

impl PluginConfig {
    /// The name in the plugin's own object; empty when there is none, as is usual in a list.
    pub fn name(&self) -> &str {
        &self.conf.name
    }

    /// The version in the plugin's own object; empty when there is none, as is usual in a list.
    pub fn cni_version(&self) -> &str {
        &self.conf.cni_version
    }

    /// The plugin's type: the name of its program.
    pub fn plugin_type(&self) -> &str {
        &self.conf.plugin_type
    }

    /// The capabilities that the configuration declares, and whether each is enabled.
    pub fn capabilities(&self) -> &BTreeMap<String, bool> {
        &self.conf.capabilities
    }

    /// The configuration as JSON text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The configuration as it was read, byte for byte.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or(self.text.as_bytes())
    }
}
