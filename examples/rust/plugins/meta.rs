//! A meta plugin: hands its work to another plugin, under the name and version of its own network.
//!
//! ```json
//! { "type": "meta", "delegate": { "type": "bridge", "ipam": { "type": "host-local" } } }
//! ```

use std::process::ExitCode;

use cni::plugin::{Plugin, Request};
use cni::{CniResult, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The plugin.
pub struct Meta;

#[derive(Deserialize)]
struct Config {
    delegate: Delegate,
    #[serde(flatten)]
    own: Map<String, Value>,
}

#[derive(Deserialize)]
struct Delegate {
    #[serde(rename = "type")]
    plugin_type: String,
    #[serde(flatten)]
    config: Map<String, Value>,
}

/// The type of the plugin to run, and its configuration.
fn delegate(request: &Request<'_>) -> Result<(String, String)> {
    let Config { delegate: Delegate { plugin_type, mut config }, own } = request.config()?;
    config.insert(String::from("type"), Value::from(plugin_type.as_str()));
    // What the runtime injected is the other plugin's, too.
    let injected = [
        "name",
        "cniVersion",
        "prevResult",
        "runtimeConfig",
        "cni.dev/valid-attachments",
        "cni.dev/attachments",
    ];
    config.extend(own.into_iter().filter(|(key, _)| injected.contains(&key.as_str())));
    Ok((plugin_type, Value::Object(config).to_string()))
}

impl Plugin for Meta {
    fn add(&self, request: &Request<'_>) -> Result<CniResult> {
        let (plugin_type, config) = delegate(request)?;
        request.delegate_add(&plugin_type, config)
    }

    fn check(&self, request: &Request<'_>) -> Result<()> {
        let (plugin_type, config) = delegate(request)?;
        request.delegate_check(&plugin_type, config)
    }

    fn del(&self, request: &Request<'_>) -> Result<()> {
        let (plugin_type, config) = delegate(request)?;
        request.delegate_del(&plugin_type, config)
    }

    fn gc(&self, request: &Request<'_>) -> Result<()> {
        let (plugin_type, config) = delegate(request)?;
        request.delegate_gc(&plugin_type, config)
    }

    fn status(&self, request: &Request<'_>) -> Result<()> {
        let (plugin_type, config) = delegate(request)?;
        request.delegate_status(&plugin_type, config)
    }

    fn about(&self) -> &str {
        "CNI meta plugin, an example of libcni"
    }
}

#[allow(dead_code)]
fn main() -> ExitCode {
    cni::plugin::main(&Meta)
}
