//! Whether a network namespace is the one that the plugin itself is in.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, Result, code};

/// The network namespace of the calling thread.
const OWN: &str = "/proc/thread-self/ns/net";

/// That `netns` is another network namespace than the calling thread's. One that is not there is another one: what
/// that means is the plugin's to say.
pub(super) fn check_is_another(netns: &Path) -> Result<()> {
    let Ok(named) = fs::metadata(netns) else { return Ok(()) };
    let own = fs::metadata(OWN).map_err(|error| {
        Error::of_plugin(code::INVALID_NETNS, "get plugin's netns failed", error.to_string())
    })?;
    if (named.dev(), named.ino()) == (own.dev(), own.ino()) {
        let msg = "plugin's netns and netns from CNI_NETNS should not be the same";
        return Err(Error::of_plugin(code::INVALID_NETNS, msg, ""));
    }
    Ok(())
}
