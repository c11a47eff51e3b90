//! What the options and the environment say of the runtime.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use cni::{CacheDir, CniOptions, Error, Result, Status};

const DEFAULT_CONF_DIR: &str = "/etc/cni/net.d";
const DEFAULT_IF_NAME: &str = "eth0";

/// What is the same for every command.
pub(crate) struct Settings {
    /// The directory of network configurations.
    pub(crate) conf_dir: PathBuf,
    /// The interface's name.
    pub(crate) if_name: String,
    /// What the runtime is made of.
    pub(crate) options: CniOptions,
}

impl Settings {
    pub(crate) fn read(matches: &ArgMatches) -> Result<Settings> {
        let path = |name| matches.get_one::<PathBuf>(name).cloned();
        // `$CNI_PATH` is the core's own default.
        let default = CniOptions::default();
        let plugin_dirs: Vec<PathBuf> =
            matches.get_many("plugin-dir").into_iter().flatten().cloned().collect();
        let if_name = match text(matches, "ifname").filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => variable("CNI_IFNAME")?.unwrap_or_else(|| DEFAULT_IF_NAME.to_owned()),
        };
        Ok(Settings {
            conf_dir: path("conf-dir")
                .or_else(|| raw_variable("NETCONFPATH").map(PathBuf::from))
                .unwrap_or_else(|| PathBuf::from(DEFAULT_CONF_DIR)),
            if_name,
            options: CniOptions {
                plugin_dirs: if plugin_dirs.is_empty() { default.plugin_dirs } else { plugin_dirs },
                cache_dir: path("cache-dir").map_or(CacheDir::Default, CacheDir::At),
                timeout: matches.get_one::<Duration>("timeout").copied(),
                rollback: has_flag(matches, "rollback"),
                ..default
            },
        })
    }
}

/// An option that is text, when the command has it and it was given.
pub(crate) fn text<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.try_get_one::<String>(name).ok().flatten().map(String::as_str)
}

/// Whether the command has the flag and it was given.
pub(crate) fn has_flag(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or_default()
}

/// A variable of the environment; an empty one is none.
pub(crate) fn variable(name: &str) -> Result<Option<String>> {
    let not_text = |value: OsString| {
        let message = format!("the variable {name} is not valid UTF-8: {}", value.to_string_lossy());
        Error::new(Status::InvalidArgument, message)
    };
    raw_variable(name).map(|value| value.into_string().map_err(not_text)).transpose()
}

fn raw_variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Reads a number of seconds.
pub(crate) fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "expected a number of seconds, 0 or more".to_owned())
}
