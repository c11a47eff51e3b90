//! What is fuzzed: for every parser that sees outside data a function that feeds it and asserts what must hold of
//! whatever comes out. A panic is a finding.

mod arguments;
mod cache_file;
mod locks_value;
mod network_list;
mod options;
mod parts;
mod plugin_conf;
mod plugin_output;
mod plugin_side;
mod result;

/// The targets; each has a directory of its name in `corpus`.
pub const ALL: &[(&str, fn(&[u8]))] = &[
    ("network_list", network_list::run),
    ("plugin_conf", plugin_conf::run),
    ("plugin_output", plugin_output::run),
    ("plugin_side", plugin_side::run),
    ("result", result::run),
    ("cache_file", cache_file::run),
    ("parts", parts::run),
    ("options", options::run),
    ("arguments", arguments::run),
    ("locks_value", locks_value::run),
];

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// What must hold of every error about outside data: it says something, its JSON is one, and neither grows out of
/// proportion to what it is about. (A byte can become `\xff` in a text and `\\xff` in its JSON.)
fn assert_good_error(error: &cni::Error, input: usize) {
    assert!(
        error.code() != 0 || !error.message().is_empty() || error.status() == cni::Status::Plugin,
        "{error:?}"
    );
    let json = error.to_json();
    assert!(serde_json::from_str::<Box<RawValue>>(&json).is_ok(), "{json}");
    assert!(json.len() <= 2000 + 40 * input, "{} bytes about {input}", json.len());
}

/// The members of an object with their exact text; of a key that occurs twice the last one. `None` for objects
/// with keys that are no text (a lone surrogate).
fn members(object: &str) -> Option<BTreeMap<String, Box<RawValue>>> {
    serde_json::from_str(object).ok()
}
