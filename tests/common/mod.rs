//! A scene for tests: fake plugins that really run, a log of how they were called, a cache of its own.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use cni::{CacheDir, Cni, CniOptions, Context, NetworkConfigList, RuntimeConf, conf};
use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Scene {
    dir: TempDir,
}

/// One call of a fake plugin.
#[derive(Debug)]
pub struct Call {
    pub plugin: String,
    pub command: String,
    pub stdin: String,
    pub env: BTreeMap<String, String>,
}

impl Call {
    pub fn config(&self) -> Value {
        serde_json::from_str(&self.stdin).expect("a plugin's stdin is JSON")
    }
}

impl Scene {
    /// A scene with fake plugins of these types.
    pub fn with_plugins(types: &[&str]) -> Scene {
        let scene = Scene { dir: tempfile::tempdir().unwrap() };
        for dir in ["bin", "log"] {
            std::fs::create_dir(scene.path(dir)).unwrap();
        }
        for plugin in types {
            std::fs::copy(fake_plugin(), scene.path("bin").join(plugin)).unwrap();
        }
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn options(&self) -> CniOptions {
        CniOptions {
            plugin_dirs: vec![self.path("bin")],
            cache_dir: CacheDir::At(self.path("cache")),
            durable: false,
            ..CniOptions::default()
        }
    }

    pub fn cni(&self) -> Cni {
        Cni::new(self.options())
    }

    /// A plugin object that logs its calls; `does` tells what it does for which command.
    pub fn plugin(&self, plugin: &str, does: Value) -> Value {
        let mut fake = json!({ "log": self.path("log") });
        fake.as_object_mut().unwrap().extend(does.as_object().unwrap().clone());
        json!({ "type": plugin, "fake": fake })
    }

    pub fn calls(&self) -> Vec<Call> {
        let log = self.path("log");
        let read = |index: usize, name: &str| std::fs::read_to_string(log.join(index.to_string()).join(name));
        (0..)
            .map_while(|index| {
                Some(Call {
                    plugin: read(index, "plugin").ok()?,
                    command: read(index, "command").ok()?,
                    stdin: read(index, "stdin").ok()?,
                    env: read(index, "env")
                        .ok()?
                        .lines()
                        .filter_map(|line| line.split_once('='))
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect(),
                })
            })
            .collect()
    }

    /// The calls as `COMMAND plugin`.
    pub fn order(&self) -> Vec<String> {
        self.calls().iter().map(|call| format!("{} {}", call.command, call.plugin)).collect()
    }

    pub fn forget_calls(&self) {
        std::fs::remove_dir_all(self.path("log")).unwrap();
        std::fs::create_dir(self.path("log")).unwrap();
    }

    pub fn cache_file(&self, name: &str) -> PathBuf {
        self.path("cache").join("results").join(name)
    }

    pub fn cached(&self, name: &str) -> Option<Value> {
        let bytes = std::fs::read(self.cache_file(name)).ok()?;
        Some(serde_json::from_slice(&bytes).expect("a cache file is JSON"))
    }
}

pub fn list(value: &Value) -> NetworkConfigList {
    conf::network_conf_from_bytes(value.to_string().as_bytes()).unwrap()
}

pub fn network(version: &str, plugins: &[Value]) -> NetworkConfigList {
    list(&json!({ "cniVersion": version, "name": "net", "plugins": plugins }))
}

pub fn rt() -> RuntimeConf {
    RuntimeConf {
        container_id: "c1".into(),
        netns: "/run/netns/c1".into(),
        if_name: "eth0".into(),
        ..RuntimeConf::default()
    }
}

pub fn background() -> Context {
    Context::background()
}

/// The compiled fake plugin.
fn fake_plugin() -> &'static Path {
    static PROGRAM: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, program) = PROGRAM.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("fake");
        let compiled = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
            .args(["-std=c11", "-O1", "-o"])
            .arg(&program)
            .arg("-I")
            .arg(root.join("examples/c"))
            .args([root.join("tests/plugins/fake.c"), root.join("examples/c/json.c")])
            .status()
            .expect("a C compiler is needed for the fake plugins");
        assert!(compiled.success());
        (dir, program)
    });
    program
}
