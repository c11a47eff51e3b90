//! Operations wait for each other: on one attachment, and ADD and DEL for GC of their network.

use std::time::Instant;

use super::Cni;
use crate::cache::{Cache, Guard};
use crate::context::{Context, HeldLocks};
use crate::error::{Error, Result};
use crate::types::attachment::AttachmentKey;
use crate::types::command::Command;

/// Locks, until it goes out of scope.
pub(super) struct Locked {
    ctx: Context,
    _guard: Option<Guard>,
}

impl Locked {
    /// The context of what runs under the locks: plugins and callbacks that carry it do not wait for them.
    pub(super) fn context(&self) -> &Context {
        &self.ctx
    }

    fn none(ctx: &Context) -> Locked {
        Locked { ctx: ctx.clone(), _guard: None }
    }

    fn new(ctx: &Context, held: HeldLocks, guard: Guard) -> Locked {
        let held = guard.ids().fold(held, HeldLocks::and);
        Locked { ctx: ctx.holding(held), _guard: Some(guard) }
    }
}

impl Cni {
    /// Locks an attachment in that cache for a command, within the deadline.
    pub(super) fn lock_attachment(
        &self,
        ctx: &Context,
        command: Command,
        cache: Option<&Cache>,
        key: &AttachmentKey,
        deadline: Option<Instant>,
    ) -> Result<Locked> {
        let Some(cache) = cache.filter(|_| self.options().locking) else { return Ok(Locked::none(ctx)) };
        let held = self.held_locks(ctx);
        // CHECK changes nothing that GC looks at.
        let guard = match command {
            Command::Check => cache.lock_attachment(key, ctx, deadline, &held),
            _ => cache.lock_network_and_attachment(key, ctx, deadline, &held),
        };
        let about = |error: Error| error.with(|facts| facts.command = Some(command.name())).about(key);
        Ok(Locked::new(ctx, held, guard.map_err(about)?))
    }

    /// Locks a network for GC, within the deadline.
    pub(super) fn lock_network(
        &self,
        ctx: &Context,
        name: &str,
        deadline: Option<Instant>,
    ) -> Result<Locked> {
        let Some(cache) = self.cache(None).filter(|_| self.options().locking) else {
            return Ok(Locked::none(ctx));
        };
        let held = self.held_locks(ctx);
        let network = cache
            .lock_network_exclusive(name, ctx, deadline, &held)
            .map_err(|error| error.with(|facts| facts.command = Some(Command::Gc.name())))?;
        Ok(Locked::new(ctx, held, network))
    }

    /// The locks of those that this call runs inside of: through the context, or as their plugin.
    fn held_locks(&self, ctx: &Context) -> HeldLocks {
        if ctx.held().is_empty() { self.inherited_locks().clone() } else { ctx.held().clone() }
    }
}
