//! Whether containers can be set up, and whether one still is as it was set up.

use super::container::{Attached, Container};
use super::metrics::Operation;
use super::remembered::Remembered;
use super::setup::{check_names, joined};
use super::{Networks, timed};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::plugin::Builtin;
use crate::text;
use crate::types::command::Command;

impl Networks {
    /// Whether containers can be set up: enough networks are loaded, they and their interfaces have names that may be,
    /// the plugins of every one (from version 1.1.0) say that they are ready, and somebody can bring `lo` up.
    ///
    /// # Errors
    /// [`Status::NetworkNotFound`](crate::Status::NetworkNotFound) when too few are loaded, with the files that could
    /// not be; [`Status::PluginNotFound`](crate::Status::PluginNotFound) when loopback is wanted by its program and there
    /// is none; else the first network's that is not ready, with the errors of all as its causes.
    pub fn status(&self, ctx: &Context) -> Result<()> {
        timed(&self.0.metrics, Operation::Status, || {
            let snapshot = self.config();
            self.check_ready(&snapshot)?;
            let cni = self.cni();
            let status = |network: &super::Network| {
                let asked = timed(&self.0.metrics, Operation::NetworkStatus, || {
                    check_names(network.name(), network.if_name())?;
                    if network.is_loopback() {
                        // Its version has no STATUS, and without its plugin no container can be set up.
                        return cni.find(ctx, Command::Status, Builtin::Loopback.name()).map(drop);
                    }
                    cni.get_status_network_list(ctx, network.list())
                });
                let name = text::quote(network.name());
                asked.err().map(|error| error.context(format_args!("network {name} is not ready")))
            };
            none_failed(snapshot.networks().iter().filter_map(status).collect())
        })
    }

    /// CHECK of every network of a container, each with what was remembered of its set-up: also the interface, when the
    /// network has another number since then.
    ///
    /// # Errors
    /// The status and the code of the first network that failed; the causes have one error for each. As
    /// [`Cni::check_network_list`](crate::Cni::check_network_list).
    pub fn check(&self, ctx: &Context, container: &Container) -> Result<()> {
        timed(&self.0.metrics, Operation::Check, || {
            let snapshot = self.config();
            self.check_ready(&snapshot)?;
            let cni = self.cni();
            let mut attachments = container.attachments(&snapshot)?;
            Remembered::of(&cni, container)?.renumber(self, &mut attachments);
            let check = |attached: Attached<'_>| {
                let checked = timed(&self.0.metrics, Operation::NetworkCheck, || {
                    cni.check_network_list(ctx, attached.network.list(), &attached.rt)
                });
                checked.err().map(|error| attached.failed("check", error))
            };
            none_failed(attachments.into_iter().filter_map(check).collect())
        })
    }
}

fn none_failed(failures: Vec<Error>) -> Result<()> {
    if failures.is_empty() { Ok(()) } else { Err(joined(failures)) }
}
