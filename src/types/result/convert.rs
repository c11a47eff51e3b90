//! Results of one version of the specification as results of another.
//!
//! There are three shapes. Up from the first, down to the first, and between the other two the content
//! changes; within a shape only the version does. Keys that the specification does not know stay behind,
//! whichever way.

use std::net::IpAddr;

use smol_str::SmolStr;

use super::model::{IpConfig, LegacyIp, Route, Unknown};
use super::{CniResult, Family};
use crate::error::{Error, Result, Status};

/// Makes `result` one of `version`, which is another one, of family `to`.
pub(super) fn convert(mut result: CniResult, version: &'static str, to: Family) -> Result<CniResult> {
    drop_unknown(&mut result);
    match (result.family, to) {
        (Family::V0_1, Family::V0_3 | Family::V1_0) => up_from_0_1(&mut result, to),
        (Family::V0_3, Family::V0_1) => down_to_0_1(&mut result)?,
        (Family::V0_3, Family::V1_0) | (Family::V1_0, Family::V0_3) => between_0_3_and_1_0(&mut result, to)?,
        (Family::V1_0, Family::V0_1) => {
            between_0_3_and_1_0(&mut result, Family::V0_3)?;
            down_to_0_1(&mut result)?;
        }
        (Family::V0_1, Family::V0_1) | (Family::V0_3, Family::V0_3) | (Family::V1_0, Family::V1_0) => {}
    }
    (result.version, result.family) = (version, to);
    Ok(result)
}

fn up_from_0_1(result: &mut CniResult, to: Family) {
    for (version, ip) in [("4", result.ip4.take()), ("6", result.ip6.take())] {
        let Some(ip) = ip else { continue };
        result.ips.push(Some(IpConfig {
            version: if to == Family::V0_3 { version.into() } else { SmolStr::default() },
            address: ip.ip,
            gateway: ip.gateway,
            ..IpConfig::default()
        }));
        result.routes.extend(ip.routes.into_iter().map(Some));
    }
}

fn between_0_3_and_1_0(result: &mut CniResult, to: Family) -> Result<()> {
    for (i, interface) in result.interfaces.iter_mut().enumerate() {
        let interface = interface.as_mut().ok_or_else(|| null_element("interfaces", i))?;
        // 0.4.0 and older do not have these; a result that comes from there has them empty.
        interface.mtu = 0;
        interface.socket_path = SmolStr::default();
        interface.pci_id = SmolStr::default();
    }
    for (i, ip) in result.ips.iter_mut().enumerate() {
        let ip = ip.as_mut().ok_or_else(|| null_element("ips", i))?;
        ip.version = match (to, ip.address) {
            (Family::V1_0, _) => SmolStr::default(),
            (_, Some(address)) if address.ip.is_ipv4() => SmolStr::new_static("4"),
            _ => SmolStr::new_static("6"),
        };
    }
    Ok(())
}

/// 0.1.0 and 0.2.0 have room for one address of each family: the first one stays.
fn down_to_0_1(result: &mut CniResult) -> Result<()> {
    for (i, ip) in std::mem::take(&mut result.ips).into_iter().enumerate() {
        let ip = ip.ok_or_else(|| null_element("ips", i))?;
        let slot = match ip.version.as_str() {
            "4" => &mut result.ip4,
            "6" => &mut result.ip6,
            _ => continue,
        };
        slot.get_or_insert_with(|| LegacyIp { ip: ip.address, gateway: ip.gateway, ..LegacyIp::default() });
        if result.ip4.is_some() && result.ip6.is_some() {
            break;
        }
    }
    for (i, route) in std::mem::take(&mut result.routes).into_iter().enumerate() {
        let route = route.ok_or_else(|| null_element("routes", i))?;
        let slot = match route.dst.map(|dst| dst.ip) {
            Some(IpAddr::V4(_)) => &mut result.ip4,
            Some(IpAddr::V6(_)) | None => &mut result.ip6,
        };
        if let Some(ip) = slot {
            ip.routes.push(Route { dst: route.dst, gw: route.gw, ..Route::default() });
        }
    }
    if result.ip4.is_none() && result.ip6.is_none() {
        return Err(Error::new(Status::InvalidResult, "cannot convert: no valid IP addresses"));
    }
    result.interfaces.clear();
    Ok(())
}

fn null_element(list: &str, index: usize) -> Error {
    Error::new(Status::InvalidResult, format!("cannot convert: {list}[{index}] is null"))
}

fn drop_unknown(result: &mut CniResult) {
    result.unknown = Unknown::default();
    result.dns.unknown = Unknown::default();
    for interface in result.interfaces.iter_mut().flatten() {
        interface.unknown = Unknown::default();
    }
    for ip in result.ips.iter_mut().flatten() {
        ip.unknown = Unknown::default();
    }
    for route in result.routes.iter_mut().flatten() {
        route.unknown = Unknown::default();
    }
    for ip in [&mut result.ip4, &mut result.ip6].into_iter().flatten() {
        ip.unknown = Unknown::default();
        for route in &mut ip.routes {
            route.unknown = Unknown::default();
        }
    }
}
