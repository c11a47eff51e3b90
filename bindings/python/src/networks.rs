//! `Networks` and `Watch`: the networks of a container.

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::cni::Status;
use ::cni::networks::{
    Change, Container, LoadProblem, Network, NetworksOptions, Snapshot, Source, WatchOptions,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arguments::seconds;
use crate::call::{Bounds, run};
use crate::cni::Cni;
use crate::error::{exception, raise};
use crate::network::NetworkConfigList;

/// The native part of ``libcni.Networks``.
#[pyclass(module = "libcni._libcni", frozen)]
pub(crate) struct Networks(::cni::networks::Networks);

/// A network: its list, its interface, its file, whether it is the loopback network.
type Loaded = (NetworkConfigList, String, Option<PathBuf>, bool);

/// What is loaded: the directory, the prefix, the plugin directories, the generation; the networks; what could not be
/// loaded, with its exception.
type Config = (PathBuf, String, Vec<PathBuf>, u64, Vec<Loaded>, Vec<(PathBuf, Py<PyAny>)>);

/// A set-up: all of it as JSON; of each network its name, its interface, and the exact text of its result.
type Setup = (String, Vec<(String, String, String)>);

fn config_of(py: Python<'_>, snapshot: &Snapshot) -> Config {
    let network = |network: &Network| {
        let list = NetworkConfigList(network.list().clone());
        (list, network.if_name().to_owned(), network.path().map(Path::to_owned), network.is_loopback())
    };
    let problem = |LoadProblem { path, error }: &LoadProblem| {
        (path.clone(), exception(py, error, None).into_value(py).into_any())
    };
    (
        snapshot.conf_dir().to_owned(),
        snapshot.interface_prefix().to_owned(),
        snapshot.plugin_dirs().to_owned(),
        snapshot.generation(),
        snapshot.networks().iter().map(network).collect(),
        snapshot.problems().iter().map(problem).collect(),
    )
}

#[pymethods]
impl Networks {
    #[new]
    fn new(py: Python<'_>, cni: &Cni, options: &str, undo_timeout: f64) -> PyResult<Networks> {
        let mut options = raise(py, NetworksOptions::from_json(options))?;
        options.undo_timeout = seconds("undo_timeout", Some(undo_timeout))?.unwrap_or(Duration::MAX);
        let made = py.detach(|| ::cni::networks::Networks::new(cni.0.clone(), options));
        raise(py, made).map(Networks)
    }

    fn config(&self, py: Python<'_>) -> Config {
        config_of(py, &self.0.config())
    }

    fn load(&self, py: Python<'_>, sources: Option<&str>) -> PyResult<Config> {
        let load = || self.0.load(sources.map(Source::list_from_json).transpose()?);
        Ok(config_of(py, &*raise(py, py.detach(load))?))
    }

    fn setup(&self, py: Python<'_>, bounds: Bounds<'_>, container: &str) -> PyResult<Setup> {
        run(py, bounds, |context| {
            let result = self.0.setup(context, &Container::from_json(container)?)?;
            let of_network = |of: &::cni::networks::NetworkResult| {
                (of.network.clone(), of.if_name.clone(), of.result.to_json())
            };
            Ok((result.to_json(), result.results().iter().map(of_network).collect()))
        })
    }

    fn check(&self, py: Python<'_>, bounds: Bounds<'_>, container: &str) -> PyResult<()> {
        run(py, bounds, |context| self.0.check(context, &Container::from_json(container)?))
    }

    fn remove(&self, py: Python<'_>, bounds: Bounds<'_>, container: &str) -> PyResult<()> {
        run(py, bounds, |context| self.0.remove(context, &Container::from_json(container)?))
    }

    fn status(&self, py: Python<'_>, bounds: Bounds<'_>) -> PyResult<()> {
        run(py, bounds, |context| self.0.status(context))
    }

    fn metrics(&self) -> String {
        self.0.metrics().to_json()
    }

    fn prometheus(&self) -> String {
        self.0.metrics().to_prometheus()
    }

    fn watch(&self, py: Python<'_>, debounce: f64) -> PyResult<Watch> {
        let debounce = seconds("debounce", Some(debounce))?.unwrap_or(Duration::MAX);
        let watch = raise(py, py.detach(|| self.0.watch(WatchOptions { debounce })))?;
        Ok(Watch { open: Mutex::new(Some(Arc::new(watch))), closed: Arc::default() })
    }
}

/// The native part of ``libcni.NetworksWatch``.
#[pyclass(module = "libcni._libcni", frozen)]
pub(crate) struct Watch {
    /// Until it is closed. A wait that runs then keeps its descriptor until it has ended.
    open: Mutex<Option<Arc<::cni::networks::Watch>>>,
    closed: Arc<AtomicBool>,
}

/// A change: what is loaded then, whether that is new, whether something changed in the plugin directories.
type Changed = (Config, bool, bool);

fn changed(py: Python<'_>, Change { snapshot, networks, plugins, .. }: Change) -> Changed {
    (config_of(py, &snapshot), networks, plugins)
}

impl Watch {
    fn get(&self) -> PyResult<Arc<::cni::networks::Watch>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.clone().ok_or_else(|| PyValueError::new_err("the watch is closed"))
    }
}

#[pymethods]
impl Watch {
    fn fileno(&self) -> PyResult<RawFd> {
        Ok(self.get()?.as_fd().as_raw_fd())
    }

    fn dispatch(&self, py: Python<'_>) -> PyResult<Option<Changed>> {
        let watch = self.get()?;
        Ok(raise(py, py.detach(|| watch.dispatch()))?.map(|change| changed(py, change)))
    }

    /// The next change; None when the watch was closed meanwhile.
    fn wait(&self, py: Python<'_>, bounds: Bounds<'_>) -> PyResult<Option<Changed>> {
        let watch = self.get()?;
        let change = run(py, bounds, |context| {
            let closed = self.closed.clone();
            match watch.wait(&context.interrupted_by(move || closed.load(Ordering::SeqCst))) {
                Err(error) if error.status() == Status::Cancelled && self.is_closed() => Ok(None),
                change => change.map(Some),
            }
        })?;
        Ok(change.map(|change| changed(py, change)))
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    #[getter]
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}
