//! What a set-up returns: the results of all networks, added up.

use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::json::{self, ObjectWriter};
use crate::types::result::{CniResult, Dns, IpConfig, Route, push_cidr, push_ip};
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
        let mut out = String::new();
        self.write(&mut out);
        out
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
            known.mac = interface.mac.to_string();
            known.mtu = interface.mtu;
            known.sandbox = interface.sandbox.to_string();
            known.pci_id = interface.pci_id.to_string();
            known.socket_path = interface.socket_path.to_string();
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

impl SetupResult {
    fn write(&self, out: &mut String) {
        let mut object = ObjectWriter::open(out);
        let mut interfaces = ObjectWriter::open(object.key("interfaces"));
        self.interfaces.iter().for_each(|(name, interface)| interface.write(interfaces.any_key(name)));
        interfaces.close();
        write_list(object.key("dns"), &self.dns, |out, dns| {
            let dns = member_of("dns", |result| *result.dns_mut() = dns.clone());
            // Without anything in it, it is not there.
            out.push_str(dns.as_deref().unwrap_or("{}"));
        });
        let routes = member_of("routes", |result| {
            *result.routes_mut() = self.routes.iter().cloned().map(Some).collect();
        });
        object.key("routes").push_str(routes.as_deref().unwrap_or("[]"));
        write_list(object.key("results"), &self.results, |out, result| result.write(out));
        object.close();
    }
}

impl InterfaceResult {
    fn write(&self, out: &mut String) {
        let mut object = ObjectWriter::open(out);
        object.string("network", &self.network);
        for (key, value) in [
            ("mac", &self.mac),
            ("sandbox", &self.sandbox),
            ("pciID", &self.pci_id),
            ("socketPath", &self.socket_path),
        ] {
            if !value.is_empty() {
                object.string(key, value);
            }
        }
        if self.mtu != 0 {
            object.number("mtu", self.mtu);
        }
        write_list(object.key("ips"), &self.ips, |out, ip| {
            let mut object = ObjectWriter::open(out);
            ip.address.into_iter().for_each(|address| push_cidr(object.key("address"), address));
            ip.gateway.into_iter().for_each(|gateway| push_ip(object.key("gateway"), gateway));
            object.close();
        });
        object.close();
    }
}

impl NetworkResult {
    fn write(&self, out: &mut String) {
        let mut object = ObjectWriter::open(out);
        object.string("network", &self.network);
        object.string("ifName", &self.if_name);
        object.key("result").push_str(&self.result.to_json());
        object.close();
    }
}

fn write_list<T>(out: &mut String, list: &[T], write: impl Fn(&mut String, &T)) {
    out.push('[');
    for (index, element) in list.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, element);
    }
    out.push(']');
}

/// A member of a result of the newest version that holds only this: the one place where the shapes are known is
/// [`CniResult::to_json`].
fn member_of(name: &str, fill: impl FnOnce(&mut CniResult)) -> Option<String> {
    let mut result = CniResult::default();
    fill(&mut result);
    let text = result.to_json();
    let members = json::members_of(&text).ok()?;
    members.into_iter().find(|member| member.key == name).map(|member| member.value.to_owned())
}
