//! GC of a network (specification, section 2, "GC").

use std::collections::HashSet;
use std::time::Instant;

use serde::Serialize;

use super::call::{Call, Parameters};
use super::{Cni, Target};
use crate::cache::{Cache, Scanned};
use crate::conf::{self, Injected};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::types::attachment::{Attachment, AttachmentFilter, AttachmentKey};
use crate::types::command::Command;
use crate::types::network::NetworkConfigList;
use crate::types::runtime::RuntimeConf;
use crate::types::shape::{self, Member, Shape, Value};
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
        shape::read("gc arguments", text)
    }
}

impl Shape for GcArgs {
    fn read(value: Value<'_>) -> shape::Result<GcArgs> {
        let mut args = GcArgs::default();
        shape::object(value, &mut [Member::required("validAttachments", &mut args.valid_attachments)])?;
        Ok(args)
    }
}

impl Shape for GcAttachment {
    fn read(value: Value<'_>) -> shape::Result<GcAttachment> {
        let (mut container_id, mut if_name) = (String::new(), String::new());
        shape::part_of_object(
            value,
            &mut [
                Member::required("containerId", &mut container_id),
                Member::required("ifName", &mut if_name),
            ],
        )?;
        Ok(GcAttachment { container_id, if_name })
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
        let ctx = &ctx.until(deadline);
        let locks = self.lock_network(ctx, &list.name, deadline)?;
        let ctx = locks.context();
        let mut failures = Vec::new();
        if let Some(cache) = self.cache(None) {
            self.delete_stale_attachments(ctx, &cache, list, args, deadline, &mut failures)?;
        }
        // A malformed version has no GC.
        if Version::parse(&list.cni_version).is_ok_and(|version| version >= version::WITH_GC_AND_STATUS) {
            let attachments = match &args.valid_attachments {
                Some(valid) => shape::print(valid).ok(),
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

    /// One attachment at a time: there may be a hundred thousand.
    fn delete_stale_attachments(
        &self,
        ctx: &Context,
        cache: &Cache,
        list: &NetworkConfigList,
        args: &GcArgs,
        deadline: Option<Instant>,
        failures: &mut Vec<Error>,
    ) -> Result<()> {
        let valid: HashSet<(&str, &str)> = args
            .valid_attachments
            .iter()
            .flatten()
            .map(|valid| (valid.container_id.as_str(), valid.if_name.as_str()))
            .collect();
        let filter =
            AttachmentFilter { network_name: Some(list.name.clone()), ..AttachmentFilter::default() };
        for found in cache.scan(&filter)? {
            let attachment = match found? {
                Scanned::Attachment(attachment) => attachment,
                Scanned::Skipped(problem) => {
                    self.report_problem(ctx, &problem);
                    continue;
                }
            };
            let AttachmentKey { container_id, if_name, .. } = &attachment.key;
            if valid.contains(&(container_id.as_str(), if_name.as_str())) {
                continue;
            }
            if let Err(error) = self.delete_stale(ctx, cache, list, &attachment, deadline) {
                let prefix = format!("failed to delete stale attachment {container_id} {if_name}");
                failures.push(error.context(prefix));
            }
        }
        Ok(())
    }

    /// DEL with the list of the ADD, unless the given one has more plugins.
    fn delete_stale(
        &self,
        ctx: &Context,
        cache: &Cache,
        list: &NetworkConfigList,
        attachment: &Attachment,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let cached = conf::network_conf_from_bytes(&attachment.config).ok();
        let list =
            cached.as_ref().filter(|cached| cached.plugins.len() >= list.plugins.len()).unwrap_or(list);
        let rt = runtime_conf_of(attachment);
        let cache = cache.clone().for_operation();
        let locks = self.lock_attachment(ctx, Command::Del, Some(&cache), &attachment.key, deadline)?;
        // The cached list is outside data: the attachment is the one that was found, whatever name it says.
        let target = Target { name: &attachment.key.network_name, ..Target::list(list) };
        self.del_locked(locks.context(), &target, &rt, &attachment.key, Some(&cache), deadline)
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
