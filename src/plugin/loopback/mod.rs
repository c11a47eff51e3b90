//! [`Loopback`]: the interface `lo` of a container.
//!
//! It does what the reference plugin of that name does, as a program (`cni-loopback`) and inside the process (the
//! option `builtins` of [`CniOptions`](crate::CniOptions)).

mod namespace;
mod netlink;

use std::net::IpAddr;
use std::path::Path;

use super::{Plugin, Request};
use crate::error::{Error, Result, code};
use crate::types::result::{Cidr, CniResult, Interface, IpConfig};

use namespace::Entered;
use netlink::{Link, Netlink};

/// The name of the interface, whatever `CNI_IFNAME` says.
const LO: &str = "lo";

/// Brings `lo` up in the container's network namespace (ADD), tells whether it is up (CHECK), and brings it down (DEL).
///
/// The result of ADD is the one of the plugins before it, unchanged; without one, `lo` with its first IPv4 and its first
/// IPv6 address. DEL of a namespace that is gone succeeds. The calling thread never leaves its own namespace.
///
/// Errors: code 8 for a `CNI_NETNS` that is not there or is no network namespace, code 5 for what the kernel refuses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loopback;

impl Plugin for Loopback {
    fn add(&self, request: &Request<'_>) -> Result<CniResult> {
        let prev_result = request.prev_result()?;
        let addresses = in_namespace(request.netns(), |netlink, lo| {
            netlink.set_up(lo.index, true).map_err(|error| kernel("failed to bring lo up", &error))?;
            netlink.addresses(lo.index).map_err(|error| kernel("failed to read the addresses of lo", &error))
        })?;
        if let Some(other) = addresses.iter().find(|address| !address.ip.is_loopback()) {
            let msg = format!("loopback interface found with non-loopback address \"{}\"", other.ip);
            return Err(Error::of_plugin(code::INTERNAL, msg, ""));
        }
        Ok(prev_result.unwrap_or_else(|| result(request.netns(), &addresses)))
    }

    fn check(&self, request: &Request<'_>) -> Result<()> {
        let is_up = in_namespace(request.netns(), |_, lo| Ok(lo.is_up))?;
        if is_up { Ok(()) } else { Err(Error::of_plugin(code::INTERNAL, "loopback interface is down", "")) }
    }

    fn del(&self, request: &Request<'_>) -> Result<()> {
        let netns = request.netns();
        // The namespace may be gone, and with it everything that there was to undo.
        if netns.as_os_str().is_empty() || namespace::is_gone(netns) {
            return Ok(());
        }
        in_namespace(netns, |netlink, lo| {
            netlink.set_up(lo.index, false).map_err(|error| kernel("failed to bring lo down", &error))
        })
    }

    fn about(&self) -> &str {
        concat!("CNI loopback plugin of libcni v", env!("CARGO_PKG_VERSION"))
    }
}

/// `lo` with the first address of each family.
fn result(netns: &Path, addresses: &[Cidr]) -> CniResult {
    let mut result = CniResult::default();
    let mut lo = Interface::new(LO);
    lo.mac = "00:00:00:00:00:00".into();
    lo.sandbox = netns.to_string_lossy().into();
    let index = result.add_interface(lo);
    for of_family in [IpAddr::is_ipv4, IpAddr::is_ipv6] {
        if let Some(address) = addresses.iter().find(|address| of_family(&address.ip)) {
            let mut ip = IpConfig::new(*address);
            ip.interface = Some(index);
            result.add_ip(ip);
        }
    }
    result
}

/// Runs `work` with `lo` in the namespace, and with a socket to its kernel.
fn in_namespace<T: Send>(
    netns: &Path,
    work: impl FnOnce(&mut Netlink, &Link) -> Result<T> + Send,
) -> Result<T> {
    Entered::run(netns, || {
        let mut netlink =
            Netlink::open().map_err(|error| kernel("failed to open a netlink socket", &error))?;
        let lo = netlink.link(LO).map_err(|error| kernel("failed to find lo", &error))?;
        work(&mut netlink, &lo)
    })
}

fn kernel(what: &str, error: &std::io::Error) -> Error {
    Error::of_plugin(code::IO_FAILURE, format!("{what}: {error}"), "")
}
