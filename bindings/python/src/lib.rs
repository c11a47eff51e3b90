//! The native module `libcni._libcni`: the core's operations for the Python package around it.
//!
//! It is private to that package, which has the types, the names and the documentation. What crosses the border is
//! small: JSON texts in the shapes of the core, and handles for what is immutable or can be cancelled.

mod arguments;
mod call;
mod cni;
mod command;
mod conf;
mod context;
mod error;
mod hooks;
mod network;
mod networks;
mod plugin;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _libcni {
    #[pymodule_export]
    use crate::cni::Cni;
    #[pymodule_export]
    use crate::command::run_command;
    #[pymodule_export]
    use crate::conf::{
        conf_files, conf_list_from_conf, inject_conf, load_network_conf, load_network_confs,
        network_conf_from_bytes, network_conf_from_file, plugin_conf_from_bytes, plugin_conf_from_file,
        result_convert,
    };
    #[pymodule_export]
    use crate::context::Context;
    #[pymodule_export]
    use crate::network::{NetworkConfigList, PluginConfig};
    #[pymodule_export]
    use crate::networks::{Networks, Watch};
    #[pymodule_export]
    use crate::plugin::{PluginRequest, plugin_main};

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
