//! What a runtime says of one container for one call.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::value::RawValue;

use super::shape::{self, Member, Shape, Value};
use crate::error::Result;

/// The container, its interface, and the runtime's arguments (specification, section 2, "Parameters").
///
/// Its JSON form is the `rt` of the C ABI.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeConf {
    /// `CNI_CONTAINERID`: unique among the containers of the node.
    pub container_id: String,
    /// `CNI_NETNS`: the path of the network namespace; may be empty for DEL.
    pub netns: String,
    /// `CNI_IFNAME`: the name of the interface inside the container.
    pub if_name: String,
    /// `CNI_ARGS`: keys and values, in order.
    #[serde(rename = "cniArgs", skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<(String, String)>,
    /// Capability arguments: a plugin gets, as `runtimeConfig`, those whose capability it declares.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub capability_args: BTreeMap<String, Box<RawValue>>,
    /// The cache directory of these calls, when the [`Cni`](crate::Cni) names none itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_dir: Option<PathBuf>,
    /// The result of ADD, for CHECK and DEL of a host without a cache on disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_result: Option<Box<RawValue>>,
    /// The bytes that ADD caches in place of the configuration's own; base64 in JSON.
    #[serde(serialize_with = "shape::as_base64", skip_serializing_if = "Option::is_none")]
    pub cache_config: Option<Vec<u8>>,
    /// The names by which the plugins are found, in the order of the configuration, in place of their types there;
    /// empty: their types. For hosts that hold a parsed configuration beside its text.
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
        shape::read("runtime configuration", text)
    }
}

impl Shape for RuntimeConf {
    fn read(value: Value<'_>) -> shape::Result<RuntimeConf> {
        let mut rt = RuntimeConf::default();
        shape::object(
            value,
            &mut [
                Member::new("containerId", &mut rt.container_id),
                Member::new("netns", &mut rt.netns),
                Member::new("ifName", &mut rt.if_name),
                Member::new("cniArgs", &mut rt.args),
                Member::new("capabilityArgs", &mut rt.capability_args),
                Member::new("cacheDir", &mut rt.cache_dir),
                Member::new("prevResult", &mut rt.prev_result),
                Member::new("cacheConfig", &mut shape::Base64(&mut rt.cache_config)),
                Member::new("pluginTypes", &mut rt.plugin_types),
            ],
        )?;
        Ok(rt)
    }
}
