//! What a set-up returns: the results of all networks, added up.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::result::{CniResult, Dns, IpConfig, Route};
use crate::version;

/// What a container got from its networks.
#[derive(Clone, Debug, Default)]
pub struct SetupResult {
    interfaces: Vec<(String, InterfaceResult)>,
    dns: Vec<Dns>,
    routes: Vec<Route>,
    results: Vec<NetworkResult>,
}

/// One interface, inside the container or on the host.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InterfaceResult {
    /// The network that it belongs to.
    pub network: String,
    /// The hardware address; empty when not told.
    pub mac: String,
    /// The maximum transmission unit in bytes; 0 when not told.
    pub mtu: i64,
    /// The path of its network namespace; empty on the host.
    pub sandbox: String,
    /// Its PCI address; empty when not told.
    pub pci_id: String,
    /// The path of its socket; empty when there is none.
    pub socket_path: String,
    /// Its addresses.
    pub ips: Vec<IpConfig>,
}

/// The result of one network, as its last plugin gave it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NetworkResult {
    /// The network.
    pub network: String,
    /// The interface in the container.
    pub if_name: String,
    /// The result.
    pub result: CniResult,
}

impl SetupResult {
    /// The interfaces by their names, in the order of the networks and of their results.
    pub fn interfaces(&self) -> &[(String, InterfaceResult)] {
        &self.interfaces
    }

    /// The interface of that name.
    pub fn interface(&self, name: &str) -> Option<&InterfaceResult> {
        self.interfaces.iter().find(|(known, _)| known == name).map(|(_, interface)| interface)
    }

    /// How names are to be resolved: one for each network, in their order.
    pub fn dns(&self) -> &[Dns] {
        &self.dns
    }

    /// The routes of all networks, in their order.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The result of each network, in their order.
    pub fn results(&self) -> &[NetworkResult] {
        &self.results
    }

    /// The shape of `libcni_networks_setup`.
    pub fn to_json(&self) -> String {
        // Proof: strings, numbers and checked JSON text always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Adds one network's result to those before it.
    ///
    /// # Errors
    /// [`Status::InvalidResult`] for an address of an interface that is not in the result.
    pub(super) fn add(&mut self, network: &str, if_name: &str, result: CniResult) -> Result<()> {
        let current = result.convert(version::CURRENT)?;
        let wrong = |what: String| {
            let message = format!("invalid result of network {}: {what}", text::quote(network));
            Error::new(Status::InvalidResult, message)
        };
        for interface in current.interfaces().iter().flatten() {
            let known = self.interface_mut(network, &interface.name);
            known.mac.clone_from(&interface.mac);
            known.mtu = interface.mtu;
            known.sandbox.clone_from(&interface.sandbox);
            known.pci_id.clone_from(&interface.pci_id);
            known.socket_path.clone_from(&interface.socket_path);
        }
        for ip in current.ips().iter().flatten() {
            let name = match ip.interface {
                None => if_name,
                Some(index) => {
                    let interfaces = current.interfaces();
                    let named = usize::try_from(index).ok().and_then(|index| interfaces.get(index)?.as_ref());
                    let named = named.ok_or_else(|| {
                        let address = ip.address.map_or_else(String::new, |address| format!(" {address}"));
                        let count = interfaces.len();
                        wrong(format!("the address{address} is of interface {index}, and there are {count}"))
                    })?;
                    &named.name
                }
            };
            self.interface_mut(network, name).ips.push(ip.clone());
        }
        // A network without any word of its interface has one all the same.
        self.interface_mut(network, if_name);
        self.dns.push(current.dns().clone());
        self.routes.extend(current.routes().iter().flatten().cloned());
        let (network, if_name) = (network.to_owned(), if_name.to_owned());
        self.results.push(NetworkResult { network, if_name, result });
        Ok(())
    }

    fn interface_mut(&mut self, network: &str, name: &str) -> &mut InterfaceResult {
        let place = match self.interfaces.iter().position(|(known, _)| known == name) {
            Some(place) => place,
            None => {
                let interface = InterfaceResult { network: network.to_owned(), ..InterfaceResult::default() };
                self.interfaces.push((name.to_owned(), interface));
                self.interfaces.len() - 1
            }
        };
        &mut self.interfaces[place].1
    }
}

/// The text of a result of the newest version that holds only these, to be taken apart again: the one place where
/// their shapes are known is [`CniResult::to_json`].
fn members_of(fill: impl FnOnce(&mut CniResult)) -> Vec<(String, Box<RawValue>)> {
    let mut result = CniResult::default();
    fill(&mut result);
    let members: serde_json::Result<std::collections::BTreeMap<String, Box<RawValue>>> =
        serde_json::from_str(&result.to_json());
    members.map(|members| members.into_iter().collect()).unwrap_or_default()
}

fn member_of(name: &str, fill: impl FnOnce(&mut CniResult)) -> Option<Box<RawValue>> {
    members_of(fill).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

impl Serialize for SetupResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Interfaces<'a>(&'a [(String, InterfaceResult)]);
        impl Serialize for Interfaces<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(name, interface)| (name, interface)))
            }
        }
        let dns = |dns: &Dns| member_of("dns", |result| *result.dns_mut() = dns.clone());
        let dns: Vec<_> = self.dns.iter().map(dns).collect();
        // Without anything in it, it is not there.
        let dns: Vec<&str> = dns.iter().map(|dns| dns.as_deref().map_or("{}", RawValue::get)).collect();
        let routes = member_of("routes", |result| {
            *result.routes_mut() = self.routes.iter().cloned().map(Some).collect();
        });
        let raw = |text: String| RawValue::from_string(text).map_err(serde::ser::Error::custom);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("interfaces", &Interfaces(&self.interfaces))?;
        map.serialize_entry("dns", &raw(format!("[{}]", dns.join(",")))?)?;
        map.serialize_entry("routes", &routes.map_or_else(|| raw("[]".to_owned()), Ok)?)?;
        map.serialize_entry("results", &self.results)?;
        map.end()
    }
}

impl Serialize for InterfaceResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Ip {
            #[serde(skip_serializing_if = "Option::is_none")]
            address: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            gateway: Option<String>,
        }
        let ip = |ip: &IpConfig| Ip {
            address: ip.address.map(|address| address.to_string()),
            gateway: ip.gateway.map(|gateway| gateway.to_string()),
        };
        let ips: Vec<Ip> = self.ips.iter().map(ip).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("network", &self.network)?;
        for (key, value) in [
            ("mac", &self.mac),
            ("sandbox", &self.sandbox),
            ("pciID", &self.pci_id),
            ("socketPath", &self.socket_path),
        ] {
            if !value.is_empty() {
                map.serialize_entry(key, value)?;
            }
        }
        if self.mtu != 0 {
            map.serialize_entry("mtu", &self.mtu)?;
        }
        map.serialize_entry("ips", &ips)?;
        map.end()
    }
}

impl Serialize for NetworkResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let result = RawValue::from_string(self.result.to_json()).map_err(serde::ser::Error::custom)?;
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("network", &self.network)?;
        map.serialize_entry("ifName", &self.if_name)?;
        map.serialize_entry("result", &result)?;
        map.end()
    }
}
