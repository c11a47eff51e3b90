//! Python objects that find and run plugins, and callables that watch.
//!
//! Both come wrapped by `libcni.plugins` and `libcni.events`, which turn the plain values passed here into the types
//! that their users see.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ::cni::cni::{Event, Observer};
use ::cni::exec::process::ProcessExec;
use ::cni::exec::{Exec, ExecRequest, FindRequest, Outcome, Termination};
use ::cni::{Error, Status};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::call;
use crate::context::Context;

/// Finds and runs plugins by a Python object; what it leaves alone, as processes.
pub(crate) struct PythonExec {
    object: Arc<Py<PyAny>>,
    process: ProcessExec,
}

/// What Python answers for a run: exit code, signal, stdout, stderr.
type Answer = (i32, i32, Vec<u8>, Vec<u8>);

impl PythonExec {
    pub(crate) fn new(object: Py<PyAny>) -> PythonExec {
        PythonExec { object: Arc::new(object), process: ProcessExec::default() }
    }

    /// Calls a method; what it raises is kept for the end of the call.
    fn call<T>(
        &self,
        method: &str,
        context: &::cni::Context,
        call: impl for<'py> FnOnce(&Bound<'py, PyAny>) -> PyResult<T>,
    ) -> Result<T, Error> {
        let failed =
            |why: String| Error::new(Status::Callback, format!("the callback {method} failed: {why}"));
        let answer = Python::try_attach(|py| {
            call(self.object.bind(py)).map_err(|error| {
                let why = failed(error.to_string());
                call::of(context).by_callback(py, error);
                why
            })
        });
        answer.unwrap_or_else(|| Err(failed("the interpreter is shutting down".to_owned())))
    }
}

impl Exec for PythonExec {
    fn find_in_path(&self, request: &FindRequest<'_>) -> Result<PathBuf, Error> {
        let found: Option<PathBuf> = self.call("find_in_path", request.context, |object| {
            let FindRequest { command, plugin, dirs, context, .. } = *request;
            let context = Context::of_call(context.clone());
            object.call_method1("find_in_path", (command.name(), plugin, dirs.to_vec(), context))?.extract()
        })?;
        found.map_or_else(|| self.process.find_in_path(request), Ok)
    }

    fn exec_plugin(&self, request: &ExecRequest<'_>) -> Result<Outcome, Error> {
        let started = Instant::now();
        let answer: Option<Answer> = self.call("exec_plugin", request.context, |object| {
            let ExecRequest { command, plugin, path, dirs, stdin, limits, context, .. } = *request;
            let py = object.py();
            let env = PyDict::new(py);
            for line in request.env.iter() {
                let line = line.to_bytes();
                let Some(equals) = line.iter().position(|byte| *byte == b'=') else { continue };
                let part = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
                env.set_item(part(&line[..equals]), part(&line[equals + 1..]))?;
            }
            let context = match limits.deadline {
                Some(deadline) => context.within(deadline.saturating_duration_since(started)),
                None => context.clone(),
            };
            let stdin = PyBytes::new(py, stdin);
            let arguments = (
                command.name(),
                plugin,
                path.as_os_str(),
                dirs.to_vec(),
                stdin,
                env,
                Context::of_call(context),
            );
            object.call_method1("exec_plugin", arguments)?.extract()
        })?;
        let Some((code, signal, stdout, stderr)) = answer else { return self.process.exec_plugin(request) };
        let termination = if signal == 0 { Termination::Exited(code) } else { Termination::Signaled(signal) };
        let duration = started.elapsed();
        Ok(Outcome { termination, interruption: None, stdout, stderr, pid: None, duration })
    }
}

/// Tells a Python callable, as JSON. What it raises cannot end the call, so it goes where Python reports such
/// things; but for what is to end the program.
pub(crate) struct PythonObserver(Arc<Py<PyAny>>);

impl PythonObserver {
    pub(crate) fn new(callable: Py<PyAny>) -> PythonObserver {
        PythonObserver(Arc::new(callable))
    }
}

impl Observer for PythonObserver {
    fn on_event(&self, context: &::cni::Context, event: &Event<'_>) {
        let Ok(json) = serde_json::to_string(event) else { return };
        Python::try_attach(|py| {
            let Err(error) = self.0.bind(py).call1((json,)) else { return };
            if error.is_instance_of::<pyo3::exceptions::PyException>(py) {
                error.write_unraisable(py, Some(self.0.bind(py)));
            } else {
                call::of(context).by_callback(py, error);
            }
        });
    }
}
