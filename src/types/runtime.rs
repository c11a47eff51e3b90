//! What a runtime says of one container for one call.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::shape;
use crate::error::Result;

/// The container, its interface, and the runtime's arguments (specification, section 2, "Parameters").
///
/// Its JSON form is the `rt` of the C ABI.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuntimeConf {
    /// `CNI_CONTAINERID`: unique among the containers of the node.
    #[serde(default, deserialize_with = "shape::null_is_default")]
    pub container_id: String,
    /// `CNI_NETNS`: the path of the network namespace; may be empty for DEL.
    #[serde(default, deserialize_with = "shape::null_is_default")]
    pub netns: String,
    /// `CNI_IFNAME`: the name of the interface inside the container.
    #[serde(default, deserialize_with = "shape::null_is_default")]
    pub if_name: String,
    /// `CNI_ARGS`: keys and values, in order.
    #[serde(rename = "cniArgs", default, deserialize_with = "shape::null_is_default")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<(String, String)>,
    /// Capability arguments: a plugin gets, as `runtimeConfig`, those whose capability it declares.
    #[serde(default, deserialize_with = "shape::null_is_default")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capability_args: BTreeMap<String, Box<RawValue>>,
    /// The cache directory of these calls, when the [`Cni`](crate::Cni) names none itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_dir: Option<PathBuf>,
    /// The result of ADD, for CHECK and DEL of a host without a cache on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_result: Option<Box<RawValue>>,
    /// The bytes that ADD caches in place of the configuration's own; base64 in JSON.
    #[serde(default, with = "shape::base64_bytes", skip_serializing_if = "Option::is_none")]
    pub cache_config: Option<Vec<u8>>,
    /// The names by which the plugins are found, in the order of the configuration, in place of their types there;
    /// empty: their types. For hosts that hold a parsed configuration beside its text.
    #[serde(default, deserialize_with = "shape::null_is_default")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugin_types: Vec<String>,
}

impl RuntimeConf {
    /// Reads the `rt` of the C ABI.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument), with the key and the place, for what
    /// is not JSON, an unknown key, or a value of the wrong type.
    pub fn from_json(text: &str) -> Result<RuntimeConf> {
        shape::read_object("runtime configuration", text)
    }
}
