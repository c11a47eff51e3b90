//! What plugins print: results, error objects, version information. The first byte says which command and how the
//! plugin ended, the next how much of the rest is stderr.

use std::time::Duration;

use cni::exec::{Exec, ExecRequest, FindRequest, Interruption, Outcome, Termination};
use cni::{CacheDir, Cni, CniOptions, Context, RuntimeConf, Status, conf, version};
use serde_json::value::RawValue;

use super::assert_good_error;

pub fn run(data: &[u8]) {
    let [how, split, output @ ..] = data else { return };
    let (stderr, stdout) = output.split_at(usize::from(*split).min(output.len()));
    let plugin = Prints { how: *how, stdout: stdout.to_vec(), stderr: stderr.to_vec() };
    let cni = Cni::with_exec(CniOptions { cache_dir: CacheDir::Nowhere, ..CniOptions::default() }, plugin);
    let ctx = Context::background();
    let rt = RuntimeConf { container_id: "c".into(), if_name: "e".into(), ..RuntimeConf::default() };
    let list = |version: &str| {
        let text =
            format!(r#"{{"cniVersion":"{version}","name":"n","plugins":[{{"type":"p"}},{{"type":"q"}}]}}"#);
        conf::network_conf_from_bytes(text.as_bytes()).expect("a good list")
    };
    let ended_well = how & 7 == 0;
    for version in version::ALL {
        match cni.add_network_list(&ctx, &list(version), &rt) {
            Ok(result) => {
                assert!(ended_well || how & 7 == 3);
                let json = result.to_json();
                assert!(serde_json::from_str::<Box<RawValue>>(&json).is_ok(), "{json}");
            }
            Err(error) => {
                assert_good_error(&error, output.len());
                assert!(!ended_well || error.status() == Status::InvalidResult, "{error:?}");
            }
        }
    }
    let others = [
        cni.check_network_list(&ctx, &list("1.1.0"), &rt),
        cni.del_network_list(&ctx, &list("1.1.0"), &rt),
        cni.get_status_network_list(&ctx, &list("1.1.0")),
        cni.validate_network_list(&ctx, &list("1.1.0")).map(drop),
    ];
    others
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .for_each(|error| assert_good_error(error, output.len()));
    match cni.get_version_info(&ctx, "p") {
        Ok(info) => assert!(!info.cni_version.is_empty() && !info.supported_versions.is_empty()),
        Err(error) => assert_good_error(&error, output.len()),
    }
}

struct Prints {
    how: u8,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Exec for Prints {
    fn find_in_path(&self, _: &FindRequest<'_>) -> cni::Result<std::path::PathBuf> {
        Ok("/plugin".into())
    }

    fn exec_plugin(&self, _: &ExecRequest<'_>) -> cni::Result<Outcome> {
        let (termination, interruption) = match self.how & 7 {
            0 => (Termination::Exited(0), None),
            1 => (Termination::Exited(i32::from(self.how >> 3) + 1), None),
            2 => (Termination::Signaled(i32::from(self.how >> 3)), None),
            3 => (Termination::Unknown, None),
            4 => (Termination::NotStarted(std::io::Error::from_raw_os_error(i32::from(self.how >> 3))), None),
            5 => (Termination::Exited(0), Some(Interruption::Timeout)),
            6 => (Termination::Unknown, Some(Interruption::Cancelled)),
            _ => (Termination::Signaled(15), Some(Interruption::StdoutLimit)),
        };
        let (stdout, stderr) = (self.stdout.clone(), self.stderr.clone());
        Ok(Outcome { termination, interruption, stdout, stderr, pid: None, duration: Duration::ZERO })
    }
}
