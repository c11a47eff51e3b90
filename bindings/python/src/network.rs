//! `NetworkConfigList` and `PluginConfig`: configurations that were read and checked.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::arguments::from_json;

/// The configuration of a network: a list of plugins ("conflist").
///
/// Made by :func:`libcni.load_network_conf` and its siblings; immutable. It keeps the exact text that it was read
/// from, and a call that takes it does not read it again.
///
/// >>> network = libcni.network_conf_from_bytes('{"cniVersion": "1.1.0", "name": "a", "plugins": [{"type": "bridge"}]}')
/// >>> network.name, network.cni_version, network.plugins[0].type
/// ('a', '1.1.0', 'bridge')
/// >>> network.to_dict()["plugins"]
/// [{'type': 'bridge'}]
#[pyclass(module = "libcni", frozen)]
pub(crate) struct NetworkConfigList(pub(crate) ::cni::NetworkConfigList);

/// The configuration of one plugin, of a list or on its own. Immutable.
///
/// >>> network = libcni.network_conf_from_bytes('{"name": "a", "plugins": [{"type": "bridge", "mtu": 1400}]}')
/// >>> network.plugins[0]
/// <libcni.PluginConfig type='bridge'>
/// >>> network.plugins[0].to_json()
/// '{"type": "bridge", "mtu": 1400}'
#[pyclass(module = "libcni", frozen)]
pub(crate) struct PluginConfig(pub(crate) ::cni::PluginConfig);

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn repr(py: Python<'_>, text: &str) -> PyResult<String> {
    text.into_pyobject(py)?.repr()?.extract()
}

#[pymethods]
impl NetworkConfigList {
    /// The network's name.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The version of the CNI specification that the network speaks: the highest known one of its versions.
    #[getter]
    fn cni_version(&self) -> &str {
        self.0.cni_version()
    }

    /// Whether CHECK is switched off.
    #[getter]
    fn disable_check(&self) -> bool {
        self.0.disable_check()
    }

    /// Whether GC is switched off.
    #[getter]
    fn disable_gc(&self) -> bool {
        self.0.disable_gc()
    }

    /// Whether drop-in plugins beside the file are ignored.
    #[getter]
    fn load_only_inlined_plugins(&self) -> bool {
        self.0.load_only_inlined_plugins()
    }

    /// The plugins, in the order of ADD. Drop-in plugins are the last ones.
    #[getter]
    fn plugins<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(
            py,
            self.0.plugins().iter().map(|plugin| PluginConfig(plugin.clone())).collect::<Vec<_>>(),
        )
    }

    /// The exact text that it was read from; with the drop-in plugins, when there were any.
    fn to_json(&self) -> String {
        text_of(self.0.bytes())
    }

    /// The same as Python objects, for reading or as the beginning of another configuration.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, &self.to_json())
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.bytes())
    }

    fn __eq__(&self, other: &NetworkConfigList) -> bool {
        self.0.bytes() == other.0.bytes()
    }

    fn __hash__(&self) -> u64 {
        hash_of(self.0.bytes())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (name, version) = (repr(py, self.name())?, repr(py, self.cni_version())?);
        let plugins: Vec<&str> = self.0.plugins().iter().map(::cni::PluginConfig::plugin_type).collect();
        let plugins = repr(py, &plugins.join(", "))?;
        Ok(format!("<libcni.NetworkConfigList name={name} cni_version={version} plugins={plugins}>"))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let read = py.import("libcni")?.getattr("network_conf_from_bytes")?;
        Ok((read, (self.__bytes__(py),)))
    }
}

#[pymethods]
impl PluginConfig {
    /// The plugin's type: the name of its program.
    #[getter]
    fn r#type(&self) -> &str {
        self.0.plugin_type()
    }

    /// The name in the plugin's own object; empty when there is none, as is usual in a list.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The version in the plugin's own object; empty when there is none, as is usual in a list.
    #[getter]
    fn cni_version(&self) -> &str {
        self.0.cni_version()
    }

    /// The capabilities that the configuration declares, and whether each is enabled.
    #[getter]
    fn capabilities(&self) -> BTreeMap<String, bool> {
        self.0.capabilities().clone()
    }

    /// The exact text that it was read from.
    fn to_json(&self) -> String {
        self.0.text().to_owned()
    }

    /// The same as Python objects.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.0.text())
    }

    fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.bytes())
    }

    fn __eq__(&self, other: &PluginConfig) -> bool {
        self.0.bytes() == other.0.bytes()
    }

    fn __hash__(&self) -> u64 {
        hash_of(self.0.bytes())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<libcni.PluginConfig type={}>", repr(py, self.r#type())?))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let read = py.import("libcni")?.getattr("plugin_conf_from_bytes")?;
        Ok((read, (self.__bytes__(py),)))
    }
}
