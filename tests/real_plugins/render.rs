//! A dry run against the real one: what is rendered is what runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use cni::cni::{GcArgs, RenderedRequest};
use cni::exec::process::ProcessExec;
use cni::exec::{Exec, ExecRequest, FindRequest, Outcome};
use cni::{Cni, Context, Result};
use serde_json::{Value, json};

use crate::host::{BOTH, Host};

rules! {
    both: every_operation_runs_what_is_rendered;
    newest:;
}

/// One run: the plugin's program, its `CNI_*` variables, its stdin.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    path: String,
    env: Vec<(String, String)>,
    stdin: Value,
}

/// Runs plugins and writes down what they are run with.
#[derive(Clone, Default)]
struct Recorder {
    exec: Arc<ProcessExec>,
    runs: Arc<Mutex<Vec<Run>>>,
}

impl Exec for Recorder {
    fn find_in_path(&self, request: &FindRequest<'_>) -> Result<PathBuf> {
        self.exec.find_in_path(request)
    }

    fn exec_plugin(&self, request: &ExecRequest<'_>) -> Result<Outcome> {
        let mut env: Vec<_> = request
            .env
            .iter()
            .filter_map(|variable| variable.to_str().unwrap().split_once('='))
            .filter(|(name, _)| name.starts_with("CNI_"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        env.sort();
        let stdin = serde_json::from_slice(request.stdin).unwrap();
        self.runs.lock().unwrap().push(Run { path: request.path.to_str().unwrap().into(), env, stdin });
        self.exec.exec_plugin(request)
    }
}

impl Recorder {
    fn take(&self) -> Vec<Run> {
        std::mem::take(&mut self.runs.lock().unwrap())
    }
}

fn as_run(request: &RenderedRequest) -> Run {
    let mut env: Vec<_> =
        request.env.iter().map(|(name, value)| (String::from(*name), value.clone())).collect();
    env.sort();
    Run { path: request.path.clone(), env, stdin: serde_json::from_str(request.stdin.get()).unwrap() }
}

fn every_operation_runs_what_is_rendered(host: &Host) {
    let recorder = Recorder::default();
    let cni = Cni::with_exec(host.options(), recorder.clone());
    let plugins = [
        host.bridge(BOTH),
        json!({ "type": "tuning", "capabilities": { "mac": true }, "mtu": 1400 }),
        json!({ "type": "portmap", "capabilities": { "portMappings": true }, "snat": true }),
    ];
    let list = host.network(&plugins);
    let container = host.container("c1");
    let mut rt = container.rt_with("mac", &json!("02:11:22:33:44:55"));
    rt.args = vec![("IgnoreUnknown".into(), "1".into())];
    let ctx = Context::background();
    let rendered = |command: &str| cni.render_network_list(command, &list, &rt).unwrap();

    let before = rendered("ADD");
    assert!(recorder.take().is_empty(), "rendering runs nothing");
    assert_eq!(container.net.link_names(), ["lo"]);
    cni.add_network_list(&ctx, &list, &rt).unwrap();
    let runs = recorder.take();
    assert_eq!(runs.len(), 3);
    for (index, (request, mut run)) in before.iter().zip(runs).enumerate() {
        // What the plugins before it will return is the one thing that cannot be known.
        let prev_result = run.stdin.as_object_mut().unwrap().remove("prevResult");
        assert_eq!((request.needs_prev_result, prev_result.is_some()), (index > 0, index > 0));
        assert_eq!(as_run(request), run);
    }

    for command in ["CHECK", "DEL"] {
        let before: Vec<_> = rendered(command).iter().map(as_run).collect();
        assert!(before.iter().all(|run| run.stdin.get("prevResult").is_some()));
        match command {
            "CHECK" => cni.check_network_list(&ctx, &list, &rt).unwrap(),
            _ => cni.del_network_list(&ctx, &list, &rt).unwrap(),
        }
        assert_eq!(recorder.take(), before, "{command}");
    }

    let before: Vec<_> = rendered("STATUS").iter().map(as_run).collect();
    cni.get_status_network_list(&ctx, &list).unwrap();
    assert_eq!(recorder.take(), before);
    assert_eq!(before.len(), if host.version() == "1.1.0" { 3 } else { 0 });

    let before: Vec<_> = rendered("GC").iter().map(as_run).collect();
    let args = GcArgs::from_json(r#"{"validAttachments":[]}"#).unwrap();
    cni.gc_network_list(&ctx, &list, &args).unwrap();
    let mut runs = recorder.take();
    for run in &mut runs {
        // What is valid is no argument of rendering.
        for key in ["cni.dev/valid-attachments", "cni.dev/attachments"] {
            assert_eq!(run.stdin.as_object_mut().unwrap().remove(key), Some(json!([])));
        }
    }
    assert_eq!(runs, before);
}
