//! One call of the core: the GIL released, signals looked at, what callbacks raise carried over.
//!
//! Plugins run on the calling thread, whose namespaces they inherit, so a call cannot be moved to another thread to
//! keep this one free for signals. Python handles them on the main thread alone: a call there asks for them while it
//! waits, and what a handler raises (`KeyboardInterrupt`) ends the plugin first and is raised then.

use std::cell::RefCell;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use ::cni::context::HostEnvironment;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::arguments::seconds;
use crate::context::Context;
use crate::error::exception;

/// What Python code raised inside of a call, and what its callbacks share with it.
#[derive(Default)]
pub(crate) struct Raised {
    /// By a callback: the cause of the error that the core makes of it. The first one counts.
    by_callback: Mutex<Option<PyErr>>,
    /// To end the call: by a signal handler, or as what is no `Exception` (`KeyboardInterrupt`, `SystemExit`) by a
    /// callback.
    to_end: Mutex<Option<PyErr>>,
    /// The cancellations of the call's context, for those of its callbacks.
    pub(crate) cancelled: Vec<Arc<AtomicBool>>,
}

fn keep(place: &Mutex<Option<PyErr>>, error: PyErr) {
    place.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

fn take(place: &Mutex<Option<PyErr>>) -> Option<PyErr> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Raised {
    /// Keeps what a callback raised.
    pub(crate) fn by_callback(&self, py: Python<'_>, error: PyErr) {
        let place = if error.is_instance_of::<PyException>(py) { &self.by_callback } else { &self.to_end };
        keep(place, error);
    }

    fn wants_end(&self) -> bool {
        self.to_end.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether the call is to end, for it asks: has anything been raised for that, by a signal handler now?
    fn is_interrupted(&self) -> bool {
        let signals = Python::try_attach(|py| py.check_signals());
        if let Some(Err(error)) = signals {
            keep(&self.to_end, error);
        }
        self.wants_end()
    }
}

thread_local! {
    /// The calls that run on this thread, the innermost last: a callback may make calls of its own.
    static RUNNING: RefCell<Vec<Arc<Raised>>> = const { RefCell::new(Vec::new()) };
}

/// The call that a callback belongs to. Its context knows, also on the threads that attach to several networks at the
/// same time; for what has no context of the call, as a look into the cache, the thread does.
pub(crate) fn of(context: &::cni::Context) -> Arc<Raised> {
    let by_thread = || RUNNING.with_borrow(|running| running.last().cloned()).unwrap_or_default();
    context.host_data().unwrap_or_else(by_thread)
}

struct Running;

impl Running {
    fn begin(raised: Arc<Raised>) -> Running {
        RUNNING.with_borrow_mut(|running| running.push(raised));
        Running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.with_borrow_mut(|running| running.pop());
    }
}

/// The arguments that every blocking method begins with: its context, and how many seconds it may take.
pub(crate) type Bounds<'a> = (Option<PyRef<'a, Context>>, Option<f64>);

/// Runs a call of the core within its bounds.
///
/// The environment that plugins get is read here: other threads may change `os.environ`, and with it the C library's, as soon as
/// the GIL is released.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    bounds: Bounds<'_>,
    call: impl FnOnce(&::cni::Context) -> ::cni::Result<T> + Send,
) -> PyResult<T> {
    run_in(py, bounds, Some(HostEnvironment::read()), call)
}

/// Runs a call of the core that starts no plugin.
pub(crate) fn look<T: Send>(py: Python<'_>, call: impl FnOnce() -> ::cni::Result<T> + Send) -> PyResult<T> {
    run_in(py, (None, None), None, |_| call())
}

fn run_in<T: Send>(
    py: Python<'_>,
    (context, timeout): Bounds<'_>,
    environment: Option<HostEnvironment>,
    call: impl FnOnce(&::cni::Context) -> ::cni::Result<T> + Send,
) -> PyResult<T> {
    let cancelled = context.as_ref().map_or_else(Vec::new, |context| context.cancelled().to_vec());
    let raised = Arc::new(Raised { cancelled, ..Raised::default() });
    let mut context = context.map_or_else(::cni::Context::background, |context| context.core().clone());
    context = context.with_host_data(raised.clone());
    if let Some(environment) = environment {
        context = context.with_host_environment(environment);
    }
    if let Some(timeout) = seconds("timeout", timeout)? {
        context = context.within(timeout);
    }
    if is_main_thread(py)? {
        py.check_signals()?;
        let raised = raised.clone();
        context = context.interrupted_by(move || raised.is_interrupted());
    }
    let answer = {
        let _running = Running::begin(raised.clone());
        py.detach(|| call(&context))
    };
    let by_callback = take(&raised.by_callback);
    match (answer, take(&raised.to_end)) {
        (Ok(answer), None) => Ok(answer),
        (Err(error), None) => Err(exception(py, &error, by_callback)),
        (Ok(_), Some(end)) => Err(end),
        (Err(error), Some(end)) => {
            end.set_context(py, Some(exception(py, &error, by_callback)));
            Err(end)
        }
    }
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    static MAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static CURRENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let main = MAIN.import(py, "threading", "main_thread")?.call0()?.getattr("ident")?;
    CURRENT.import(py, "threading", "get_ident")?.call0()?.eq(main)
}
