//! Any JSON value in the places where it is taken apart without another look at whether it is JSON: inside of a list, as
//! a plugin's object, as prevResult. It comes out with its exact text, and means what it means where it is checked.

use std::collections::BTreeMap;

use cni::{CacheDir, Cni, CniOptions, CniResult, NetworkConfigList, RuntimeConf, conf};
use serde_json::value::RawValue;

use super::network_list::FindsAll;

const VERSION: &str = "1.1.0";

pub fn run(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<&RawValue>(data) else { return };
    inside(value.get());
    if value.get().starts_with('{') {
        as_plugin(value.get());
    }
    as_prev_result(value);
}

fn inside(value: &str) {
    let list = list(&format!(
        "{{\"type\" : \"p\",\n\"v\" :{value} }} , {{\"w\":[ {value},{value}\t],\"type\":\"q\"}}"
    ))
    .expect("a key that nobody knows has any value");
    assert_eq!(
        requests(&list, "ADD", None).expect("nothing is wrong with it"),
        [
            format!(r#"{{"type":"p","v":{value},"cniVersion":"{VERSION}","name":"n"}}"#),
            format!(
                "{{\"w\":[ {value},{value}\t],\"type\":\"q\",\"cniVersion\":\"{VERSION}\",\"name\":\"n\"}}"
            ),
        ]
    );
}

/// Put together again from the members that the check finds, it is the same plugin's.
fn as_plugin(value: &str) {
    let list = match (list(value), conf::inject_conf(value, &BTreeMap::new())) {
        (Ok(list), Ok(_)) => list,
        (Err(taken_apart), Err(checked)) => {
            assert!(taken_apart.message().ends_with(checked.message()), "{taken_apart}: {checked}");
            return;
        }
        (taken_apart, checked) => panic!("{taken_apart:?}: {checked:?}"),
    };
    assert_eq!(list.plugins()[0].text(), value);
    let text = |text: &str| RawValue::from_string(format!("\"{text}\"")).expect("a string");
    let values = BTreeMap::from([("cniVersion".to_owned(), text(VERSION)), ("name".to_owned(), text("n"))]);
    let checked = conf::inject_conf(value, &values).expect("it is a plugin's");
    assert_eq!(requests(&list, "ADD", None).expect("nothing is wrong with it"), [checked.text()]);
}

fn as_prev_result(value: &RawValue) {
    let list = list(r#"{"type":"p"}"#).expect("a good list");
    let checked = CniResult::from_json(value.get()).and_then(|result| result.into_version(VERSION));
    match (requests(&list, "DEL", Some(value)), checked) {
        (Ok(requests), Ok(checked)) => {
            let result = checked.to_json();
            let expected =
                format!(r#"{{"type":"p","cniVersion":"{VERSION}","name":"n","prevResult":{result}}}"#);
            assert_eq!(requests, [expected]);
        }
        (Err(taken_apart), Err(checked)) => {
            assert!(taken_apart.message().ends_with(checked.message()), "{taken_apart}: {checked}");
        }
        (taken_apart, checked) => panic!("{taken_apart:?}: {checked:?}"),
    }
}

fn list(plugins: &str) -> cni::Result<NetworkConfigList> {
    let text = format!(r#"{{"cniVersion":"{VERSION}","name":"n","plugins":[{plugins}]}}"#);
    conf::network_conf_from_bytes(text.as_bytes())
}

fn requests(
    list: &NetworkConfigList,
    command: &str,
    prev_result: Option<&RawValue>,
) -> cni::Result<Vec<String>> {
    let options = CniOptions { cache_dir: CacheDir::Nowhere, ..CniOptions::default() };
    let rt = RuntimeConf {
        container_id: "c".into(),
        if_name: "e".into(),
        prev_result: prev_result.map(ToOwned::to_owned),
        ..RuntimeConf::default()
    };
    let requests = Cni::with_exec(options, FindsAll).render_network_list(command, list, &rt)?;
    Ok(requests.into_iter().map(|request| request.stdin.get().to_owned()).collect())
}
