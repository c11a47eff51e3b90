//! [`OwnedRequest`]: a request that another language can hold on to.

use std::sync::Arc;

use super::log::Log;
use super::protocol::Host;
use super::request::{Request, Variables};
use crate::context::Context;
use crate::error::Result;
use crate::exec::{Environment, Exec, Limits};
use crate::types::command::Command;

/// A copy of a [`Request`] that borrows nothing, for plugins in languages whose objects live as long as they like.
///
/// It may outlive the call; what is logged after the call is lost then.
pub struct OwnedRequest {
    command: Command,
    env: Environment,
    network: String,
    cni_version: String,
    stdin: Vec<u8>,
    config: String,
    exec: Arc<dyn Exec>,
    context: Context,
    limits: Limits,
    log: Arc<Log>,
}

impl Request<'_> {
    /// A copy that borrows nothing.
    pub fn to_owned_request(&self) -> OwnedRequest {
        let host = self.host();
        OwnedRequest {
            command: self.command(),
            env: self.environment().clone(),
            network: self.network_name().to_owned(),
            cni_version: self.cni_version().to_owned(),
            stdin: self.stdin().to_owned(),
            config: self.config_text().to_owned(),
            exec: self.exec().clone(),
            context: host.context.clone(),
            limits: host.limits,
            log: host.log.clone(),
        }
    }
}

impl OwnedRequest {
    /// The request itself, with everything that it can do.
    ///
    /// # Errors
    /// Those of `ask`.
    pub fn with<T>(&self, ask: impl FnOnce(&Request<'_>) -> Result<T>) -> Result<T> {
        let OwnedRequest { command, env, network, cni_version, stdin, config, exec, context, limits, log } =
            self;
        let host = Host { env, exec, context, limits: *limits, log };
        let variables = Variables::new(env);
        ask(&Request::new(*command, variables, network, cni_version, stdin, config, &host)?)
    }
}
