//! Attachments: a container's interface on a network, as the cache remembers it.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::shape::{self, Member, Shape, Value};

/// What identifies an attachment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentKey {
    /// The container's id.
    pub container_id: String,
    /// The network's name.
    pub network_name: String,
    /// The interface's name inside the container.
    pub if_name: String,
}

/// A cached attachment: everything that a later DEL needs.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// What identifies it.
    pub key: AttachmentKey,
    /// The network namespace of the ADD; empty when there was none.
    pub netns: String,
    /// The exact bytes of the network configuration list (or of the one plugin's configuration).
    pub config: Vec<u8>,
    /// CNI_ARGS of the ADD, in order.
    pub args: Vec<(String, String)>,
    /// Capability arguments of the ADD: name to JSON value.
    pub capability_args: BTreeMap<String, Box<RawValue>>,
}

impl fmt::Display for AttachmentKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AttachmentKey { container_id, network_name, if_name } = self;
        write!(formatter, "of container {container_id} to network {network_name} as {if_name}")
    }
}

/// The form of the C ABI.
impl Serialize for Attachment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("containerId", &self.key.container_id)?;
        map.serialize_entry("networkName", &self.key.network_name)?;
        map.serialize_entry("ifName", &self.key.if_name)?;
        map.serialize_entry("netns", &self.netns)?;
        serialize_config(&mut map, &self.config)?;
        map.serialize_entry("cniArgs", &self.args)?;
        map.serialize_entry("capabilityArgs", &self.capability_args)?;
        map.end()
    }
}

/// The bytes of a configuration: exact as `configBytes`, and as JSON for readers, when they are.
pub(crate) fn serialize_config<M: SerializeMap>(map: &mut M, bytes: &[u8]) -> Result<(), M::Error> {
    let json: Option<&RawValue> = serde_json::from_slice(bytes).ok();
    map.serialize_entry("config", &json)?;
    map.serialize_entry("configBytes", &STANDARD.encode(bytes))
}

/// Which attachments a call is about: every member that is set must match.
///
/// Its JSON form is the `filter` of the C ABI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachmentFilter {
    /// Only this container's.
    pub container_id: Option<String>,
    /// Only this network's.
    pub network_name: Option<String>,
    /// Only those with this interface name.
    pub if_name: Option<String>,
}

impl AttachmentFilter {
    /// Reads the `filter` of the C ABI.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument), with the key and the place.
    pub fn from_json(text: &str) -> crate::error::Result<AttachmentFilter> {
        shape::read("filter", text)
    }

    /// Whether the attachment is one that is asked for.
    pub fn matches(&self, key: &AttachmentKey) -> bool {
        self.matches_parts(&key.container_id, &key.network_name, &key.if_name)
    }

    pub(crate) fn matches_parts(&self, container_id: &str, network_name: &str, if_name: &str) -> bool {
        let matches =
            |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|want| want == value);
        matches(&self.container_id, container_id)
            && matches(&self.network_name, network_name)
            && matches(&self.if_name, if_name)
    }
}

impl Shape for AttachmentFilter {
    fn read(value: Value<'_>) -> shape::Result<AttachmentFilter> {
        let mut filter = AttachmentFilter::default();
        shape::object(
            value,
            &mut [
                Member::new("containerId", &mut filter.container_id),
                Member::new("networkName", &mut filter.network_name),
                Member::new("ifName", &mut filter.if_name),
            ],
        )?;
        Ok(filter)
    }
}
