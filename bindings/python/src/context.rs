//! `Context`: deadline, cancellation and trace ids of calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::arguments::{seconds, to_json};
use crate::call;
use crate::error::raise;

/// The deadline, cancellation, environment and trace ids of one or more calls.
///
/// Any number of calls on any threads may share one.
///
/// Args:
///     timeout: how long calls with this context may take, in seconds, counted from now. The earlier of this and a
///         call's own deadline wins.
///     env: what plugins get of the environment, in place of what the ``CNI`` says.
///     traceparent, tracestate, baggage: W3C trace ids, which plugins get as environment variables.
///
/// >>> context = libcni.Context(timeout=30)
/// >>> context.cancel()
/// >>> context.is_cancelled
/// True
#[pyclass(module = "libcni", frozen)]
pub(crate) struct Context {
    core: ::cni::Context,
    /// The cancellations of a child and of the children that it descends from, its own last.
    cancelled: Vec<Arc<AtomicBool>>,
}

impl Context {
    /// The context that callbacks of a call are given.
    pub(crate) fn of_call(core: ::cni::Context) -> Context {
        let cancelled = call::of(&core).cancelled.clone();
        Context { core, cancelled }
    }

    pub(crate) fn core(&self) -> &::cni::Context {
        &self.core
    }

    pub(crate) fn cancelled(&self) -> &[Arc<AtomicBool>] {
        &self.cancelled
    }
}

#[pymethods]
impl Context {
    #[new]
    #[pyo3(signature = (timeout=None, *, env=None, traceparent=None, tracestate=None, baggage=None))]
    fn new(
        py: Python<'_>,
        timeout: Option<f64>,
        env: Option<Bound<'_, PyAny>>,
        traceparent: Option<String>,
        tracestate: Option<String>,
        baggage: Option<String>,
    ) -> PyResult<Context> {
        let options = PyDict::new(py);
        if let Some(env) = env {
            options.set_item("env", env)?;
        }
        let mut options = raise(py, ::cni::ContextOptions::from_json(&to_json(&options)?))?;
        options.timeout = seconds("timeout", timeout)?;
        options.trace = ::cni::context::TraceContext { traceparent, tracestate, baggage };
        raise(py, ::cni::Context::new(options)).map(|core| Context { core, cancelled: Vec::new() })
    }

    /// Cancels every call with this context, running or to come: a running plugin and its process group are ended.
    fn cancel(&self) {
        match self.cancelled.last() {
            Some(cancelled) => cancelled.store(true, Ordering::SeqCst),
            None => self.core.cancel(),
        }
    }

    /// A context for calls that can be cancelled on their own, and are cancelled with this one.
    fn child(&self) -> Context {
        let cancelled = Arc::new(AtomicBool::new(false));
        let asked = cancelled.clone();
        let core = self.core.interrupted_by(move || asked.load(Ordering::SeqCst));
        Context { core, cancelled: [self.cancelled.as_slice(), &[cancelled]].concat() }
    }

    /// Whether the context was cancelled.
    #[getter]
    fn is_cancelled(&self) -> bool {
        self.core.is_cancelled() || self.cancelled.iter().any(|cancelled| cancelled.load(Ordering::SeqCst))
    }

    /// The seconds until the deadline, 0.0 when it has passed; None without a deadline.
    #[getter]
    fn remaining(&self) -> Option<f64> {
        let deadline = self.core.deadline()?;
        Some(deadline.saturating_duration_since(Instant::now()).as_secs_f64())
    }

    fn __repr__(&self) -> String {
        let remaining = self.remaining().map_or_else(|| "None".to_owned(), |seconds| format!("{seconds:.3}"));
        let cancelled = if self.is_cancelled() { "True" } else { "False" };
        format!("<libcni.Context remaining={remaining} is_cancelled={cancelled}>")
    }
}
