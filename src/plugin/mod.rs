//! The other side of the protocol: writing a plugin.
//!
//! A plugin is a [`Plugin`]: five functions over a [`Request`]. [`main`] makes a program of it; given to
//! [`Cni::with_plugin`](crate::Cni::with_plugin), the same value runs inside the process of a runtime, without a
//! program being started. It cannot tell the difference, and its callers cannot either.
//!
//! ```no_run
//! use cni::plugin::{Plugin, Request};
//! use cni::{CniResult, Result};
//! use std::process::ExitCode;
//!
//! struct PassOn;
//!
//! impl Plugin for PassOn {
//!     fn add(&self, request: &Request<'_>) -> Result<CniResult> {
//!         Ok(request.prev_result()?.unwrap_or_default())
//!     }
//!
//!     fn del(&self, _: &Request<'_>) -> Result<()> {
//!         Ok(())
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     cni::plugin::main(&PassOn)
//! }
//! ```
//!
//! # The map
//! - `request.rs`: [`Request`], what a plugin is asked, and `owned.rs`, a copy of it for other languages; `args.rs`: `CNI_ARGS`; `delegate.rs`: running another plugin
//! - `protocol.rs`: the whole protocol, from the environment and stdin to stdout and the exit code
//! - `main.rs`: the protocol as a program; `in_process.rs`: the protocol inside a process
//! - `loopback/`: a plugin, [`Loopback`]; `builtin.rs`: the plugins that come with the library
//! - `netns.rs`: whether `CNI_NETNS` is the plugin's own; `failure.rs`: error objects; `log.rs`: stderr

mod args;
mod builtin;
mod delegate;
mod failure;
mod in_process;
mod log;
mod loopback;
mod main;
mod netns;
mod owned;
mod protocol;
mod request;

pub use builtin::Builtin;
pub use in_process::InProcess;
pub use loopback::Loopback;
#[cfg_attr(not(feature = "capi"), allow(unused_imports))]
pub(crate) use main::fail;
pub use main::{main, run};
pub use owned::OwnedRequest;
pub use request::{Request, ValidAttachment};

use crate::error::Result;
use crate::types::result::CniResult;
use crate::version;

/// A plugin (specification, section 2, "Execution Protocol").
///
/// One value serves any number of calls, inside a process also at the same time, on the threads of the callers.
/// Errors become the error object of the protocol, see [`Error::of_plugin`](crate::Error::of_plugin); any other error
/// has the code 999. A panic is an error, too.
pub trait Plugin: Send + Sync {
    /// ADD: attaches the container. The result may have any version; the runtime gets it in the one that it asked
    /// for.
    ///
    /// # Errors
    /// Why it cannot be attached.
    fn add(&self, request: &Request<'_>) -> Result<CniResult>;

    /// CHECK: whether the attachment is as it should be. Without this, it always is.
    ///
    /// # Errors
    /// What is not as it should be.
    fn check(&self, request: &Request<'_>) -> Result<()> {
        let _ = request;
        Ok(())
    }

    /// DEL: undoes ADD. What is gone already is deleted; the network namespace may be gone, too, or not be named.
    ///
    /// # Errors
    /// What could not be undone: the runtime tries again later.
    fn del(&self, request: &Request<'_>) -> Result<()>;

    /// GC: removes what belongs to none of the [`Request::valid_attachments`]. Without this, there is nothing to
    /// remove.
    ///
    /// # Errors
    /// What could not be removed.
    fn gc(&self, request: &Request<'_>) -> Result<()> {
        let _ = request;
        Ok(())
    }

    /// STATUS: whether ADD would work. Without this, it would.
    ///
    /// # Errors
    /// Why not: [`code::NOT_AVAILABLE`](crate::code::NOT_AVAILABLE) or
    /// [`code::LIMITED_CONNECTIVITY`](crate::code::LIMITED_CONNECTIVITY).
    fn status(&self, request: &Request<'_>) -> Result<()> {
        let _ = request;
        Ok(())
    }

    /// The versions of the specification that it can be asked in; what VERSION answers. At least one.
    fn supported_versions(&self) -> Vec<&str> {
        version::ALL.to_vec()
    }

    /// What the program prints to stderr when a person starts it: its name and version. Empty: nothing, and the
    /// missing `CNI_COMMAND` is an error.
    fn about(&self) -> &str {
        ""
    }
}
