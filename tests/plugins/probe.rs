//! A plugin for tests that tells how it was called, to be held beside the same with the original's skeleton
//! (`tests/oracle/skel/main.go`) and in C (`probe.c`).
//!
//! `PROBE_VERSIONS` has the versions that it supports, `PROBE_ABOUT` its about text. Its configuration may have `fail`, an
//! error object, or `failText`, an error that is none.

#![allow(missing_docs, clippy::unwrap_used)]

use std::process::ExitCode;

use cni::plugin::{Plugin, Request};
use cni::types::result::{Interface, IpConfig};
use cni::{CniResult, Error, Result, Status};
use serde::Deserialize;

struct Probe {
    versions: String,
    about: String,
}

#[derive(Deserialize)]
struct Config {
    fail: Option<Fail>,
    #[serde(rename = "failText")]
    fail_text: Option<String>,
}

#[derive(Deserialize)]
struct Fail {
    code: u32,
    msg: String,
    #[serde(default)]
    details: String,
}

fn called(request: &Request<'_>) -> Result<()> {
    request.log(format!(
        "{} id={} netns={} if={} args={} path={} stdin={}",
        request.command(),
        request.container_id(),
        request.netns().display(),
        request.if_name(),
        request.args(),
        request.variable("CNI_PATH").display(),
        request.stdin().len(),
    ));
    match request.config::<Config>()? {
        Config { fail: Some(Fail { code, msg, details }), .. } => Err(Error::of_plugin(code, msg, details)),
        Config { fail_text: Some(text), .. } => Err(Error::new(Status::Internal, text)),
        _ => Ok(()),
    }
}

impl Plugin for Probe {
    fn add(&self, request: &Request<'_>) -> Result<CniResult> {
        called(request)?;
        if let Some(result) = request.prev_result()? {
            return Ok(result);
        }
        let mut result = CniResult::default();
        let index = result.add_interface(Interface::new("eth0"));
        let mut ip = IpConfig::new("10.0.0.2/24".parse()?);
        ip.interface = Some(index);
        result.add_ip(ip);
        Ok(result)
    }

    fn check(&self, request: &Request<'_>) -> Result<()> {
        called(request)
    }

    fn del(&self, request: &Request<'_>) -> Result<()> {
        called(request)
    }

    fn gc(&self, request: &Request<'_>) -> Result<()> {
        called(request)
    }

    fn status(&self, request: &Request<'_>) -> Result<()> {
        called(request)
    }

    fn supported_versions(&self) -> Vec<&str> {
        self.versions.split(',').collect()
    }

    fn about(&self) -> &str {
        &self.about
    }
}

fn main() -> ExitCode {
    let variable = |name| std::env::var(name).unwrap_or_default();
    cni::plugin::main(&Probe { versions: variable("PROBE_VERSIONS"), about: variable("PROBE_ABOUT") })
}
