//! ADD, CHECK and DEL of one attachment (specification, section 3).

use std::path::PathBuf;
use std::time::Instant;

use serde_json::value::RawValue;

use super::call::{Call, Parameters, after};
use super::prev_result::{self, PrevResult};
use super::{Cni, Form, Target};
use crate::cache::{Cache, Lookup, Record, check_key};
use crate::conf::Injected;
use crate::context::Context;
use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::attachment::AttachmentKey;
use crate::types::command::Command;
use crate::types::identity;
use crate::types::result::CniResult;
use crate::types::runtime::RuntimeConf;
use crate::version::{self, Version};

impl Target<'_> {
    pub(super) fn key(&self, rt: &RuntimeConf) -> AttachmentKey {
        AttachmentKey {
            container_id: rt.container_id.clone(),
            network_name: self.name.to_owned(),
            if_name: rt.if_name.clone(),
        }
    }

    pub(super) fn injected<'i>(&'i self, rt: &'i RuntimeConf, prev_result: Option<&'i str>) -> Injected<'i> {
        Injected {
            name: self.name,
            cni_version: self.cni_version,
            prev_result,
            capability_args: Some(&rt.capability_args),
            valid_attachments: None,
        }
    }

    /// The error of one plugin of a list, with the plugin described in the text.
    fn describe(&self, error: Error, index: usize, verb: &str) -> Error {
        if self.form == Form::Single {
            return error;
        }
        let plugin = &self.plugins[index];
        let mut description = format!("type={}", text::quote(self.plugin_type(index)));
        if !plugin.name().is_empty() {
            description = format!("{description} name={}", text::quote(plugin.name()));
        }
        error.context(format_args!("plugin {description} failed ({verb})"))
    }

    /// Whether the version has CHECK, and passes prevResult to DEL.
    ///
    /// # Errors
    /// [`Status::InvalidConfig`] when the version is malformed.
    pub(super) fn has_check(&self) -> Result<bool> {
        Ok(Version::parse(self.cni_version)? >= version::WITH_CHECK)
    }
}

/// What an ADD made.
pub(super) struct Added {
    pub result: CniResult,
    /// The result as JSON, as the cache has it.
    pub text: String,
}

impl Cni {
    pub(super) fn add(&self, ctx: &Context, target: &Target<'_>, rt: &RuntimeConf) -> Result<Added> {
        identity::check_no_nul(rt)?;
        identity::check_args(&rt.args)?;
        if target.plugins.is_empty() {
            let message = format!("network {} has no plugins", text::quote(target.name));
            return Err(Error::new(Status::InvalidConfig, message));
        }
        let deadline = self.deadline(ctx);
        Addition { cni: self, target, rt, key: target.key(rt), deadline }.run(&ctx.until(deadline))
    }

    pub(super) fn check(&self, ctx: &Context, target: &Target<'_>, rt: &RuntimeConf) -> Result<()> {
        if !self.check_is_due(target)? {
            return Ok(());
        }
        identity::check_no_nul(rt)?;
        let deadline = self.deadline(ctx);
        let ctx = &ctx.until(deadline);
        let key = target.key(rt);
        check_key(&key)?;
        let cache = self.cache(rt.cache_dir.as_deref()).map(Cache::for_operation);
        let locks = self.lock_attachment(ctx, Command::Check, cache.as_ref(), &key, deadline)?;
        let prev_result =
            self.prev_result_to_check(target, rt, &key, cache.as_ref())?.map(|result| result.to_json());
        let call = Call::new(self, locks.context(), Command::Check, &Parameters::of(rt), deadline);
        let injected = target.injected(rt, prev_result.as_deref());
        for index in 0..target.plugins.len() {
            call.step(target, index, &injected)
                .map_err(|error| target.in_plugin(call.command, index, error).about(&key))?;
        }
        Ok(())
    }

    /// Whether CHECK has anything to do.
    ///
    /// # Errors
    /// [`Status::CheckNotSupported`] when the version is too old for it.
    pub(super) fn check_is_due(&self, target: &Target<'_>) -> Result<bool> {
        if !target.has_check()? {
            let version = text::quote(target.cni_version);
            let message = format!("configuration version {version} does not support the CHECK command");
            return Err(Error::new(Status::CheckNotSupported, message));
        }
        Ok(!target.disable_check)
    }

