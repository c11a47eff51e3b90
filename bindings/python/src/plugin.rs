//! Plugins written in Python: what the core calls, and what they get to see.
//!
//! `libcni.plugin` has the classes that their authors know; its adapter turns them into the two functions used here.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use ::cni::plugin::{OwnedRequest, Plugin, Request};
use ::cni::types::command::Command;
use ::cni::{CniResult, Error, Result, Status};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::call;
use crate::context::Context;
use crate::error::raise;

/// A plugin by a Python object.
pub(crate) struct PythonPlugin {
    object: Py<PyAny>,
    about: String,
    supported_versions: Vec<String>,
}

/// What Python answers: the result of ADD, or the error object: code, message, details; and words for stderr.
type Answer = (Option<String>, Option<(u32, String, String)>, String);

impl PythonPlugin {
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<PythonPlugin> {
        Ok(PythonPlugin {
            about: object.getattr("about")?.extract()?,
            supported_versions: object.getattr("supported_versions")?.extract()?,
            object: object.clone().unbind(),
        })
    }

    fn call(&self, request: &Request<'_>) -> Result<Option<String>> {
        let command = request.command().name();
        let answer = Python::try_attach(|py| -> PyResult<Answer> {
            let seen = PluginRequest(request.to_owned_request());
            self.object.bind(py).call_method1("call", (command, seen))?.extract()
        });
        let failed = |why: String| Error::of_plugin(::cni::code::INTERNAL, why, "");
        let (result, failure, words) = match answer {
            None => return Err(failed(String::from("the interpreter is shutting down"))),
            Some(Ok(answer)) => answer,
            // The adapter answers for every exception; this one is to end the program.
            Some(Err(error)) => {
                let why = Python::attach(|py| {
                    let why = error.to_string();
                    if !error.is_instance_of::<PyException>(py) {
                        call::of(request.context()).by_callback(py, error);
                    }
                    why
                });
                return Err(failed(why));
            }
        };
        if !words.is_empty() {
            request.log(words.trim_end_matches('\n'));
        }
        match failure {
            None => Ok(result),
            Some((code, msg, details)) => Err(Error::of_plugin(code, msg, details)),
        }
    }
}

impl Plugin for PythonPlugin {
    fn add(&self, request: &Request<'_>) -> Result<CniResult> {
        let text = self.call(request)?.unwrap_or_else(|| String::from("null"));
        CniResult::from_plugin_output(text.as_bytes(), request.cni_version())
    }

    fn check(&self, request: &Request<'_>) -> Result<()> {
        self.call(request).map(drop)
    }

    fn del(&self, request: &Request<'_>) -> Result<()> {
        self.call(request).map(drop)
    }

    fn gc(&self, request: &Request<'_>) -> Result<()> {
        self.call(request).map(drop)
    }

    fn status(&self, request: &Request<'_>) -> Result<()> {
        self.call(request).map(drop)
    }

    fn supported_versions(&self) -> Vec<&str> {
        self.supported_versions.iter().map(String::as_str).collect()
    }

    fn about(&self) -> &str {
        &self.about
    }
}

/// Runs a plugin as the program that this process is; the exit code.
#[pyfunction]
pub(crate) fn plugin_main(py: Python<'_>, plugin: &Bound<'_, PyAny>) -> PyResult<u8> {
    let plugin = PythonPlugin::new(plugin)?;
    Ok(py.detach(|| ::cni::plugin::run(&plugin)))
}

/// The native part of ``libcni.plugin.Request``.
#[pyclass(module = "libcni._libcni", frozen)]
pub(crate) struct PluginRequest(OwnedRequest);

impl PluginRequest {
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(&Request<'_>) -> Result<T> + Send,
    ) -> PyResult<T> {
        raise(py, py.detach(|| self.0.with(ask)))
    }
}

#[pymethods]
impl PluginRequest {
    /// Container id, namespace, interface, `CNI_ARGS`, network, version, configuration.
    fn texts(&self, py: Python<'_>) -> PyResult<(String, OsString, String, String, String, String, String)> {
        self.ask(py, |request| {
            Ok((
                request.container_id().to_owned(),
                request.netns().as_os_str().to_owned(),
                request.if_name().to_owned(),
                request.args().to_owned(),
                request.network_name().to_owned(),
                request.cni_version().to_owned(),
                request.config_text().to_owned(),
            ))
        })
    }

    fn stdin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let stdin = self.ask(py, |request| Ok(request.stdin().to_owned()))?;
        Ok(PyBytes::new(py, &stdin))
    }

    fn environment(&self, py: Python<'_>) -> PyResult<Vec<(OsString, OsString)>> {
        self.ask(py, |request| {
            let variable = |line: &std::ffi::CStr| {
                let line = line.to_bytes();
                let equals = line.iter().position(|byte| *byte == b'=')?;
                let part = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
                Some((part(&line[..equals]), part(&line[equals + 1..])))
            };
            Ok(request.environment().iter().filter_map(variable).collect())
        })
    }

    fn plugin_dirs(&self, py: Python<'_>) -> PyResult<Vec<PathBuf>> {
        self.ask(py, |request| Ok(request.plugin_dirs()))
    }

    fn context(&self, py: Python<'_>) -> PyResult<Context> {
        let context = self.ask(py, |request| Ok(request.context().clone()))?;
        Ok(Context::of_call(context))
    }

    fn prev_result(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.ask(py, |request| Ok(request.prev_result()?.map(|result| result.to_json())))
    }

    fn valid_attachments(&self, py: Python<'_>) -> PyResult<Option<Vec<(String, String)>>> {
        self.ask(py, |request| {
            let valid = request.valid_attachments()?;
            let pair = |valid: ::cni::plugin::ValidAttachment| (valid.container_id, valid.if_name);
            Ok(valid.map(|valid| valid.into_iter().map(pair).collect()))
        })
    }

    fn known_args(&self, py: Python<'_>, names: Vec<String>) -> PyResult<BTreeMap<String, String>> {
        self.ask(py, |request| request.known_args(&names.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    fn log(&self, py: Python<'_>, line: &str) -> PyResult<()> {
        self.ask(py, |request| {
            request.log(line);
            Ok(())
        })
    }

    fn delegate(
        &self,
        py: Python<'_>,
        command: &str,
        plugin_type: &str,
        config: OsString,
    ) -> PyResult<Option<String>> {
        self.ask(py, |request| {
            let command = Command::from_name(command)
                .ok_or_else(|| Error::new(Status::InvalidArgument, format!("no command {command}")))?;
            let result = request.delegate(command, plugin_type, config.as_bytes())?;
            Ok(result.map(|result| result.to_json()))
        })
    }
}
