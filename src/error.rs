//! [`Error`], the one error type of the library, and [`Status`], its stable numbers.
//!
//! An error is made where the facts are known, with as many of them as there are: the plugin, its
//! place in the list, the file, the exit code, what it wrote. Text is made last, from the facts.

use serde_json::value::RawValue;

use crate::types::attachment::AttachmentKey;
use crate::types::shape;

/// The result type of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is.
///
/// The numbers are part of the C ABI (`LIBCNI_ERR_*`): explicit, negative, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum Status {
    /// An argument of the call itself is wrong: NULL, not UTF-8, an unknown option, a bad container id.
    InvalidArgument = -1,
    /// A network configuration is wrong.
    InvalidConfig = -2,
    /// No network of that name was found in the configuration directory.
    NetworkNotFound = -3,
    /// No plugin program of that name was found in the plugin directories.
    PluginNotFound = -4,
    /// A plugin ran and failed; [`Error::code`] tells the code that it gave.
    Plugin = -5,
    /// A plugin does not support the version of the configuration.
    IncompatibleVersion = -6,
    /// A plugin succeeded, but what it printed is not a valid result.
    InvalidResult = -7,
    /// A system call failed: a file, a pipe, a process that could not be started.
    Io = -8,
    /// The cache of attachments could not be read or written.
    Cache = -9,
    /// There is no cached attachment to work on.
    NotAdded = -10,
    /// The deadline of the call passed.
    Timeout = -11,
    /// The call was cancelled through its context.
    Cancelled = -12,
    /// The configuration's version is older than the CHECK command (0.4.0).
    CheckNotSupported = -13,
    /// A callback of the host failed.
    Callback = -14,
    /// A defect of this library.
    Internal = -15,
}

impl Status {
    const ALL: [Status; 15] = [
        Status::InvalidArgument,
        Status::InvalidConfig,
        Status::NetworkNotFound,
        Status::PluginNotFound,
        Status::Plugin,
        Status::IncompatibleVersion,
        Status::InvalidResult,
        Status::Io,
        Status::Cache,
        Status::NotAdded,
        Status::Timeout,
        Status::Cancelled,
        Status::CheckNotSupported,
        Status::Callback,
        Status::Internal,
    ];

    /// The number of the C ABI.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The status with that number, if there is one.
    pub fn from_number(number: i32) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.number() == number)
    }

    /// The name as in `LIBCNI_ERR_<NAME>`, for example `PLUGIN_NOT_FOUND`.
    pub fn name(self) -> &'static str {
        match self {
            Status::InvalidArgument => "INVALID_ARGUMENT",
            Status::InvalidConfig => "INVALID_CONFIG",
            Status::NetworkNotFound => "NETWORK_NOT_FOUND",
            Status::PluginNotFound => "PLUGIN_NOT_FOUND",
            Status::Plugin => "PLUGIN",
            Status::IncompatibleVersion => "INCOMPATIBLE_VERSION",
            Status::InvalidResult => "INVALID_RESULT",
            Status::Io => "IO",
            Status::Cache => "CACHE",
            Status::NotAdded => "NOT_ADDED",
            Status::Timeout => "TIMEOUT",
            Status::Cancelled => "CANCELLED",
            Status::CheckNotSupported => "CHECK_NOT_SUPPORTED",
            Status::Callback => "CALLBACK",
            Status::Internal => "INTERNAL",
        }
    }
}

/// Error codes that the CNI specification gives a meaning ("Error", well-known codes).
pub mod code {
    /// Incompatible CNI version.
    pub const INCOMPATIBLE_VERSION: u32 = 1;
    /// Unsupported field in the network configuration.
    pub const UNSUPPORTED_FIELD: u32 = 2;
    /// The container is unknown, or its id is missing.
    pub const UNKNOWN_CONTAINER: u32 = 3;
    /// Invalid necessary environment variables: container id, interface name, ...
    pub const INVALID_ENVIRONMENT: u32 = 4;
    /// Input/output failure.
    pub const IO_FAILURE: u32 = 5;
    /// Failed to decode content.
    pub const DECODING_FAILURE: u32 = 6;
    /// Invalid network configuration.
    pub const INVALID_NETWORK_CONFIG: u32 = 7;
    /// Invalid network namespace.
    pub const INVALID_NETNS: u32 = 8;
    /// A transient condition: try again later.
    pub const TRY_AGAIN_LATER: u32 = 11;
    /// STATUS: the plugin is not available.
    pub const NOT_AVAILABLE: u32 = 50;
    /// STATUS: the plugin is not available and existing containers may have limited connectivity.
    pub const LIMITED_CONNECTIVITY: u32 = 51;
    /// Internal error of a plugin.
    pub const INTERNAL: u32 = 999;
}

/// Everything that is known about a failure.
///
/// [`std::fmt::Display`] prints [`Error::message`]. The other facts are read through [`Error::facts`];
/// [`Error::to_json`] has all of them in the shape of `libcni_error_json`.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Error(Box<Facts>);