    /// What CHECK passes on; nothing only for a host that keeps nothing and passes nothing.
    pub(super) fn prev_result_to_check(
        &self,
        target: &Target<'_>,
        rt: &RuntimeConf,
        key: &AttachmentKey,
        cache: Option<&Cache>,
    ) -> Result<Option<CniResult>> {
        if let Some(result) = &rt.prev_result {
            return prev_result::given(result, target.cni_version).map(Some);
        }
        let Some(cache) = cache else { return Ok(None) };
        let failed = |error: Error| {
            let network = text::quote(target.name);
            error.context(format_args!("failed to get network {network} cached result")).about(key)
        };
        match prev_result::cached(cache, key, target.cni_version).map_err(failed)? {
            PrevResult::Known(result) => Ok(Some(*result)),
            PrevResult::Unusable(error) => Err(failed(error)),
            PrevResult::Absent => {
                let message = format!(
                    "container {} has no attachment to network {} with interface {}: it was never added, or is deleted",
                    text::quote(&key.container_id),
                    text::quote(&key.network_name),
                    text::quote(&key.if_name)
                );
                Err(Error::new(Status::NotAdded, message).about(key))
            }
        }
    }

    pub(super) fn del(&self, ctx: &Context, target: &Target<'_>, rt: &RuntimeConf) -> Result<()> {
        let deadline = self.deadline(ctx);
        let ctx = &ctx.until(deadline);
        target.has_check()?;
        let key = target.key(rt);
        identity::check_no_nul(rt)?;
        check_key(&key)?;
        let cache = self.cache(rt.cache_dir.as_deref()).map(Cache::for_operation);
        let locks = self.lock_attachment(ctx, Command::Del, cache.as_ref(), &key, deadline)?;
        self.del_locked(locks.context(), target, rt, &key, cache.as_ref(), deadline)
    }

    /// DEL of an attachment that this call has locked already.
    pub(super) fn del_locked(
        &self,
        ctx: &Context,
        target: &Target<'_>,
        rt: &RuntimeConf,
        key: &AttachmentKey,
        cache: Option<&Cache>,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let prev_result = self.prev_result_to_delete(target, rt, key, cache)?;
        let known = match &prev_result {
            PrevResult::Known(result) => Some(result.to_json()),
            PrevResult::Absent | PrevResult::Unusable(_) => None,
        };
        let call = Call::new(self, ctx, Command::Del, &Parameters::of(rt), deadline);
        for index in (0..target.plugins.len()).rev() {
            delete_step(&call, target, index, rt, known.as_deref()).map_err(|error| error.about(key))?;
        }
        let Some(cache) = cache else { return Ok(()) };
        let corrupt = cache.remove(key).map_err(|error| error.about(key))?;
        self.report_corrupt(ctx, &corrupt);
        Ok(())
    }

    /// What DEL passes on: a file of no use does not stand in the way of deleting.
    pub(super) fn prev_result_to_delete(
        &self,
        target: &Target<'_>,
        rt: &RuntimeConf,
        key: &AttachmentKey,
        cache: Option<&Cache>,
    ) -> Result<PrevResult> {
        if !target.has_check()? {
            return Ok(PrevResult::Absent);
        }
        if let Some(result) = &rt.prev_result {
            let result = prev_result::given(result, target.cni_version)?;
            return Ok(PrevResult::Known(Box::new(result)));
        }
        match cache {
            Some(cache) => prev_result::cached(cache, key, target.cni_version).map_err(|error| {
                let network = text::quote(target.name);
                error.context(format_args!("failed to get network {network} cached result")).about(key)
            }),
            None => Ok(PrevResult::Absent),
        }
    }
}

/// A result's text, which was printed here, as what errors and conversions take.
fn checked(result: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(result.to_owned()).ok()
}

/// DEL of the plugin at `index`.
fn delete_step(
    call: &Call<'_>,
    target: &Target<'_>,
    index: usize,
    rt: &RuntimeConf,
    prev_result: Option<&str>,
) -> Result<()> {
    match call.step(target, index, &target.injected(rt, prev_result)) {
        Ok(_) => Ok(()),
        Err(error) => Err(target.describe(target.in_plugin(call.command, index, error), index, "delete")),
    }
}

/// One ADD.
struct Addition<'a> {
    cni: &'a Cni,
    target: &'a Target<'a>,
    rt: &'a RuntimeConf,
    key: AttachmentKey,
    deadline: Option<Instant>,
}

