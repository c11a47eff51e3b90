//! What a result is made of.
//!
//! Each part also keeps the keys that its version of the specification does not know, see [`Unknown`].

use std::net::IpAddr;

use smol_str::SmolStr;

use super::address::Cidr;
use crate::types::json::Member;

/// An interface that an attachment made or uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interface {
    /// The name of the interface.
    pub name: SmolStr,
    /// The hardware address; empty when not told.
    pub mac: SmolStr,
    /// The maximum transmission unit in bytes, 0 when not told. Since 1.0.0.
    pub mtu: i64,
    /// The path of the network namespace, or another name of the isolation domain; empty on the host.
    pub sandbox: SmolStr,
    /// The path of a socket that belongs to the interface (vhost-user); empty when there is none. Since 1.0.0.
    pub socket_path: SmolStr,
    /// The PCI address of the device; empty when not told. Since 1.0.0.
    pub pci_id: SmolStr,
    pub(super) unknown: Unknown,
}

/// An address that was given to an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IpConfig {
    /// `4` or `6`, as the plugin wrote it. From 0.3.0 to 0.4.0; empty in later versions.
    pub version: SmolStr,
    /// The index into [`CniResult::interfaces`](super::CniResult::interfaces) of the interface that has the address.
    pub interface: Option<i64>,
    /// The address with its prefix. A plugin that leaves it out makes no useful result, but a valid one.
    pub address: Option<Cidr>,
    /// The default gateway of the subnet.
    pub gateway: Option<IpAddr>,
    pub(super) unknown: Unknown,
}

/// A route that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The destination; `None` when the plugin left it out.
    pub dst: Option<Cidr>,
    /// The next hop; `None` means the default gateway.
    pub gw: Option<IpAddr>,
    /// The maximum transmission unit along the path in bytes, 0 when not told.
    pub mtu: i64,
    /// The maximum segment size to advertise to the destination in bytes, 0 when not told.
    pub advmss: i64,
    /// The priority; lower is preferred, 0 when not told.
    pub priority: i64,
    /// The number of the routing table.
    pub table: Option<i64>,
    /// The scope of the destinations: 0 global, 253 link, 254 host.
    pub scope: Option<i64>,
    pub(super) unknown: Unknown,
}

/// How names are to be resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dns {
    /// The addresses of name servers, most important first.
    pub nameservers: Vec<SmolStr>,
    /// The local domain for short names; empty when there is none.
    pub domain: SmolStr,
    /// The search domains for short names, most important first.
    pub search: Vec<SmolStr>,
    /// Options for the resolver.
    pub options: Vec<SmolStr>,
    pub(super) unknown: Unknown,
}

/// The address of one family in a result of 0.1.0 or 0.2.0, with its routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LegacyIp {
    /// The address with its prefix; `None` when the plugin left it out.
    pub ip: Option<Cidr>,
    /// The default gateway of the subnet.
    pub gateway: Option<IpAddr>,
    /// The routes of this family.
    pub routes: Vec<Route>,
    pub(super) unknown: Unknown,
}

impl Interface {
    /// An interface of that name.
    pub fn new(name: impl Into<SmolStr>) -> Interface {
        Interface { name: name.into(), ..Interface::default() }
    }
}

impl IpConfig {
    /// An address.
    pub fn new(address: Cidr) -> IpConfig {
        IpConfig { address: Some(address), ..IpConfig::default() }
    }
}

impl Route {
    /// A route to that destination.
    pub fn new(dst: Cidr) -> Route {
        Route { dst: Some(dst), ..Route::default() }
    }
}

/// Members that a version of the specification does not know: their exact text, commas between them.
///
/// They belong to whoever wrote them, so they are passed on, but nothing is known about what they would
/// mean in another version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unknown(String);

impl Unknown {
    pub(super) fn push(&mut self, member: &Member<'_>) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(member.raw_key);
        self.0.push(':');
        self.0.push_str(member.value);
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}
