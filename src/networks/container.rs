//! The container of a call, and which of the loaded networks it is about.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::value::RawValue;

use super::load::{Network, Snapshot};
use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::runtime::RuntimeConf;
use crate::types::shape::{self, Member, Shape, Value};

/// A container, as the runtime knows it.
///
/// Its JSON form is the `container` of the C ABI.
#[derive(Clone, Debug, Default)]
pub struct Container {
    /// `CNI_CONTAINERID`: unique among the containers of the node.
    pub container_id: String,
    /// The path of the network namespace; may be empty to remove a container whose namespace is gone.
    pub netns: String,
    /// `CNI_ARGS` of every network.
    pub args: Vec<(String, String)>,
    /// Capability arguments of every network.
    pub capability_args: BTreeMap<String, Box<RawValue>>,
    /// The cache directory, when the [`Cni`](crate::Cni) names none itself.
    pub cache_dir: Option<PathBuf>,
    /// Which networks; `None`: all that are loaded. Loopback is there in any case.
    pub networks: Option<Vec<ContainerNetwork>>,
    /// In place of the option of that name.
    pub parallel: Option<bool>,
}

/// A network of one container.
#[derive(Clone, Debug, Default)]
pub struct ContainerNetwork {
    /// The network's name.
    pub name: String,
    /// The name of the interface; `None`: the one that the network has by its place.
    pub if_name: Option<String>,
    /// Further `CNI_ARGS`; one of the same name counts in place of the container's.
    pub args: Vec<(String, String)>,
    /// Further capability arguments; one of the same name counts in place of the container's.
    pub capability_args: BTreeMap<String, Box<RawValue>>,
}

impl Shape for Container {
    fn read(value: Value<'_>) -> shape::Result<Container> {
        let mut container = Container::default();
        shape::object(
            value,
            &mut [
                Member::new("containerId", &mut container.container_id),
                Member::new("netns", &mut container.netns),
                Member::new("cniArgs", &mut container.args),
                Member::new("capabilityArgs", &mut container.capability_args),
                Member::new("cacheDir", &mut container.cache_dir),
                Member::new("networks", &mut container.networks),
                Member::new("parallel", &mut container.parallel),
            ],
        )?;
        Ok(container)
    }
}

impl Shape for ContainerNetwork {
    fn read(value: Value<'_>) -> shape::Result<ContainerNetwork> {
        let mut network = ContainerNetwork::default();
        shape::object(
            value,
            &mut [
                Member::required("name", &mut network.name),
                Member::new("ifName", &mut network.if_name),
                Member::new("cniArgs", &mut network.args),
                Member::new("capabilityArgs", &mut network.capability_args),
            ],
        )?;
        Ok(network)
    }
}

impl Container {
    /// Reads the `container` of the C ABI.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`], with the key and the place.
    pub fn from_json(text: &str) -> Result<Container> {
        shape::read("container", text)
    }

    /// The networks of the container in the order of the set-up, loopback first.
    ///
    /// # Errors
    /// [`Status::NetworkNotFound`] for a name that is not loaded; [`Status::InvalidArgument`] for two interfaces
    /// of one name.
    pub(super) fn attachments<'s>(&self, snapshot: &'s Snapshot) -> Result<Vec<Attached<'s>>> {
        let (attachments, unknown) = self.known_and_unknown(snapshot);
        if let Some(own) = unknown.first() {
            return Err(own.is_not_loaded(snapshot));
        }
        for (index, Attached { network, rt, .. }) in attachments.iter().enumerate() {
            if let Some(other) = attachments[..index].iter().find(|other| other.rt.if_name == rt.if_name) {
                let interface = text::quote(&rt.if_name);
                let message = format!(
                    "the networks {} and {} would both have the interface {interface}",
                    text::quote(other.network.name()),
                    text::quote(network.name()),
                );
                return Err(Error::new(Status::InvalidArgument, message));
            }
        }
        Ok(attachments)
    }

    /// The networks of the container that are loaded, loopback first, and those that it names and that are not.
    pub(super) fn known_and_unknown<'s>(
        &self,
        snapshot: &'s Snapshot,
    ) -> (Vec<Attached<'s>>, Vec<&ContainerNetwork>) {
        let of = |network: &'s Network, own: Option<&ContainerNetwork>| Attached {
            network,
            rt: self.runtime_conf(network, own),
            is_named: own.is_some_and(|own| own.if_name.is_some()),
        };
        let Some(wanted) = &self.networks else {
            return (snapshot.networks().iter().map(|network| of(network, None)).collect(), Vec::new());
        };
        let loopback = snapshot.networks().iter().filter(|network| network.is_loopback());
        let mut attachments: Vec<_> = loopback.map(|network| of(network, None)).collect();
        let mut unknown = Vec::new();
        for own in wanted {
            match snapshot.find(&own.name) {
                Some(network) => attachments.push(of(network, Some(own))),
                None => unknown.push(own),
            }
        }
        (attachments, unknown)
    }

    fn runtime_conf(&self, network: &Network, own: Option<&ContainerNetwork>) -> RuntimeConf {
        let mut args = self.args.clone();
        let mut capability_args = self.capability_args.clone();
        if let Some(own) = own {
            args.retain(|(key, _)| own.args.iter().all(|(own, _)| own != key));
            args.extend(own.args.iter().cloned());
            capability_args.extend(own.capability_args.clone());
        }
        let if_name = own.and_then(|own| own.if_name.clone()).unwrap_or_else(|| network.if_name().to_owned());
        RuntimeConf {
            container_id: self.container_id.clone(),
            netns: self.netns.clone(),
            if_name,
            args,
            capability_args,
            cache_dir: self.cache_dir.clone(),
            ..RuntimeConf::default()
        }
    }
}

impl ContainerNetwork {
    pub(super) fn is_not_loaded(&self, snapshot: &Snapshot) -> Error {
        let names: Vec<_> = snapshot.names().collect();
        let loaded = match names.len() {
            0 => String::from("none is"),
            1..=MOST_NAMES => format!("loaded: {}", names.join(", ")),
            count => format!("loaded: {}, and {} more", names[..MOST_NAMES].join(", "), count - MOST_NAMES),
        };
        let name = text::quote(&self.name);
        let message = format!("no network of the name {name} is loaded ({loaded})");
        Error::new(Status::NetworkNotFound, message)
    }
}

/// How many of the networks that are loaded an error names.
const MOST_NAMES: usize = 20;

/// One network of one container.
pub(super) struct Attached<'s> {
    pub network: &'s Network,
    pub rt: RuntimeConf,
    /// Whether the container gives the interface its name; else it has the network's number.
    pub is_named: bool,
}