impl Addition<'_> {
    fn run(&self, ctx: &Context) -> Result<Added> {
        let preflight = self.cni.options().preflight;
        // Whatever is wrong with the input shows before anything is locked, written or run.
        let found = self.find_programs(ctx, if preflight { self.target.plugins.len() } else { 1 })?;
        let cache = self.cni.cache(self.rt.cache_dir.as_deref()).map(Cache::for_operation);
        let locks = self.cni.lock_attachment(ctx, Command::Add, cache.as_ref(), &self.key, self.deadline)?;
        let ctx = locks.context();
        if let Some(cache) = cache.as_ref().filter(|_| preflight) {
            cache.check_writable(&self.key).map_err(|error| self.cache_error(error))?;
        }
        // An attachment that was there before is not this call's to take back.
        let rollback = self.cni.options().rollback
            && match &cache {
                Some(cache) => matches!(cache.load(&self.key)?, Lookup::Absent),
                None => true,
            };
        let call = Call::new(self.cni, ctx, Command::Add, &Parameters::of(self.rt), self.deadline);
        // While nothing has run, there is nothing to roll back.
        call.check_time().map_err(|error| self.in_plugin(0, error))?;
        let mut last = None;
        let outcome = self.run_plugins(&call, &found, &mut last);
        let outcome = outcome.and_then(|result| {
            let Some(cache) = cache else { return Ok(result) };
            let corrupt = cache.store_record(&self.record(last.as_deref())).map_err(|error| {
                self.cache_error(error).with(|facts| facts.result = last.as_deref().and_then(checked))
            })?;
            self.cni.report_corrupt(ctx, &corrupt);
            Ok(result)
        });
        match outcome {
            Ok(result) => Ok(Added { result, text: last.unwrap_or_default() }),
            Err(error) if rollback => Err(self.roll_back(ctx, error, last.as_deref())),
            Err(error) => Err(error),
        }
    }

    /// Runs the plugins. `last` is the JSON text of the last result, also when a later plugin fails.
    fn run_plugins(
        &self,
        call: &Call<'_>,
        found: &[PathBuf],
        last: &mut Option<String>,
    ) -> Result<CniResult> {
        let run = |index: usize, prev_result: Option<&str>| {
            let path = match found.get(index) {
                Some(path) => path.clone(),
                None => self.cni.find(call.ctx, Command::Add, self.target.plugin_type(index))?,
            };
            let stdout =
                call.step_found(self.target, index, &path, &self.target.injected(self.rt, prev_result))?;
            CniResult::from_plugin_output(&stdout, self.target.cni_version)
                .map_err(|error| error.at_path(&path).with(|facts| facts.stdout = text::tail(&stdout)))
        };
        let mut result = None;
        for index in 0..self.target.plugins.len() {
            let next = run(index, last.as_deref()).map_err(|error| self.in_plugin(index, error))?;
            *last = Some(next.to_json());
            result = Some(next);
        }
        // `add` refuses a list without plugins.
        result.ok_or_else(|| Error::new(Status::Internal, "an ADD ran no plugin"))
    }

    /// Finds the programs of the first `count` plugins. Behind the first one the names are looked at,
    /// as in the original.
    fn find_programs(&self, ctx: &Context, count: usize) -> Result<Vec<PathBuf>> {
        let find = |index: usize| {
            let path = self.cni.find(ctx, Command::Add, self.target.plugin_type(index)).and_then(|path| {
                if index == 0 {
                    identity::validate(self.target.name, self.rt)?;
                }
                Ok(path)
            });
            path.map_err(|error| self.in_plugin(index, error))
        };
        (0..count).map(find).collect()
    }

    fn in_plugin(&self, index: usize, error: Error) -> Error {
        let error = self.target.in_plugin(Command::Add, index, error);
        self.target.describe(error, index, "add").about(&self.key)
    }

    fn cache_error(&self, error: Error) -> Error {
        let network = text::quote(self.target.name);
        error.context(format_args!("failed to set network {network} cached result")).about(&self.key)
    }

    fn record<'r>(&'r self, result: Option<&'r str>) -> Record<'r> {
        Record {
            key: &self.key,
            netns: &self.rt.netns,
            config: self.rt.cache_config.as_deref().unwrap_or(self.target.bytes),
            args: &self.rt.args,
            capability_args: &self.rt.capability_args,
            result,
        }
    }

    /// DEL of the whole list after a failed ADD, under a deadline of its own: the failure may have been
    /// the deadline. The ADD's error stays the error; what the DEL could not undo is among its causes.
    fn roll_back(&self, ctx: &Context, error: Error, last: Option<&str>) -> Error {
        let deadline = after(self.cni.options().rollback_timeout);
        let ctx = ctx.uncancelled().until(deadline);
        let call = Call::new(self.cni, &ctx, Command::Del, &Parameters::of(self.rt), deadline);
        let prev_result = match self.target.has_check() {
            Ok(true) => last
                .and_then(checked)
                .and_then(|result| prev_result::given(&result, self.target.cni_version).ok()),
            _ => None,
        };
        let prev_result = prev_result.map(|result| result.to_json());
        let failures: Vec<Error> = (0..self.target.plugins.len())
            .rev()
            .filter_map(|index| delete_step(&call, self.target, index, self.rt, prev_result.as_deref()).err())
            .map(|failure| failure.about(&self.key))
            .collect();
        if failures.is_empty() {
            return error;
        }
        let texts: Vec<&str> = failures.iter().map(Error::message).collect();
        let message = format!("{}; rollback failed: {}", error.message(), texts.join("; "));
        error.with(|facts| {
            facts.message = message;
            facts.causes.extend(failures);
        })
    }
}
