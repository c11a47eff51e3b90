//! Operations wait for each other: on one attachment, and ADD and DEL for GC of their network.

use std::path::Path;
use std::time::Instant;

use super::Cni;
use crate::cache::Guard;
use crate::context::{Context, HeldLocks};
use crate::error::{Error, Result};
use crate::types::attachment::AttachmentKey;
use crate::types::command::Command;

/// Locks, until it goes out of scope.
pub(super) struct Locked {
    ctx: Context,
    _guards: [Option<Guard>; 2],
}

impl Locked {
    /// The context of what runs under the locks: plugins and callbacks that carry it do not wait for them.
    pub(super) fn context(&self) -> &Context {
        &self.ctx
    }
}

impl Cni {
    /// Locks an attachment for a command, within the deadline.
    pub(super) fn lock_attachment(
        &self,
        ctx: &Context,
        command: Command,
        cache_dir: Option<&Path>,
        key: &AttachmentKey,
        deadline: Option<Instant>,
    ) -> Result<Locked> {
        let Some(cache) = self.cache(cache_dir).filter(|_| self.options().locking) else {
            return Ok(Locked { ctx: ctx.clone(), _guards: [None, None] });
        };
        let about = |error: Error| error.with(|facts| facts.command = Some(command.name())).about(key);
        let mut held = self.held_locks(ctx);
        // CHECK changes nothing that GC looks at.
        let network = match command {
            Command::Check => None,
            _ => {
                let guard = cache.lock_network_shared(&key.network_name, ctx, deadline, &held);
                Some(guard.map_err(about)?)
            }
        };
        held = held.and(network.as_ref().and_then(Guard::id));
        let attachment = cache.lock_attachment(key, ctx, deadline, &held).map_err(about)?;
        held = held.and(attachment.id());
        Ok(Locked { ctx: ctx.holding(held), _guards: [Some(attachment), network] })
    }

    /// Locks a network for GC, within the deadline.
    pub(super) fn lock_network(
        &self,
        ctx: &Context,
        name: &str,
        deadline: Option<Instant>,
    ) -> Result<Locked> {
        let Some(cache) = self.cache(None).filter(|_| self.options().locking) else {
            return Ok(Locked { ctx: ctx.clone(), _guards: [None, None] });
        };
        let held = self.held_locks(ctx);
        let network = cache
            .lock_network_exclusive(name, ctx, deadline, &held)
            .map_err(|error| error.with(|facts| facts.command = Some(Command::Gc.name())))?;
        Ok(Locked { ctx: ctx.holding(held.and(network.id())), _guards: [Some(network), None] })
    }

    /// The locks of those that this call runs inside of: through the context, or as their plugin.
    fn held_locks(&self, ctx: &Context) -> HeldLocks {
        if ctx.held().is_empty() { self.inherited_locks().clone() } else { ctx.held().clone() }
    }
}
