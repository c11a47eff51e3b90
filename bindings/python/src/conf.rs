//! Configurations from files and texts; results from one version to another.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use serde_json::value::RawValue;

use crate::error::{exception, raise};
use crate::network::{NetworkConfigList, PluginConfig};

/// The files of a directory that have one of these extensions.
#[pyfunction]
pub(crate) fn conf_files(py: Python<'_>, dir: PathBuf, extensions: Vec<String>) -> PyResult<Vec<PathBuf>> {
    raise(py, py.detach(|| ::cni::conf::conf_files(&dir, &extensions)))
}

/// The network of that name in a directory.
#[pyfunction]
pub(crate) fn load_network_conf(py: Python<'_>, dir: PathBuf, name: &str) -> PyResult<NetworkConfigList> {
    raise(py, py.detach(|| ::cni::conf::load_network_conf(&dir, name))).map(NetworkConfigList)
}

/// Every network of a directory with its file, and what could not be loaded with its exception.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub(crate) fn load_network_confs(
    py: Python<'_>,
    dir: PathBuf,
) -> PyResult<(Vec<(PathBuf, NetworkConfigList)>, Vec<(PathBuf, Py<PyAny>)>)> {
    let loaded = raise(py, py.detach(|| ::cni::conf::load_network_confs(&dir)))?;
    let network = |(path, list)| (path, NetworkConfigList(list));
    let failure = |(path, error)| (path, exception(py, &error, None).into_value(py).into_any());
    Ok((loaded.networks.into_iter().map(network).collect(), loaded.errors.into_iter().map(failure).collect()))
}

/// The network of a file.
#[pyfunction]
pub(crate) fn network_conf_from_file(py: Python<'_>, path: PathBuf) -> PyResult<NetworkConfigList> {
    raise(py, py.detach(|| ::cni::conf::network_conf_from_file(&path))).map(NetworkConfigList)
}

/// The network of a JSON text.
#[pyfunction]
pub(crate) fn network_conf_from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<NetworkConfigList> {
    raise(py, ::cni::conf::network_conf_from_bytes(data)).map(NetworkConfigList)
}

/// One plugin's configuration of a file.
#[pyfunction]
pub(crate) fn plugin_conf_from_file(py: Python<'_>, path: PathBuf) -> PyResult<PluginConfig> {
    raise(py, py.detach(|| ::cni::conf::plugin_conf_from_file(&path))).map(PluginConfig)
}

/// One plugin's configuration of a JSON text; `named`: only its name and version count.
#[pyfunction]
#[pyo3(signature = (data, named=false))]
pub(crate) fn plugin_conf_from_bytes(py: Python<'_>, data: &[u8], named: bool) -> PyResult<PluginConfig> {
    let read = if named { ::cni::conf::named_conf_from_bytes } else { ::cni::conf::plugin_conf_from_bytes };
    raise(py, read(data)).map(PluginConfig)
}

/// The list with this one plugin.
#[pyfunction]
pub(crate) fn conf_list_from_conf(py: Python<'_>, conf: &PluginConfig) -> PyResult<NetworkConfigList> {
    raise(py, ::cni::conf::conf_list_from_conf(&conf.0)).map(NetworkConfigList)
}

/// The same configuration with values put in; `values` is a JSON object.
#[pyfunction]
pub(crate) fn inject_conf(py: Python<'_>, conf: &PluginConfig, values: &str) -> PyResult<PluginConfig> {
    let values: Result<BTreeMap<String, Box<RawValue>>, _> = serde_json::from_str(values);
    let values = values.map_err(|error| {
        ::cni::Error::new(::cni::Status::InvalidArgument, format!("invalid values: {error}"))
    });
    let injected = values.and_then(|values| ::cni::conf::inject_conf(conf.0.text(), &values));
    raise(py, injected).map(PluginConfig)
}

/// A result, as JSON, in another version of the specification.
#[pyfunction]
pub(crate) fn result_convert(py: Python<'_>, result: &str, cni_version: &str) -> PyResult<String> {
    let convert = || Ok(::cni::CniResult::from_json(result)?.convert(cni_version)?.to_json());
    raise(py, convert())
}
