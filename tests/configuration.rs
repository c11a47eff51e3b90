//! Networks from bytes, files and directories.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use cni::{Status, conf};
use serde_json::{Value, json};

fn message(text: &str) -> String {
    let error = conf::network_conf_from_bytes(text.as_bytes()).unwrap_err();
    assert_eq!(error.status(), Status::InvalidConfig);
    let message = error.message().strip_prefix("error parsing configuration list: ");
    message.unwrap_or_else(|| error.message()).to_owned()
}

fn version(members: &str) -> Result<String, String> {
    let text = format!(r#"{{"name":"n",{members}}}"#);
    conf::network_conf_from_bytes(text.as_bytes())
        .map(|list| list.cni_version().to_owned())
        .map_err(|error| error.message().to_owned())
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn with(files: &[(&str, &str)]) -> Dir {
        let dir = Dir(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = dir.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn root(&self) -> &Path {
        self.0.path()
    }
}

const LIST: &str = r#"{"cniVersion":"1.0.0","name":"net","plugins":[{"type":"a"}]}"#;

#[test]
fn what_is_wrong_with_a_list_is_named() {
    for (text, expected) in [
        ("{}", "no name"),
        ("null", "no name"),
        (r#"{"name":666}"#, "invalid name type float64"),
        (r#"{"name":null}"#, "invalid name type <nil>"),
        (r#"{"name":"n","cniVersion":{}}"#, "invalid cniVersion type map[string]interface {}"),
        (r#"{"name":"n","cniVersions":[1]}"#, "invalid type for cniVersions index 0: float64"),
        (r#"{"name":"n","disableCheck":1}"#, "invalid type float64 for disableCheck"),
        (r#"{"name":"n","disableGC":"Maybe"}"#, "invalid value \"maybe\" for disableGC"),
        (r#"{"name":"n","plugins":{}}"#, "invalid 'plugins' type map[string]interface {}"),
        (r#"{"name":"n","plugins":[]}"#, "no plugins in list"),
        (
            r#"{"name":"n","loadOnlyInlinedPlugins":"TRUE"}"#,
            "`loadOnlyInlinedPlugins` is true, and no 'plugins' key",
        ),
        (
            r#"{"name":"n","plugins":[{"type":"a"},{}]}"#,
            "failed to parse plugin config 1: error parsing configuration: missing 'type'",
        ),
        ("[]", "expected an object, found an array"),
    ] {
        assert_eq!(message(text), expected, "{text}");
    }
    assert!(message("{\n\"name\": x}").ends_with("at line 2 column 9"), "{}", message("{\n\"name\": x}"));
}

#[test]
fn keys_of_a_list_match_exactly_and_the_last_one_counts() {
    let list = conf::network_conf_from_bytes(
        br#"{"Name":"other","name":"first","name":"last","DisableCheck":7,"disableCheck":"True"}"#,
    )
    .unwrap();
    assert_eq!(list.name(), "last");
    assert!(list.disable_check());
    assert!(!list.disable_gc());
}

#[test]
fn the_highest_known_version_is_taken() {
    let ok = |members: &str| version(members).unwrap();
    assert_eq!(ok(r#""x":1"#), "");
    assert_eq!(ok(r#""cniVersion":"9.9.9""#), "9.9.9");
    assert_eq!(ok(r#""cniVersions":["0.4.0","1.1.0","1.0.0"]"#), "1.1.0");
    assert_eq!(ok(r#""cniVersions":["0.4.0"],"cniVersion":"1.0.0""#), "1.0.0");
    assert_eq!(ok(r#""cniVersions":["2.0.0"],"cniVersion":"0.3.1""#), "0.3.1");
    assert_eq!(ok(r#""cniVersions":["2.0.0"]"#), "");
    assert_eq!(ok(r#""cniVersions":[],"cniVersion":"2.0.0""#), "2.0.0");
    assert_eq!(ok(r#""cniVersions":["1.0","1.0.0"]"#), "1.0");
    let error = version(r#""cniVersions":["1.0.0","x"]"#).unwrap_err();
    assert!(error.contains("invalid cniVersions entry x at index 1: failed to convert major"), "{error}");
    let error = version(r#""cniVersions":[],"cniVersion":"1.0.0.0""#).unwrap_err();
    assert!(error.contains("invalid cniVersion 1.0.0.0: invalid version \"1.0.0.0\": too many parts"));
}

#[test]
fn plugins_keep_their_text_and_the_list_its_bytes() {
    let text = " {\"name\":\"n\",\"plugins\":[ {\"type\" : \"a\", \"n\":1.0} ,{\"type\":\"b\"}]}\n";
    let list = conf::network_conf_from_bytes(text.as_bytes()).unwrap();
    assert_eq!(list.bytes(), text.as_bytes());
    assert_eq!(list.plugins()[0].text(), "{\"type\" : \"a\", \"n\":1.0}");
    assert_eq!(list.plugins()[1].plugin_type(), "b");
}

#[test]
fn drop_in_plugins_follow_the_lists_own_and_are_part_of_its_bytes() {
    let dir = Dir::with(&[
        ("10-net.conflist", LIST),
        ("net/20-b.conf", "{\"type\":\"b\", \"big\": 1e999}\n"),
        ("net/10-a.conf", r#"{"type":"early"}"#),
        ("net/ignored.json", r#"{"type":"no"}"#),
    ]);
    let list = conf::network_conf_from_file(&dir.path("10-net.conflist")).unwrap();
    let types: Vec<_> = list.plugins().iter().map(|plugin| plugin.plugin_type()).collect();
    assert_eq!(types, ["a", "early", "b"]);
    let text = std::str::from_utf8(list.bytes()).unwrap();
    assert_eq!(
        text,
        r#"{"cniVersion":"1.0.0","name":"net","plugins":[{"type":"a"},{"type":"early"},{"type":"b", "big": 1e999}]}"#
    );
    // The bytes are a list themselves: what is cached can be read back.
    assert_eq!(conf::network_conf_from_bytes(list.bytes()).unwrap().plugins().len(), 3);
}

#[test]
fn drop_in_plugins_alone_make_a_list_and_can_be_ignored() {
    let dir = Dir::with(&[
        ("absent.conflist", r#"{"name":"net"}"#),
        ("inlined.conflist", r#"{"name":"net","loadOnlyInlinedPlugins":true,"plugins":[{"type":"a"}]}"#),
        ("none.conflist", r#"{"name":"nothing"}"#),
        ("net/b.conf", r#"{"type":"b"}"#),
    ]);
    let absent = conf::network_conf_from_file(&dir.path("absent.conflist")).unwrap();
    assert_eq!(std::str::from_utf8(absent.bytes()).unwrap(), r#"{"name":"net","plugins":[{"type":"b"}]}"#);
    assert_eq!(conf::network_conf_from_file(&dir.path("inlined.conflist")).unwrap().plugins().len(), 1);
    let error = conf::network_conf_from_file(&dir.path("none.conflist")).unwrap_err();
    assert!(error.message().starts_with("no plugin configs found (in "), "{error}");
    assert!(error.facts().path.as_deref().unwrap().ends_with("none.conflist"));
}

#[test]
fn a_network_name_cannot_lead_out_of_the_directory() {
    for name in ["..", ".", "../up", "a/b", "/etc", "n\\u0000x"] {
        let dir = Dir::with(&[
            ("d/x.conflist", &format!(r#"{{"name":"{name}","plugins":[{{"type":"a"}}]}}"#)),
            ("up/evil.conf", r#"{"type":"evil"}"#),
        ]);
        let error = conf::network_conf_from_file(&dir.path("d/x.conflist")).unwrap_err();
        assert_eq!(error.status(), Status::InvalidConfig);
        assert!(error.message().contains("cannot name a directory of drop-in plugins"), "{error}");
    }
}

#[test]
fn conf_files_are_sorted_and_matched_by_what_follows_the_last_dot() {
    let dir = Dir::with(&[
        ("b.conf", ""),
        ("a.conf", ""),
        (".conf", ""),
        ("c.conf.bak", ""),
        ("d.conflist", ""),
        ("sub.conf/x.conf", ""),
    ]);
    let names = |extensions: &[&str]| -> Vec<String> {
        let files = conf::conf_files(dir.root(), extensions).unwrap();
        files.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names(&[".conf"]), [".conf", "a.conf", "b.conf"]);
    assert_eq!(names(&[".conflist", ".bak"]), ["c.conf.bak", "d.conflist"]);
    assert_eq!(names(&[]), Vec::<String>::new());
    assert!(conf::conf_files(&dir.path("missing"), &[".conf"]).unwrap().is_empty());
    assert_eq!(conf::conf_files(&dir.path("a.conf"), &[".conf"]).unwrap_err().status(), Status::Io);
}

#[test]
fn lists_come_before_single_configurations_and_one_broken_file_hides_no_other() {
    let dir = Dir::with(&[
        ("00-broken.conflist", "{"),
        ("10-single.conf", r#"{"cniVersion":"0.4.0","name":"net","type":"single"}"#),
        ("20-other.conflist", r#"{"name":"other","plugins":[{"type":"o"}]}"#),
        ("30-net.conflist", LIST),
        ("40-json.json", r#"{"name":"from-json","type":"j"}"#),
        ("50-broken.conf", "nonsense"),
    ]);
    let plugin = |name: &str| {
        conf::load_network_conf(dir.root(), name).map(|list| list.plugins()[0].plugin_type().to_owned())
    };
    assert_eq!(plugin("net").unwrap(), "a");
    assert_eq!(plugin("from-json").unwrap(), "j");
    let error = plugin("absent").unwrap_err();
    assert_eq!(error.status(), Status::NetworkNotFound);
    let text = format!("no net configuration with name \"absent\" in {}", dir.root().display());
    assert!(error.message().starts_with(&text), "{error}");
    for broken in ["00-broken.conflist", "50-broken.conf"] {
        assert!(error.message().contains(broken), "{error}");
    }
    assert_eq!(error.facts().causes.len(), 2);
}

#[test]
fn an_empty_or_missing_directory_is_told_apart_from_a_missing_network() {
    let empty = Dir::with(&[]);
    for dir in [empty.root().to_owned(), empty.path("missing")] {
        let error = conf::load_network_conf(&dir, "net").unwrap_err();
        assert_eq!(error.status(), Status::NetworkNotFound);
        assert_eq!(error.message(), format!("no net configurations found in {}", dir.display()));
    }
}

#[test]
fn all_networks_of_a_directory_come_in_file_name_order_with_the_broken_files_beside_them() {
    let dir = Dir::with(&[
        ("20.conf", r#"{"name":"single","cniVersion":"0.4.0","type":"s","x":1.0}"#),
        ("10.conflist", LIST),
        ("15.json", "{}"),
        ("30.conflist", "[]"),
    ]);
    let loaded = conf::load_network_confs(dir.root()).unwrap();
    let names: Vec<_> = loaded.networks.iter().map(|(_, list)| list.name()).collect();
    assert_eq!(names, ["net", "single"]);
    assert_eq!(
        std::str::from_utf8(loaded.networks[1].1.bytes()).unwrap(),
        r#"{"cniVersion":"0.4.0","name":"single","plugins":[{"name":"single","cniVersion":"0.4.0","type":"s","x":1.0}]}"#
    );
    let broken: Vec<_> = loaded.errors.iter().map(|(path, _)| path.file_name().unwrap()).collect();
    assert_eq!(broken, ["15.json", "30.conflist"]);
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let dir = Dir::with(&[("a.conflist", LIST)]);
    let fifo = std::ffi::CString::new(dir.path("b.conflist").to_str().unwrap()).unwrap();
    // SAFETY: the path is a NUL-terminated string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(fifo.as_ptr(), 0o600) }, 0);
    std::os::unix::fs::symlink("/dev/zero", dir.path("c.conflist")).unwrap();
    let loaded = conf::load_network_confs(dir.root()).unwrap();
    assert_eq!(loaded.networks.len(), 1);
    for (_, error) in &loaded.errors {
        assert!(error.message().ends_with("not a regular file"), "{error}");
    }
    assert_eq!(loaded.errors.len(), 2);
}

#[test]
fn values_are_injected_behind_the_rest() {
    let values: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_value(json!({ "name": "new", "dns": { "domain": "x" } })).unwrap();
    let conf = conf::inject_conf(r#"{"name":"old","type":"a","n":1.0}"#, &values).unwrap();
    assert_eq!(conf.text(), r#"{"type":"a","n":1.0,"dns":{"domain":"x"},"name":"new"}"#);
    assert_eq!(conf.name(), "new");
    assert_eq!(serde_json::from_str::<Value>(conf.text()).unwrap()["type"], "a");
}
