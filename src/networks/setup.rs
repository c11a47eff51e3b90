//! Attaching a container to its networks, and what happens when one of them fails.

use std::path::Path;

use super::container::{Attached, Container};
use super::metrics::Operation;
use super::remembered::Remembered;
use super::result::SetupResult;
use super::{Networks, timed};
use crate::cni::Cni;
use crate::context::Context;
use crate::error::{Error, Result, Status, code};
use crate::text;
use crate::types::identity;
use crate::types::result::CniResult;

impl Networks {
    /// Attaches a container to its networks: loopback first, then the others in their order, one after the other or,
    /// with `parallel`, at the same time. Everything that can be wrong with the container is looked at before the
    /// first plugin runs.
    ///
    /// # Errors
    /// The status and the code of the first network that failed; the causes have one error for each, then those of
    /// detaching the container again, unless `undo` is off. What the container was attached to before this call is
    /// left alone.
    pub fn setup(&self, ctx: &Context, container: &Container) -> Result<SetupResult> {
        timed(&self.0.metrics, Operation::Setup, || {
            let snapshot = self.config();
            self.check_ready(&snapshot)?;
            let attachments = container.attachments(&snapshot)?;
            self.validate(container, &attachments)?;
            // Later there may be something to undo.
            ctx.check_time(ctx.deadline())?;
            let cni = self.cni();
            // What was there before is not this call's to take back. An entry of no use, which the ADD replaces, tells
            // nothing.
            let was_there = |Attached { network, rt, .. }: &Attached<'_>| {
                cni.get_network_list_cached_config(network.list(), rt).ok().map(|cached| cached.is_some())
            };
            let was_there: Vec<Option<bool>> = attachments.iter().map(was_there).collect();
            let parallel = container.parallel.unwrap_or(self.0.options.parallel);
            let outcomes = self.attach(ctx, &cni, &attachments, parallel);
            let mut setup = SetupResult::default();
            let (mut failures, mut undo) = (Vec::new(), Vec::new());
            for ((attached, outcome), was_there) in attachments.iter().zip(outcomes).zip(was_there) {
                // Where nobody knows, an ADD that succeeds does so because it was not there.
                if !was_there.unwrap_or(outcome.is_err()) {
                    undo.push(attached);
                }
                let added = outcome
                    .and_then(|result| setup.add(attached.network.name(), &attached.rt.if_name, result));
                failures.extend(added.err().map(|error| attached.failed("set up", error)));
            }
            if failures.is_empty() {
                return Ok(setup);
            }
            Err(self.undo(ctx, &cni, container, &undo, failures))
        })
    }

    /// The outcome of each network that was tried: of all, or up to the first one that failed.
    fn attach(
        &self,
        ctx: &Context,
        cni: &Cni,
        attachments: &[Attached<'_>],
        parallel: bool,
    ) -> Vec<Result<CniResult>> {
        let add = |Attached { network, rt, .. }: &Attached<'_>| {
            timed(&self.0.metrics, Operation::NetworkSetup, || cni.add_network_list(ctx, network.list(), rt))
        };
        let mut outcomes = Vec::with_capacity(attachments.len());
        // Loopback takes part in nothing that could be waited for, and others may need it.
        let first = attachments.iter().take_while(|attached| !parallel || attached.network.is_loopback());
        for attached in first {
            let outcome = add(attached);
            let failed = outcome.is_err();
            outcomes.push(outcome);
            if failed {
                return outcomes;
            }
        }
        let rest = &attachments[outcomes.len()..];
        if !rest.is_empty() {
            outcomes.extend(crate::parallel::map(ctx, rest, add));
        }
        outcomes
    }

    /// Detaches from what was just attached, in whole or in part, last first; the error of it all.
    fn undo(
        &self,
        ctx: &Context,
        cni: &Cni,
        container: &Container,
        attachments: &[&Attached<'_>],
        failures: Vec<Error>,
    ) -> Error {
        let mut failures = failures;
        if self.0.options.undo {
            // The failure may have been the deadline or the cancellation.
            let ctx = ctx.uncancelled().within(self.0.options.undo_timeout);
            // A network may have failed because its interface is another's, which a DEL would take away.
            let remembered = Remembered::of(cni, container).unwrap_or_default();
            for attached in attachments.iter().rev() {
                let Attached { network, rt, .. } = attached;
                if remembered.is_of_another(network.name(), &rt.if_name) {
                    continue;
                }
                let deleted = timed(&self.0.metrics, Operation::NetworkRemove, || {
                    cni.del_network_list(&ctx, network.list(), rt)
                });
                failures.extend(deleted.err().map(|error| attached.failed("undo the set-up of", error)));
            }
        }
        joined(failures)
    }

    fn validate(&self, container: &Container, attachments: &[Attached<'_>]) -> Result<()> {
        identity::container_id(&container.container_id)?;
        for Attached { network, rt, .. } in attachments {
            check_names(network.name(), &rt.if_name)
                .map_err(|error| error.context(format_args!("network {}", text::quote(network.name()))))?;
        }
        if !self.0.options.check_netns {
            return Ok(());
        }
        let netns = |message: String| {
            Error::new(Status::InvalidArgument, message).with(|facts| facts.code = code::INVALID_NETNS)
        };
        if container.netns.is_empty() {
            return Err(netns(String::from("the container has no network namespace: netns is empty")));
        }
        match Path::new(&container.netns).metadata() {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(netns(format!("the network namespace {} does not exist", container.netns))
                    .at_path(&container.netns))
            }
            Err(error) => {
                Err(netns(format!("the network namespace {} cannot be used: {error}", container.netns))
                    .at_path(&container.netns))
            }
        }
    }
}

impl Attached<'_> {
    /// The error of this network, of all those of a container.
    pub(super) fn failed(&self, what: &str, error: Error) -> Error {
        let key = crate::types::attachment::AttachmentKey {
            container_id: self.rt.container_id.clone(),
            network_name: self.network.name().to_owned(),
            if_name: self.rt.if_name.clone(),
        };
        let (network, interface) = (text::quote(self.network.name()), text::quote(&self.rt.if_name));
        error
            .context(format_args!("failed to {what} network {network} for interface {interface}"))
            .about(&key)
    }
}

/// Whether a network and an interface have names that an ADD takes.
pub(super) fn check_names(network: &str, if_name: &str) -> Result<()> {
    identity::network(network)?;
    identity::interface(if_name)
        .map_err(|error| error.context(format_args!("interface {}", text::quote(if_name))))
}

/// One error of several, which has the facts of the first.
pub(super) fn joined(failures: Vec<Error>) -> Error {
    match Error::joined(failures, "; ") {
        Err(error) => error,
        Ok(()) => Error::new(Status::Internal, "a failure without an error"),
    }
}
