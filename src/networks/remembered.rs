//! What the cache remembers of a container, beside the networks that are loaded now: files come and go while containers
//! live, and with them the numbers of the interfaces.

use super::Networks;
use super::container::{Attached, Container};
use crate::cni::Cni;
use crate::error::Result;
use crate::types::attachment::{Attachment, AttachmentFilter};

/// The remembered attachments of one container.
#[derive(Default)]
pub(super) struct Remembered(Vec<Attachment>);

impl Remembered {
    /// # Errors
    /// [`Status::Cache`](crate::Status::Cache) when the cache cannot be read.
    pub(super) fn of(cni: &Cni, container: &Container) -> Result<Remembered> {
        let filter = AttachmentFilter {
            container_id: Some(container.container_id.clone()),
            ..AttachmentFilter::default()
        };
        Ok(Remembered(cni.cached_attachments(container.cache_dir.as_deref(), &filter)?))
    }

    pub(super) fn has(&self, network: &str, if_name: &str) -> bool {
        self.0.iter().any(|known| known.key.network_name == network && known.key.if_name == if_name)
    }

    /// Whether that interface is another network's.
    pub(super) fn is_of_another(&self, network: &str, if_name: &str) -> bool {
        self.0.iter().any(|known| known.key.network_name != network && known.key.if_name == if_name)
            && !self.has(network, if_name)
    }

    /// Gives each network the interface that it was set up with, where its number is another one by now.
    pub(super) fn renumber(&self, networks: &Networks, attachments: &mut [Attached<'_>]) {
        for at in 0..attachments.len() {
            let Attached { network, rt, is_named } = &attachments[at];
            if *is_named || self.has(network.name(), &rt.if_name) {
                continue;
            }
            let was = self.0.iter().find(|known| {
                known.key.network_name == network.name()
                    && networks.gives_name(&known.key.if_name)
                    && !attachments.iter().any(|attached| attached.is(known))
            });
            if let Some(known) = was {
                attachments[at].rt.if_name.clone_from(&known.key.if_name);
            }
        }
    }

    /// Those that are none of these.
    pub(super) fn beyond(&self, attachments: &[Attached<'_>]) -> impl Iterator<Item = &Attachment> {
        self.0.iter().filter(|known| !attachments.iter().any(|attached| attached.is(known)))
    }
}

impl Attached<'_> {
    fn is(&self, known: &Attachment) -> bool {
        known.key.network_name == self.network.name() && known.key.if_name == self.rt.if_name
    }
}

impl Networks {
    /// Whether an interface has a name that this layer gives: the prefix and a number.
    pub(super) fn gives_name(&self, if_name: &str) -> bool {
        let number = if_name.strip_prefix(&self.0.options.interface_prefix);
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }
}
