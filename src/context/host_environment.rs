//! The host's environment as it was at one moment.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

/// The environment of this process, read when it was safe to: see
/// [`Context::with_host_environment`](super::Context::with_host_environment). Cheap to clone.
#[derive(Clone, Debug)]
pub struct HostEnvironment(Arc<[(OsString, OsString)]>);

impl HostEnvironment {
    /// Reads it, by [`std::env::vars_os`].
    pub fn read() -> HostEnvironment {
        HostEnvironment(std::env::vars_os().collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}
