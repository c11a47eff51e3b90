//! From files and bytes to a network configuration, and from a configuration to one plugin's request.
//!
//! What a plugin gets differs from what its configuration says only in the injected keys: digits, order
//! and text pass through exactly.

mod files;
mod list;
mod plugin;
mod request;

pub use files::{
    LoadedNetworks, conf_files, load_network_conf, load_network_confs, network_conf_from_file,
    plugin_conf_from_file,
};
pub(crate) use files::{network_conf_of_file, unless_gone};
pub use list::{conf_list_from_conf, network_conf_from_bytes};
pub use plugin::{named_conf_from_bytes, plugin_conf_from_bytes};
pub use request::inject_conf;
pub(crate) use request::{Injected, derive};
