//! GC of a network (specification, section 2, "GC").

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::call::{Call, Parameters};
use super::{Cni, Target};
use crate::conf::{self, Injected};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::types::attachment::{Attachment, AttachmentFilter};
use crate::types::command::Command;
use crate::types::network::NetworkConfigList;
use crate::types::runtime::RuntimeConf;
use crate::types::shape;
use crate::version::{self, Version};

/// Which attachments of a network are still valid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GcArgs {
    /// The valid attachments; all others are stale. `None` says on purpose that every one is stale, and
    /// leaves the plugins without a list to compare with.
    pub valid_attachments: Option<Vec<GcAttachment>>,
}

/// An attachment, as plugins are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct GcAttachment {
    /// The container's id.
    #[serde(rename = "containerID")]
    pub container_id: String,
    /// The interface's name inside the container.
    #[serde(rename = "ifname")]
    pub if_name: String,
}

impl GcArgs {
    /// Reads the `args` of `libcni_gc_network_list`. The key `validAttachments` must be there; its
    /// elements may have more keys, so that attachments can be passed as they were returned.
    ///
    /// # Errors
    /// [`Status::InvalidArgument`](crate::Status::InvalidArgument), with the key and the place.
    pub fn from_json(text: &str) -> Result<GcArgs> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct ArgsShape {
            #[serde(deserialize_with = "Option::deserialize")]
            valid_attachments: Option<Vec<AttachmentShape>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct AttachmentShape {
            container_id: String,
            if_name: String,
        }
        let shape: ArgsShape = shape::read("gc arguments", text)?;
        let attachment = |shape: AttachmentShape| {
            let AttachmentShape { container_id, if_name } = shape;
            GcAttachment { container_id, if_name }
        };
        let valid_attachments =
            shape.valid_attachments.map(|array| array.into_iter().map(attachment).collect());
        Ok(GcArgs { valid_attachments })
    }
}

impl Cni {
    /// GC: deletes the remembered attachments of the network that are not valid any more, then, from
    /// version 1.1.0, has every plugin remove what belongs to none of the valid ones.
    ///
    /// Every step is tried. A valid set that was computed before a concurrent ADD does not have the new
    /// attachment, which this call then deletes: compute it while no ADD of the network runs.
    ///
    /// # Errors
    /// The first failure's status; the causes are all failures.
    pub fn gc_network_list(&self, ctx: &Context, list: &NetworkConfigList, args: &GcArgs) -> Result<()> {
        if list.disable_gc {
            return Ok(());
        }
        let deadline = self.deadline(ctx);
        let locks = self.lock_network(ctx, &list.name, deadline)?;
        let ctx = locks.context();
        let mut failures = Vec::new();
        for attachment in self.stale_attachments(&list.name, args)? {
            let key = attachment.key.clone();
            if let Err(error) = self.delete_stale(ctx, list, attachment, deadline) {
                let prefix =
                    format!("failed to delete stale attachment {} {}", key.container_id, key.if_name);
                failures.push(error.context(prefix));
            }
        }
        // A malformed version has no GC.
        if Version::parse(&list.cni_version).is_ok_and(|version| version >= version::WITH_GC_AND_STATUS) {
            let attachments = match &args.valid_attachments {
                Some(valid) => serde_json::to_string(valid).ok(),
                None => None,
            };
            let target = Target::list(list);
            let call = Call::new(self, ctx, Command::Gc, &Parameters::none(), deadline);
            let injected = Injected {
                name: &list.name,
                cni_version: &list.cni_version,
                valid_attachments: attachments.as_deref(),
                ..Injected::default()
            };
            for (index, plugin) in list.plugins.iter().enumerate() {
                if let Err(error) = call.step(&target, index, &injected) {
                    let prefix = format!("failed to GC plugin {}", plugin.plugin_type());
                    failures.push(target.in_plugin(Command::Gc, index, error).context(prefix));
                }
            }
        }
        Error::joined(failures, "\n")
    }

    fn stale_attachments(&self, network: &str, args: &GcArgs) -> Result<Vec<Attachment>> {
        let Some(cache) = self.cache(None) else { return Ok(Vec::new()) };
        let valid: HashSet<(&str, &str)> = args
            .valid_attachments
            .iter()
            .flatten()
            .map(|valid| (valid.container_id.as_str(), valid.if_name.as_str()))
            .collect();
        let filter =
            AttachmentFilter { network_name: Some(network.to_owned()), ..AttachmentFilter::default() };
        let is_stale = |attachment: &Attachment| {
            !valid.contains(&(attachment.key.container_id.as_str(), attachment.key.if_name.as_str()))
        };
        Ok(cache.attachments(&filter)?.attachments.into_iter().filter(is_stale).collect())
    }

    /// DEL with the list of the ADD, unless the given one has more plugins.
    fn delete_stale(
        &self,
        ctx: &Context,
        list: &NetworkConfigList,
        attachment: Attachment,
        deadline: Option<std::time::Instant>,
    ) -> Result<()> {
        let cached = conf::network_conf_from_bytes(&attachment.config).ok();
        let list =
            cached.as_ref().filter(|cached| cached.plugins.len() >= list.plugins.len()).unwrap_or(list);
        let rt = runtime_conf_of(&attachment);
        let locks = self.lock_attachment(ctx, Command::Del, None, &attachment.key, deadline)?;
        // The cached list is outside data: the attachment is the one that was found, whatever name it says.
        let target = Target { name: &attachment.key.network_name, ..Target::list(list) };
        self.del_locked(locks.context(), &target, &rt, &attachment.key, deadline)
    }
}

/// The runtime's side of a DEL as the ADD had it.
pub(super) fn runtime_conf_of(attachment: &Attachment) -> RuntimeConf {
    RuntimeConf {
        container_id: attachment.key.container_id.clone(),
        netns: attachment.netns.clone(),
        if_name: attachment.key.if_name.clone(),
        args: attachment.args.clone(),
        capability_args: attachment.capability_args.clone(),
        ..RuntimeConf::default()
    }
}
