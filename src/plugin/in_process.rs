//! A plugin inside the process: [`Plugin`] as [`InProcessPlugin`].

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::Plugin;
use super::log::Log;
use super::protocol::{self, Host};
use crate::error::Result;
use crate::exec::{Exec, ExecRequest, InProcessPlugin, Interruption, Outcome, Termination};

/// A [`Plugin`] for a [`Registry`](crate::exec::Registry): what [`Cni::with_plugin`](crate::Cni::with_plugin) makes of
/// it.
pub struct InProcess(Arc<dyn Plugin>);

impl InProcess {
    /// That plugin.
    pub fn new(plugin: Arc<dyn Plugin>) -> InProcess {
        InProcess(plugin)
    }
}

impl InProcessPlugin for InProcess {
    fn exec_plugin(&self, request: &ExecRequest<'_>, exec: &Arc<dyn Exec>) -> Result<Outcome> {
        let started = Instant::now();
        let outcome = |termination, interruption, stdout: Vec<u8>, log: &Log| Outcome {
            termination,
            interruption,
            stdout,
            stderr: log.take(),
            pid: None,
            duration: started.elapsed(),
        };
        let ExecRequest { command, stdin, env, limits, context, .. } = *request;
        let log = Arc::new(Log::kept(limits.max_output_bytes));
        // It cannot be ended once it runs, but it need not be begun.
        if let Some(why) = interruption(request, started) {
            let error = io::Error::other("it was too late to start the plugin");
            return Ok(outcome(Termination::NotStarted(error), Some(why), Vec::new(), &log));
        }
        let host = Host { env, exec, context, limits, log: &log };
        let answer = protocol::run(&*self.0, &host, &mut || Ok(stdin.into()));
        let mut stdout = answer.stdout.into_bytes();
        let over = command.returns_result() && stdout.len() > limits.max_output_bytes;
        stdout.truncate(limits.max_output_bytes);
        let interruption = over.then_some(Interruption::StdoutLimit);
        Ok(outcome(Termination::Exited(answer.exit_code.into()), interruption, stdout, &log))
    }
}

fn interruption(request: &ExecRequest<'_>, now: Instant) -> Option<Interruption> {
    if request.context.is_cancelled() {
        return Some(Interruption::Cancelled);
    }
    request.limits.deadline.is_some_and(|deadline| now >= deadline).then_some(Interruption::Timeout)
}
