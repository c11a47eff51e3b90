//! A chained plugin, as `tuning` is one: sets the MTU of the container's interface behind the plugin that made it.
//!
//! ```json
//! { "type": "link-mtu", "mtu": 1400 }
//! ```

use std::path::Path;
use std::process::{Command, ExitCode};

use cni::plugin::{Plugin, Request};
use cni::{CniResult, Error, Result, code, version};
use serde::Deserialize;

/// The plugin.
pub struct LinkMtu;

#[derive(Deserialize)]
struct Config {
    mtu: i64,
}

impl Plugin for LinkMtu {
    fn add(&self, request: &Request<'_>) -> Result<CniResult> {
        let mtu = request.config::<Config>()?.mtu;
        let result = request.prev_result()?.ok_or_else(|| {
            Error::of_plugin(
                code::INVALID_NETWORK_CONFIG,
                "link-mtu must be chained behind another plugin",
                "",
            )
        })?;
        ip(request.netns(), &["link", "set", "dev", request.if_name(), "mtu", &mtu.to_string()])?;
        // In the newest version there is a place for it; the runtime gets the result in its own.
        let mut result = result.into_version(version::CURRENT)?;
        for interface in result.interfaces_mut().iter_mut().flatten() {
            if interface.name == request.if_name() && !interface.sandbox.is_empty() {
                interface.mtu = mtu;
            }
        }
        Ok(result)
    }

    fn check(&self, request: &Request<'_>) -> Result<()> {
        let wanted = request.config::<Config>()?.mtu;
        let link = ip(request.netns(), &["-o", "link", "show", "dev", request.if_name()])?;
        let found = link.split(" mtu ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        if found != wanted.to_string() {
            let msg = format!("{} has the mtu {found}, not {wanted}", request.if_name());
            return Err(Error::of_plugin(100, msg, ""));
        }
        Ok(())
    }

    fn del(&self, _: &Request<'_>) -> Result<()> {
        // The interface goes away with the plugin that made it.
        Ok(())
    }

    fn about(&self) -> &str {
        "CNI link-mtu plugin, an example of libcni"
    }
}

/// Runs `ip` in a network namespace. A program of its own, so that no thread of a host changes its namespace.
fn ip(netns: &Path, args: &[&str]) -> Result<String> {
    let failed = |details: String| {
        Error::of_plugin(code::IO_FAILURE, format!("ip {} failed", args.join(" ")), details)
    };
    let output = Command::new("nsenter")
        .arg(format!("--net={}", netns.display()))
        .arg("ip")
        .args(args)
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[allow(dead_code)]
fn main() -> ExitCode {
    cni::plugin::main(&LinkMtu)
}
