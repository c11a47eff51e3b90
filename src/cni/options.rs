//! What a [`Cni`](super::Cni) is made of.

use std::path::PathBuf;
use std::time::Duration;

use crate::context::EnvPolicy;
use crate::error::Result;
use crate::plugin::Builtin;
use crate::types::shape::{self, Member, Shape, Value};

/// Where attachments are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CacheDir {
    /// The directory that the call's [`RuntimeConf`](crate::types::runtime::RuntimeConf) names, else
    /// `/var/lib/cni`.
    #[default]
    Default,
    /// This directory.
    At(PathBuf),
    /// Nowhere: nothing is kept on disk, and CHECK and DEL get their prevResult from the call or do
    /// without.
    Nowhere,
}

/// The options of a [`Cni`](super::Cni); `libcni_new` takes the same as JSON.
#[derive(Clone, Debug)]
pub struct CniOptions {
    /// The directories in which plugins are searched, in order. Default: `$CNI_PATH` split at `:`, else
    /// `/opt/cni/bin`.
    pub plugin_dirs: Vec<PathBuf>,
    /// Where attachments are remembered.
    pub cache_dir: CacheDir,
    /// How long a call may take, counted from its start. Default: for ever.
    pub timeout: Option<Duration>,
    /// How long a plugin that is being ended gets between SIGTERM and SIGKILL. Default: 1 s.
    pub kill_grace: Duration,
    /// The most that is kept of a plugin's stdout, and of its stderr, in bytes. Default: 16 MiB.
    pub max_output_bytes: usize,
    /// What plugins get of the host's environment. Default: all of it.
    pub env: EnvPolicy,
    /// Whether a failed ADD is followed by a DEL of the whole list. Default: no.
    pub rollback: bool,
    /// How long that DEL may take. Default: 30 s.
    pub rollback_timeout: Duration,
    /// Whether ADD finds every plugin, and the cache writable, before the first plugin runs. Default: yes.
    pub preflight: bool,
    /// Whether operations on one attachment wait for each other, across processes. Default: yes.
    pub locking: bool,
    /// Whether cache files are flushed to the disk before a call returns. Default: yes.
    pub durable: bool,
    /// The plugins of the library that live in the process, as by [`Cni::with_builtin`](super::Cni::with_builtin).
    /// Default: none.
    pub builtins: Vec<Builtin>,
}

impl Default for CniOptions {
    fn default() -> CniOptions {
        CniOptions {
            plugin_dirs: default_plugin_dirs(),
            cache_dir: CacheDir::Default,
            timeout: None,
            kill_grace: Duration::from_secs(1),
            max_output_bytes: 16 << 20,
            env: EnvPolicy::Inherit,
            rollback: false,
            rollback_timeout: Duration::from_secs(30),
            preflight: true,
            locking: true,
            durable: true,
            builtins: Vec::new(),
        }
    }
}

fn default_plugin_dirs() -> Vec<PathBuf> {
    match std::env::var_os("CNI_PATH").filter(|path| !path.is_empty()) {
        Some(path) => std::env::split_paths(&path).collect(),
        None => vec![PathBuf::from("/opt/cni/bin")],
    }
}

impl CniOptions {
    /// Reads the options of `libcni_new`.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument), with the key and the place, for what
    /// is not JSON, an unknown key, or a value of the wrong type.
    pub fn from_json(text: &str) -> Result<CniOptions> {
        shape::read("options", text)
    }
}

impl Shape for CniOptions {
    fn read(value: Value<'_>) -> shape::Result<CniOptions> {
        let mut options = CniOptions::default();
        shape::object(
            value,
            &mut [
                Member::new("pluginDirs", &mut options.plugin_dirs),
                Member::or_null("cacheDir", &mut options.cache_dir),
                Member::new("timeoutMs", &mut options.timeout),
                Member::new("killGraceMs", &mut options.kill_grace),
                Member::new("maxOutputBytes", &mut options.max_output_bytes),
                Member::new("env", &mut options.env),
                Member::new("rollback", &mut options.rollback),
                Member::new("rollbackTimeoutMs", &mut options.rollback_timeout),
                Member::new("preflight", &mut options.preflight),
                Member::new("locking", &mut options.locking),
                Member::new("durable", &mut options.durable),
                Member::new("builtins", &mut options.builtins),
            ],
        )?;
        Ok(options)
    }
}

/// Null is a choice here.
impl Shape for CacheDir {
    fn read(value: Value<'_>) -> shape::Result<CacheDir> {
        Ok(Option::read(value)?.map_or(CacheDir::Nowhere, CacheDir::At))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_null_cache_dir_is_not_an_absent_one() {
        let dir = |text| CniOptions::from_json(text).unwrap().cache_dir;
        assert_eq!(dir("{}"), CacheDir::Default);
        assert_eq!(dir(r#"{"cacheDir":null}"#), CacheDir::Nowhere);
        assert_eq!(dir(r#"{"cacheDir":"/x"}"#), CacheDir::At("/x".into()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let message = |text| CniOptions::from_json(text).unwrap_err().message().to_owned();
        assert!(message("{\"timeoutMs\":-1}").starts_with("invalid options: timeoutMs: invalid value"));
        assert!(
            message("{\"pluginDirs\":[\"/a\",7]}")
                .starts_with("invalid options: pluginDirs[1]: invalid type")
        );
        assert!(message("{\n\"cachedir\":\"/x\"}").contains("unknown field `cachedir`, expected one of"));
        assert!(message("{\n\"cachedir\":\"/x\"}").ends_with("at line 2 column 10"));
        assert!(message("{\"env\":\"some\"}").contains("\"inherit\", \"clean\", an array"));
        assert!(message("{\"env\":{\"A=B\":\"\"}}").contains("\"A=B\" is not the name"));
        assert!(
            message("{\"builtins\":[\"bridge\"]}")
                .starts_with("invalid options: builtins[0]: no plugin \"bridge\"")
        );
        assert!(message("").starts_with("invalid options: "));
        assert!(message("{} x").contains("trailing characters"));
    }
}
