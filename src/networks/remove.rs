//! Detaching a container from its networks, whatever became of them meanwhile.

use super::container::{Attached, Container};
use super::metrics::Operation;
use super::setup::joined;
use super::{Networks, Snapshot, timed};
use crate::cni::Cni;
use crate::conf;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::text;
use crate::types::attachment::{AttachmentFilter, AttachmentKey};

impl Networks {
    /// Detaches a container from its networks, in the reverse order of the set-up, and goes on after failures. A
    /// container that is detached already is fine; its network namespace may be gone, or not be named.
    ///
    /// What was remembered of the set-up counts: a network is deleted with the configuration that it was set up with,
    /// also when its file was changed, or is gone, since then.
    ///
    /// # Errors
    /// The status and the code of the first network that failed; the causes have one error for each. Those can be
    /// tried again; the others are done.
    pub fn remove(&self, ctx: &Context, container: &Container) -> Result<()> {
        timed(&self.0.metrics, Operation::Remove, || {
            let snapshot = self.config();
            let cni = self.cni();
            let attachments = container.attachments(&snapshot)?;
            let mut failures = Vec::new();
            for attached in attachments.iter().rev() {
                let deleted =
                    timed(&self.0.metrics, Operation::NetworkRemove, || delete(&cni, ctx, attached));
                failures.extend(deleted.err().map(|error| attached.failed("remove", error)));
            }
            if container.networks.is_none() {
                self.remove_unloaded(&cni, ctx, container, &snapshot, &mut failures);
            }
            if failures.is_empty() { Ok(()) } else { Err(joined(failures)) }
        })
    }

    /// The attachments of networks that are not loaded any more: those with an interface as this layer names them.
    fn remove_unloaded(
        &self,
        cni: &Cni,
        ctx: &Context,
        container: &Container,
        snapshot: &Snapshot,
        failures: &mut Vec<Error>,
    ) {
        let of_container = AttachmentFilter {
            container_id: Some(container.container_id.clone()),
            ..AttachmentFilter::default()
        };
        let attachments = match cni.get_cached_attachments(&of_container) {
            Ok(attachments) => attachments,
            Err(error) => {
                failures.push(error.context("failed to look for further networks of the container"));
                return;
            }
        };
        for attachment in attachments {
            let AttachmentKey { network_name, if_name, .. } = &attachment.key;
            if snapshot.networks().iter().any(|network| network.name() == network_name)
                || !self.names(if_name)
            {
                continue;
            }
            let this_one = AttachmentFilter {
                network_name: Some(network_name.clone()),
                if_name: Some(if_name.clone()),
                ..of_container.clone()
            };
            let deleted = timed(&self.0.metrics, Operation::NetworkRemove, || {
                crate::cni::AttachmentReport::all_deleted(cni.del_cached_attachments(ctx, &this_one)?)
            });
            let name = text::quote(network_name);
            failures.extend(deleted.err().map(|error| {
                error.context(format_args!("failed to remove network {name}, which is not loaded any more"))
            }));
        }
    }

    /// Whether an interface has a name that this layer gives.
    fn names(&self, if_name: &str) -> bool {
        let number = if_name.strip_prefix(&self.0.options.interface_prefix);
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }
}

/// DEL with the configuration of the ADD, where there is one.
fn delete(cni: &Cni, ctx: &Context, Attached { network, rt }: &Attached<'_>) -> Result<()> {
    // An entry that is of no use is DEL's own business.
    if let Ok(Some(cached)) = cni.get_network_list_cached_config(network.list(), rt)
        && let Ok(list) = conf::network_conf_from_bytes(&cached.config)
        && list.name() == network.name()
        && !list.plugins().is_empty()
    {
        return cni.del_network_list(ctx, &list, &cached.runtime_conf);
    }
    cni.del_network_list(ctx, network.list(), rt)
}
