//! Identifiers and CNI_ARGS on their way into a plugin's environment: each name once, nothing breaks out of its
//! place, no NUL. The input is an `rt`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cni::exec::{Environment, Exec, ExecRequest, FindRequest, Outcome, Termination};
use cni::{CacheDir, Cni, CniOptions, Context, RuntimeConf, conf};

use super::assert_good_error;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(rt) = RuntimeConf::from_json(text) else { return };
    let seen = Arc::new(Mutex::new(Environment::new()));
    let options = CniOptions { cache_dir: CacheDir::Nowhere, ..CniOptions::default() };
    let cni = Cni::with_exec(options, Sees(seen.clone()));
    let list =
        conf::network_conf_from_bytes(br#"{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"p"}]}"#);
    let (list, ctx) = (list.expect("a good list"), Context::background());
    let added = cni.add_network_list(&ctx, &list, &rt);
    let env: Environment = std::mem::take(&mut *seen.lock().expect("not poisoned"));
    match added {
        Ok(_) => assert_exact(&rt, &env),
        Err(error) => {
            assert!(env.is_empty(), "refused before the plugin ran");
            assert_good_error(&error, data.len());
        }
    }
    // What ADD refuses, DEL may have to delete.
    if let Err(error) = cni.del_network_list(&ctx, &list, &rt) {
        assert_good_error(&error, data.len());
    }
}

fn assert_exact(rt: &RuntimeConf, env: &Environment) {
    let lines: Vec<&str> = env.iter().filter_map(|line| line.to_str().ok()).collect();
    let names: BTreeSet<&str> = lines.iter().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(names.len(), lines.len(), "each name once");
    let value = |name: &str| {
        let found = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("{name} is missing"))
    };
    assert_eq!(value("CNI_CONTAINERID"), rt.container_id);
    assert_eq!(value("CNI_IFNAME"), rt.if_name);
    assert_eq!(value("CNI_NETNS"), rt.netns);
    let args = value("CNI_ARGS");
    // As plugins take it apart.
    let pairs: Vec<(&str, &str)> = match args {
        "" => Vec::new(),
        args => args.split(';').map(|pair| pair.split_once('=').expect("K=V")).collect(),
    };
    let given: Vec<(&str, &str)> =
        rt.args.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(pairs, given);
}

struct Sees(Arc<Mutex<Environment>>);

impl Exec for Sees {
    fn find_in_path(&self, _: &FindRequest<'_>) -> cni::Result<std::path::PathBuf> {
        Ok("/plugin".into())
    }

    fn exec_plugin(&self, request: &ExecRequest<'_>) -> cni::Result<Outcome> {
        *self.0.lock().expect("not poisoned") = request.env.clone();
        let termination = Termination::Exited(0);
        let (stdout, stderr) = (b"{}".to_vec(), Vec::new());
        Ok(Outcome { termination, interruption: None, stdout, stderr, pid: None, duration: Duration::ZERO })
    }
}
