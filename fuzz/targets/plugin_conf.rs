//! One plugin's configuration, and values injected into it (what is behind the first line break): injected keys
//! come out with their exact text, all others keep theirs, and doing it again changes nothing.

use std::collections::BTreeMap;

use cni::conf;
use serde_json::value::RawValue;

use super::{assert_good_error, members};

pub fn run(data: &[u8]) {
    let (first, rest) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &b"{\"name\":\"n\"}"[..]),
    };
    match conf::plugin_conf_from_bytes(first) {
        Ok(plugin) => {
            assert_eq!(plugin.bytes(), first);
            // The single configuration as a list: itself the only plugin.
            match conf::conf_list_from_conf(&plugin) {
                Ok(list) => assert_eq!(list.plugins().len(), 1),
                Err(error) => assert_good_error(&error, data.len()),
            }
        }
        Err(error) => assert_good_error(&error, data.len()),
    }
    let (Ok(text), Ok(values)) =
        (std::str::from_utf8(first), serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(rest))
    else {
        return;
    };
    let injected = match conf::inject_conf(text, &values) {
        Ok(injected) => injected,
        Err(error) => return assert_good_error(&error, data.len()),
    };
    let again = conf::inject_conf(injected.text(), &values).expect("what was injected once can be again");
    assert_eq!(again.text(), injected.text());
    let (Some(before), Some(after)) = (members(text), members(injected.text())) else { return };
    for (key, value) in &values {
        assert_eq!(after[key].get(), value.get());
    }
    for (key, value) in before.iter().filter(|(key, _)| !values.contains_key(*key)) {
        assert_eq!(after[key].get(), value.get());
    }
    assert!(after.keys().all(|key| before.contains_key(key) || values.contains_key(key)));
}
