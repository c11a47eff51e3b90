//! What a runtime hands to a plugin: the first line is CNI_ARGS, the second a container's id, an interface and a network
//! namespace with commas between them, the rest stdin. Every command is tried, in a plugin that uses all that it gets.

use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cni::exec::process::ProcessExec;
use cni::exec::{Exec, ExecRequest, Limits, Registry, Termination};
use cni::plugin::{InProcess, Plugin, Request};
use cni::types::command::Command;
use cni::{CniResult, Context, Result};
use serde_json::value::RawValue;

pub fn run(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (args, names, stdin) = (part(), part(), part());
    let mut names = names.splitn(3, |byte| *byte == b',');
    let mut name = || names.next().unwrap_or_default();
    let variables: [(&str, &[u8]); 5] = [
        ("CNI_ARGS", args),
        ("CNI_CONTAINERID", name()),
        ("CNI_IFNAME", name()),
        ("CNI_NETNS", name()),
        ("CNI_PATH", b"/nowhere"),
    ];
    let registry = Registry::new(Arc::new(ProcessExec::default()));
    let registry = registry.with("p", Arc::new(InProcess::new(Arc::new(Uses))));
    let context = Context::background();
    let limits = Limits { deadline: None, kill_grace: Duration::ZERO, max_output_bytes: 1 << 20 };
    use Command::{Add, Check, Del, Gc, Status, Version};
    for command in [Add, Check, Del, Gc, Status, Version] {
        let line = |name: &str, value: &[u8]| {
            CString::new([name.as_bytes(), b"=", value].concat()).unwrap_or_default()
        };
        let command_line = [line("CNI_COMMAND", command.name().as_bytes())];
        let env = command_line.into_iter().chain(variables.map(|(name, value)| line(name, value))).collect();
        let mut request = ExecRequest::new(command, "p", Path::new("in-process:p"), limits, &context);
        (request.stdin, request.env) = (stdin, &env);
        let outcome = registry.exec_plugin(&request).expect("a plugin that fails is an outcome");
        let printed = || serde_json::from_slice::<serde_json::Value>(&outcome.stdout).expect("JSON");
        match outcome.termination {
            // What is passed on keeps its text, half surrogate pairs included, which a `Value` cannot hold.
            Termination::Exited(0) if command.returns_result() => {
                let result: Box<RawValue> = serde_json::from_slice(&outcome.stdout).expect("JSON");
                assert!(result.get().starts_with('{'), "{result}");
            }
            Termination::Exited(0) => assert!(outcome.stdout.is_empty()),
            Termination::Exited(1) => {
                let error = printed();
                assert!(error["code"].is_u64() && error["msg"].is_string(), "{error}");
                assert_ne!(error["msg"], "the plugin panicked", "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}

struct Uses;

impl Uses {
    fn everything(request: &Request<'_>) -> Result<Option<CniResult>> {
        let _ = request.config::<serde_json::Value>();
        let _ = request.load_args::<serde_json::Value>(&["IP", "MAC"]);
        let _ = request.valid_attachments();
        assert!(!request.network_name().is_empty());
        request.prev_result()
    }
}

impl Plugin for Uses {
    fn add(&self, request: &Request<'_>) -> Result<CniResult> {
        Ok(Uses::everything(request)?.unwrap_or_default())
    }

    fn del(&self, request: &Request<'_>) -> Result<()> {
        Uses::everything(request).map(drop)
    }

    fn gc(&self, request: &Request<'_>) -> Result<()> {
        Uses::everything(request).map(drop)
    }
}
