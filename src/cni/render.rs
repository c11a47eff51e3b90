//! The requests of an operation without running anything.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::call::Parameters;
use super::prev_result::PrevResult;
use super::{Cni, Target};
use crate::cache::check_key;
use crate::conf::{self, Injected};
use crate::context::Context;
use crate::error::{Error, Result, Status};
use crate::text;
use crate::types::command::Command;
use crate::types::identity;
use crate::types::network::NetworkConfigList;
use crate::types::runtime::RuntimeConf;
use crate::version::{self, Version};

/// What one plugin would be run with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderedRequest {
    /// The plugin's type.
    pub plugin: String,
    /// Its program.
    pub path: String,
    /// The protocol's variables (`CNI_*`); the rest of the environment is left out.
    #[serde(serialize_with = "as_object")]
    pub env: Vec<(&'static str, String)>,
    /// Its stdin.
    pub stdin: Box<RawValue>,
    /// Whether the run would also have a prevResult, which only running the plugins before it can tell.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub needs_prev_result: bool,
}

fn as_object<S: Serializer>(pairs: &[(&str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

impl Cni {
    /// What `command` (`ADD`, `CHECK`, `DEL`, `GC` or `STATUS`) would run on a network, in the order of
    /// execution. Plugins are looked for, and the cache is read; nothing runs and nothing is written.
    ///
    /// # Errors
    /// As the operation itself, as far as it can tell without running a plugin.
    pub fn render_network_list(
        &self,
        command: &str,
        list: &NetworkConfigList,
        rt: &RuntimeConf,
    ) -> Result<Vec<RenderedRequest>> {
        let target = Target::list(list).found_as(rt)?;
        let command =
            Command::from_name(command).filter(|command| *command != Command::Version).ok_or_else(|| {
                let message = format!(
                    "unknown command {}: expected ADD, CHECK, DEL, GC or STATUS",
                    text::quote(command)
                );
                Error::new(Status::InvalidArgument, message)
            })?;
        identity::check_no_nul(rt)?;
        let prev_result = match self.plan(command, &target, list, rt)? {
            Plan::Nothing => return Ok(Vec::new()),
            Plan::Run { prev_result } => prev_result,
        };
        let of_container = matches!(command, Command::Add | Command::Check | Command::Del);
        let injected = Injected {
            capability_args: of_container.then_some(&rt.capability_args),
            ..target.injected(rt, prev_result.as_deref())
        };
        let parameters = if of_container { Parameters::of(rt) } else { Parameters::none() };
        let render = |index: usize| {
            let plugin = &target.plugins[index];
            let path = self.find(&Context::background(), command, target.plugin_type(index))?;
            let stdin = conf::derive(plugin, &injected)?;
            let not_json =
                |error| Error::new(Status::Internal, format!("a derived request is not JSON: {error}"));
            Ok(RenderedRequest {
                plugin: target.plugin_type(index).to_owned(),
                path: path.to_string_lossy().into_owned(),
                env: parameters
                    .variables(command, &self.options().plugin_dirs)
                    .map(|(name, value)| (name, value.into_owned()))
                    .into(),
                stdin: RawValue::from_string(stdin).map_err(not_json)?,
                needs_prev_result: command == Command::Add && index > 0,
            })
        };
        let render = |index| render(index).map_err(|error| target.in_plugin(command, index, error));
        let count = target.plugins.len();
        let in_order = |index| if command == Command::Del { count - 1 - index } else { index };
        (0..count).map(in_order).map(render).collect()
    }

    /// The gates of each operation, and what it passes on.
    fn plan(
        &self,
        command: Command,
        target: &Target<'_>,
        list: &NetworkConfigList,
        rt: &RuntimeConf,
    ) -> Result<Plan> {
        let key = target.key(rt);
        let with = |result: Option<String>| Ok(Plan::Run { prev_result: result });
        match command {
            Command::Add => {
                identity::check_args(&rt.args)?;
                identity::validate(target.name, rt)?;
                with(None)
            }
            Command::Check if !self.check_is_due(target)? => Ok(Plan::Nothing),
            Command::Check => {
                check_key(&key)?;
                with(
                    self.prev_result_to_check(
                        target,
                        rt,
                        &key,
                        self.cache(rt.cache_dir.as_deref()).as_ref(),
                    )?
                    .map(|result| result.to_json()),
                )
            }
            Command::Del => {
                check_key(&key)?;
                let cache = self.cache(rt.cache_dir.as_deref());
                match self.prev_result_to_delete(target, rt, &key, cache.as_ref())? {
                    PrevResult::Known(result) => with(Some(result.to_json())),
                    PrevResult::Absent | PrevResult::Unusable(_) => with(None),
                }
            }
            Command::Gc | Command::Status | Command::Version => {
                let known =
                    Version::parse(target.cni_version).is_ok_and(|v| v >= version::WITH_GC_AND_STATUS);
                let off = command == Command::Gc && list.disable_gc;
                if known && !off { with(None) } else { Ok(Plan::Nothing) }
            }
        }
    }
}

enum Plan {
    Nothing,
    Run { prev_result: Option<String> },
}
