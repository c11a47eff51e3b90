//! `Cni`: the operations, with arguments and answers as JSON in the shapes of the core.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::cni::cni::{AttachmentReport, GcArgs, RenderedRequest};
use ::cni::exec::process::ProcessExec;
use ::cni::{AttachmentFilter, CniOptions, CniResult, RuntimeConf};
use pyo3::prelude::*;

use crate::arguments::print;
use crate::call::{Bounds, look, run};
use crate::error::raise;
use crate::hooks::{PythonExec, PythonObserver};
use crate::network::{NetworkConfigList, PluginConfig};
use crate::plugin::PythonPlugin;

/// The native part of ``libcni.CNI``.
#[pyclass(module = "libcni._libcni", frozen)]
pub(crate) struct Cni(pub(crate) ::cni::Cni);

/// A rendered request: plugin, path, variables, stdin, whether the run would have a prevResult.
type Rendered = (String, String, BTreeMap<&'static str, String>, String, bool);

fn cached_result_text(result: Option<CniResult>) -> Option<String> {
    result.as_ref().map(CniResult::to_json)
}

#[pymethods]
impl Cni {
    #[new]
    fn new(
        py: Python<'_>,
        options: &str,
        exec: Option<Py<PyAny>>,
        on_event: Option<Py<PyAny>>,
        plugins: Vec<(String, Bound<'_, PyAny>)>,
    ) -> PyResult<Cni> {
        let options = raise(py, CniOptions::from_json(options))?;
        let mut cni = match (exec, on_event.map(PythonObserver::new)) {
            (None, None) => ::cni::Cni::new(options),
            (Some(exec), None) => ::cni::Cni::with_exec(options, PythonExec::new(exec)),
            (None, Some(on_event)) => ::cni::Cni::with_observer(options, ProcessExec::default(), on_event),
            (Some(exec), Some(on_event)) => {
                ::cni::Cni::with_observer(options, PythonExec::new(exec), on_event)
            }
        };
        for (plugin_type, plugin) in plugins {
            cni = cni.with_plugin(plugin_type, Arc::new(PythonPlugin::new(&plugin)?));
        }
        Ok(Cni(cni))
    }

    fn add_network_list(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        network: &NetworkConfigList,
        runtime_conf: &str,
    ) -> PyResult<String> {
        run(py, bounds, |context| {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            self.0.add_network_list_json(context, &network.0, &rt)
        })
    }

    fn check_network_list(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        network: &NetworkConfigList,
        runtime_conf: &str,
    ) -> PyResult<()> {
        run(py, bounds, |context| {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            self.0.check_network_list(context, &network.0, &rt)
        })
    }

    fn del_network_list(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        network: &NetworkConfigList,
        runtime_conf: &str,
    ) -> PyResult<()> {
        run(py, bounds, |context| {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            self.0.del_network_list(context, &network.0, &rt)
        })
    }

    fn gc_network_list(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        network: &NetworkConfigList,
        args: &str,
    ) -> PyResult<()> {
        run(py, bounds, |context| self.0.gc_network_list(context, &network.0, &GcArgs::from_json(args)?))
    }

    fn get_status_network_list(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        network: &NetworkConfigList,
    ) -> PyResult<()> {
        run(py, bounds, |context| self.0.get_status_network_list(context, &network.0))
    }

    fn validate_network_list(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        network: &NetworkConfigList,
    ) -> PyResult<Vec<String>> {
        run(py, bounds, |context| self.0.validate_network_list(context, &network.0))
    }

    fn get_network_list_cached_result(
        &self,
        py: Python<'_>,
        network: &NetworkConfigList,
        runtime_conf: &str,
    ) -> PyResult<Option<String>> {
        look(py, || {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            self.0.get_network_list_cached_result(&network.0, &rt).map(cached_result_text)
        })
    }

    fn get_network_list_cached_config(
        &self,
        py: Python<'_>,
        network: &NetworkConfigList,
        runtime_conf: &str,
    ) -> PyResult<String> {
        look(py, || {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            print(&self.0.get_network_list_cached_config(&network.0, &rt)?)
        })
    }

    fn add_network(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        conf: &PluginConfig,
        runtime_conf: &str,
    ) -> PyResult<String> {
        run(py, bounds, |context| {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            self.0.add_network_json(context, &conf.0, &rt)
        })
    }

    fn check_network(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        conf: &PluginConfig,
        runtime_conf: &str,
    ) -> PyResult<()> {
        run(py, bounds, |context| {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            self.0.check_network(context, &conf.0, &rt)
        })
    }

    fn del_network(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        conf: &PluginConfig,
        runtime_conf: &str,
    ) -> PyResult<()> {
        run(py, bounds, |context| {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            self.0.del_network(context, &conf.0, &rt)
        })
    }

    fn validate_network(
        &self,
        py: Python<'_>,
        bounds: Bounds<'_>,
        conf: &PluginConfig,
    ) -> PyResult<Vec<String>> {
        run(py, bounds, |context| self.0.validate_network(context, &conf.0))
    }

    fn get_network_cached_result(
        &self,
        py: Python<'_>,
        conf: &PluginConfig,
        runtime_conf: &str,
    ) -> PyResult<Option<String>> {
        look(py, || {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            self.0.get_network_cached_result(&conf.0, &rt).map(cached_result_text)
        })
    }

    fn get_network_cached_config(
        &self,
        py: Python<'_>,
        conf: &PluginConfig,
        runtime_conf: &str,
    ) -> PyResult<String> {
        look(py, || {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            print(&self.0.get_network_cached_config(&conf.0, &rt)?)
        })
    }

    fn get_cached_attachments(&self, py: Python<'_>, filter: &str) -> PyResult<String> {
        look(py, || self.0.get_cached_attachments_json(&AttachmentFilter::from_json(filter)?))
    }

    fn del_cached_attachments(&self, py: Python<'_>, bounds: Bounds<'_>, filter: &str) -> PyResult<String> {
        run(py, bounds, |context| {
            let filter = AttachmentFilter::from_json(filter)?;
            print(&AttachmentReport::all_deleted(self.0.del_cached_attachments(context, &filter)?)?)
        })
    }

    fn get_version_info(&self, py: Python<'_>, bounds: Bounds<'_>, plugin_type: &str) -> PyResult<String> {
        run(py, bounds, |context| print(&self.0.get_version_info(context, plugin_type)?))
    }

    fn render_network_list(
        &self,
        py: Python<'_>,
        command: &str,
        network: &NetworkConfigList,
        runtime_conf: &str,
    ) -> PyResult<Vec<Rendered>> {
        let rendered = |request: RenderedRequest| {
            let RenderedRequest { plugin, path, env, stdin, needs_prev_result } = request;
            (plugin, path, env.into_iter().collect(), stdin.get().to_owned(), needs_prev_result)
        };
        look(py, || {
            let rt = RuntimeConf::from_json(runtime_conf)?;
            let requests = self.0.render_network_list(command, &network.0, &rt)?;
            Ok(requests.into_iter().map(rendered).collect())
        })
    }
}