/// The facts of an [`Error`]. A fact that is not known is `None`, or empty.
#[derive(Debug)]
#[non_exhaustive]
pub struct Facts {
    /// The kind of failure.
    pub status: Status,
    /// The text for people.
    pub message: String,
    /// The CNI error code: 1-99 of the specification, 100 and above the plugin's own, 0 none.
    pub code: u32,
    /// `msg` of the plugin's error object.
    pub msg: Option<String>,
    /// `details` of the plugin's error object.
    pub details: Option<String>,
    /// The type of the plugin, as in the configuration.
    pub plugin: Option<String>,
    /// The index of the plugin in its list.
    pub index: Option<usize>,
    /// The file that the failure is about: a program, a configuration, a cache file.
    pub path: Option<String>,
    /// The CNI command: `ADD`, `CHECK`, `DEL`, `GC`, `STATUS` or `VERSION`.
    pub command: Option<&'static str>,
    /// The plugin's exit code.
    pub exit_code: Option<i32>,
    /// The signal that ended the plugin.
    pub signal: Option<i32>,
    /// Whether the plugin was ended because the deadline passed.
    pub timed_out: bool,
    /// The end of what the plugin wrote to stderr.
    pub stderr: Option<String>,
    /// The end of what the plugin wrote to stdout.
    pub stdout: Option<String>,
    /// How long the plugin ran, in milliseconds.
    pub duration_ms: Option<u64>,
    /// What the plugins returned, when only what came after (writing the cache) failed.
    pub result: Option<Box<RawValue>>,
    /// The attachment that the failure is about.
    pub attachment: Option<AttachmentKey>,
    /// The errors that this one joins, or that followed from it (a failed rollback).
    pub causes: Vec<Error>,
}

impl Error {
    /// An error with nothing but its kind and its text; more facts follow with [`Error::with`].
    pub fn new(status: Status, message: impl Into<String>) -> Error {
        Error::of(status, message.into())
    }

    #[cold]
    fn of(status: Status, message: String) -> Error {
        Error(Box::new(Facts {
            status,
            message,
            code: 0,
            msg: None,
            details: None,
            plugin: None,
            index: None,
            path: None,
            command: None,
            exit_code: None,
            signal: None,
            timed_out: false,
            stderr: None,
            stdout: None,
            duration_ms: None,
            result: None,
            attachment: None,
            causes: Vec::new(),
        }))
    }

    /// The same error with more facts.
    #[must_use]
    pub fn with(mut self, add: impl FnOnce(&mut Facts)) -> Error {
        add(&mut self.0);
        self
    }

    /// The same error about that file.
    #[must_use]
    pub fn at_path(self, path: impl AsRef<std::path::Path>) -> Error {
        self.at(path.as_ref())
    }

    #[cold]
    fn at(mut self, path: &std::path::Path) -> Error {
        self.0.path = Some(path.to_string_lossy().into_owned());
        self
    }

    /// The same error with its text preceded by `prefix: `.
    #[must_use]
    pub fn context(self, prefix: impl std::fmt::Display) -> Error {
        self.behind(&prefix)
    }

    #[cold]
    fn behind(mut self, prefix: &dyn std::fmt::Display) -> Error {
        self.0.message = format!("{prefix}: {}", self.0.message);
        self
    }

    /// The same error about that attachment.
    #[must_use]
    pub fn about(self, key: &AttachmentKey) -> Error {
        self.with(|facts| facts.attachment = Some(key.clone()))
    }

    /// Nothing when there are no failures, else one error with the first one's status and code, all
    /// texts, and all of them as its causes.
    pub(crate) fn joined(failures: Vec<Error>, separator: &str) -> Result<()> {
        let Some(first) = failures.first() else { return Ok(()) };
        let texts: Vec<&str> = failures.iter().map(Error::message).collect();
        let (status, code) = (first.status(), first.code());
        Err(Error::new(status, texts.join(separator)).with(|facts| {
            facts.code = code;
            facts.causes = failures;
        }))
    }

    /// What is known about the failure.
    pub fn facts(&self) -> &Facts {
        &self.0
    }

    /// The kind of failure.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// The CNI error code: 1-99 of the specification, 100 and above the plugin's own, 0 none.
    pub fn code(&self) -> u32 {
        self.0.code
    }

    /// The text for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The object of `libcni_error_json`: all facts, absent ones left out.
    pub fn to_json(&self) -> String {
        // Proof: every part serialises (strings, numbers, checked JSON text), so this cannot fail; if
        // it ever did, an object with the text alone is the better answer than a panic.
        shape::print(self).unwrap_or_else(|_| String::from("{\"status\":\"INTERNAL\"}"))
    }
}

impl serde::Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let facts = self.facts();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", facts.status.name())?;
        map.serialize_entry("message", &facts.message)?;
        if facts.code != 0 {
            map.serialize_entry("code", &facts.code)?;
        }
        macro_rules! optional {
            ($($key:literal: $value:expr),* $(,)?) => {
                $(if let Some(value) = &$value { map.serialize_entry($key, value)?; })*
            };
        }
        optional!("msg": facts.msg, "details": facts.details, "plugin": facts.plugin, "index": facts.index,
            "path": facts.path, "command": facts.command, "exitCode": facts.exit_code, "signal": facts.signal);
        if facts.timed_out {
            map.serialize_entry("timedOut", &true)?;
        }
        optional!("stderr": facts.stderr, "stdout": facts.stdout, "durationMs": facts.duration_ms,
            "result": facts.result, "attachment": facts.attachment);
        if !facts.causes.is_empty() {
            map.serialize_entry("causes", &facts.causes)?;
        }
        map.end()
    }
}
