//! An IPAM plugin: gives out the addresses that its configuration lists, or the one in `CNI_ARGS`.
//!
//! ```json
//! { "type": "bridge", "ipam": { "type": "fixed-ip", "addresses": [{ "address": "10.1.0.5/24", "gateway": "10.1.0.1" }] } }
//! ```

use std::net::IpAddr;
use std::process::ExitCode;

use cni::plugin::{Plugin, Request};
use cni::types::result::{Cidr, IpConfig, Route};
use cni::{CniResult, Error, Result, code};
use serde::Deserialize;

/// The plugin.
pub struct FixedIp;

#[derive(Deserialize)]
struct Config {
    ipam: Ipam,
}

#[derive(Deserialize)]
struct Ipam {
    #[serde(default)]
    addresses: Vec<Address>,
    #[serde(default)]
    routes: Vec<Destination>,
}

#[derive(Deserialize)]
struct Address {
    address: String,
    gateway: Option<IpAddr>,
}

#[derive(Deserialize)]
struct Destination {
    dst: String,
    gw: Option<IpAddr>,
}

#[derive(Deserialize)]
struct Args {
    #[serde(rename = "IP")]
    ip: Option<String>,
}

impl Plugin for FixedIp {
    fn add(&self, request: &Request<'_>) -> Result<CniResult> {
        let Ipam { mut addresses, routes } = request.config::<Config>()?.ipam;
        if let Some(address) = request.load_args::<Args>(&["IP"])?.ip {
            addresses = vec![Address { address, gateway: None }];
        }
        if addresses.is_empty() {
            let msg = "no address: neither in ipam.addresses nor as IP in CNI_ARGS";
            return Err(Error::of_plugin(code::INVALID_NETWORK_CONFIG, msg, ""));
        }
        let mut result = CniResult::default();
        for Address { address, gateway } in addresses {
            let mut ip = IpConfig::new(cidr(&address)?);
            ip.gateway = gateway;
            result.add_ip(ip);
        }
        for Destination { dst, gw } in routes {
            let mut route = Route::new(cidr(&dst)?);
            route.gw = gw;
            result.add_route(route);
        }
        Ok(result)
    }

    fn del(&self, _: &Request<'_>) -> Result<()> {
        // Nothing was reserved.
        Ok(())
    }

    fn about(&self) -> &str {
        "CNI fixed-ip IPAM plugin, an example of libcni"
    }
}

fn cidr(text: &str) -> Result<Cidr> {
    text.parse().map_err(|error: Error| Error::of_plugin(code::INVALID_NETWORK_CONFIG, error.message(), ""))
}

#[allow(dead_code)]
fn main() -> ExitCode {
    cni::plugin::main(&FixedIp)
}
