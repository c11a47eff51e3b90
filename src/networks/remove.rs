//! Detaching a container from its networks, whatever became of them meanwhile.

use super::container::{Attached, Container, ContainerNetwork};
use super::metrics::Operation;
use super::remembered::Remembered;
use super::setup::joined;
use super::{Networks, timed};
use crate::cni::{CacheDir, Cni};
use crate::conf;
use crate::context::Context;
use crate::error::Result;
use crate::text;
use crate::types::attachment::Attachment;

impl Networks {
    /// Detaches a container from its networks, in the reverse order of the set-up, and goes on after failures. A
    /// container that is detached already is fine; its network namespace may be gone, or not be named.
    ///
    /// What was remembered of the set-up counts: a network is deleted with the configuration and the interface that it
    /// was set up with, also when its file was changed, has another place, or is gone, since then.
    ///
    /// # Errors
    /// The status and the code of the first network that failed; the causes have one error for each. Those can be
    /// tried again; the others are done. [`Status::NetworkNotFound`](crate::Status::NetworkNotFound) for a network that
    /// the container names when it is not loaded, and there is no cache that could remember it.
    pub fn remove(&self, ctx: &Context, container: &Container) -> Result<()> {
        timed(&self.0.metrics, Operation::Remove, || {
            let snapshot = self.config();
            let cni = self.cni();
            let (remembered, unreadable) = match Remembered::of(&cni, container) {
                Ok(remembered) => (remembered, None),
                Err(error) => (Remembered::default(), Some(error)),
            };
            let (mut attachments, unknown) = container.known_and_unknown(&snapshot);
            remembered.renumber(self, &mut attachments);
            let mut failures = Vec::new();
            for attached in attachments.iter().rev() {
                let deleted =
                    timed(&self.0.metrics, Operation::NetworkRemove, || delete(&cni, ctx, attached));
                failures.extend(deleted.err().map(|error| attached.failed("remove", error)));
            }
            let unreadable =
                unreadable.map(|error| error.context("failed to look for further networks of the container"));
            failures.extend(unreadable);
            // Of all networks, those with an interface as this layer names them; else those that are named.
            let is_wanted = |known: &&Attachment| match &container.networks {
                None => self.gives_name(&known.key.if_name),
                Some(_) => unknown.iter().any(|own| self.may_be(own, known)),
            };
            for known in remembered.beyond(&attachments).filter(is_wanted) {
                let deleted = timed(&self.0.metrics, Operation::NetworkRemove, || {
                    cni.del_cached(ctx, known, container.cache_dir.as_deref())
                });
                let name = text::quote(&known.key.network_name);
                failures.extend(deleted.err().map(|error| {
                    let what = format!("failed to remove network {name}, which is not loaded any more");
                    error.context(what).about(&known.key)
                }));
            }
            if cni.options().cache_dir == CacheDir::Nowhere {
                failures.extend(unknown.iter().map(|own| own.is_not_loaded(&snapshot)));
            }
            if failures.is_empty() { Ok(()) } else { Err(joined(failures)) }
        })
    }

    /// Whether that is the attachment to a network that a container names.
    fn may_be(&self, own: &ContainerNetwork, known: &Attachment) -> bool {
        let if_name = &known.key.if_name;
        own.name == known.key.network_name
            && own.if_name.as_ref().map_or_else(|| self.gives_name(if_name), |named| named == if_name)
    }
}

/// DEL with the configuration of the ADD, where there is one.
fn delete(cni: &Cni, ctx: &Context, Attached { network, rt, .. }: &Attached<'_>) -> Result<()> {
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
