//! Network configuration lists: what parses is kept exactly, and every plugin's request is its configuration with
//! nothing but the injected keys changed.

use cni::{CacheDir, Cni, CniOptions, RuntimeConf, conf};

use super::{assert_good_error, members};

const INJECTED: [&str; 4] = ["name", "cniVersion", "prevResult", "runtimeConfig"];

pub fn run(data: &[u8]) {
    let list = match conf::network_conf_from_bytes(data) {
        Ok(list) => list,
        Err(error) => return assert_good_error(&error, data.len()),
    };
    assert_eq!(list.bytes(), data);
    let again = conf::network_conf_from_bytes(list.bytes()).expect("what parsed once parses again");
    assert_eq!((list.name(), list.cni_version()), (again.name(), again.cni_version()));
    assert_eq!(list.plugins().len(), again.plugins().len());

    let options = CniOptions { cache_dir: CacheDir::Nowhere, ..CniOptions::default() };
    let rt = RuntimeConf {
        container_id: "c".into(),
        if_name: "e".into(),
        ..RuntimeConf::from_json(r#"{"capabilityArgs":{"ips":["1.2.3.4/5"],"mac":{"a":1.50}}}"#)
            .expect("good JSON")
    };
    let cni = Cni::with_exec(options, FindsAll);
    for command in ["ADD", "DEL", "STATUS"] {
        let requests = match cni.render_network_list(command, &list, &rt) {
            Ok(requests) => requests,
            Err(error) => {
                assert_good_error(&error, data.len());
                continue;
            }
        };
        for request in requests {
            let Some(derived) = members(request.stdin.get()) else { continue };
            assert_eq!(derived["name"].get(), serde_json::to_string(list.name()).expect("text"));
            assert_eq!(derived["cniVersion"].get(), serde_json::to_string(list.cni_version()).expect("text"));
            let mut plugins = list.plugins().iter().filter_map(|plugin| members(plugin.text()));
            let kept = plugins.any(|plugin| {
                plugin
                    .iter()
                    .filter(|(key, _)| !INJECTED.contains(&key.as_str()))
                    .all(|(key, value)| derived.get(key).is_some_and(|now| now.get() == value.get()))
            });
            assert!(kept, "{} is no plugin's", request.stdin.get());
        }
    }
}

/// Finds everything and runs nothing.
pub struct FindsAll;

impl cni::exec::Exec for FindsAll {
    fn find_in_path(&self, _: &cni::exec::FindRequest<'_>) -> cni::Result<std::path::PathBuf> {
        Ok("/plugin".into())
    }

    fn exec_plugin(&self, _: &cni::exec::ExecRequest<'_>) -> cni::Result<cni::exec::Outcome> {
        unreachable!("render runs nothing")
    }
}
