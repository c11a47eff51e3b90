//! What is remembered of attachments, and DEL from what is remembered.

use std::path::Path;
use std::thread::available_parallelism;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::gc::runtime_conf_of;
use super::listed::Listed;
use super::prev_result::{self, PrevResult};
use super::{Cni, Target};
use crate::cache::{Lookup, Problem, Scan, check_key};
use crate::conf;
use crate::context::Context;
use crate::error::{Error, Result, Status};
use crate::parallel;
use crate::text;
use crate::types::attachment::{Attachment, AttachmentFilter, AttachmentKey, serialize_config};
use crate::types::network::{NetworkConfigList, PluginConfig};
use crate::types::result::CniResult;
use crate::types::runtime::RuntimeConf;

/// Several threads read what is remembered of many attachments, each at least that many files: what a thread costs is little
/// beside them.
const FILES_OF_A_THREAD: usize = 400;

/// The others of the host's processors stay the host's.
const MOST_THREADS: usize = 4;

/// The configuration of an ADD, and the runtime's side of it.
#[derive(Clone, Debug)]
pub struct CachedConfig {
    /// The bytes of the configuration, exactly as they were used.
    pub config: Vec<u8>,
    /// The caller's runtime configuration with the ADD's `args` (when it had any) and capability
    /// arguments.
    pub runtime_conf: RuntimeConf,
}

/// What became of one attachment in [`Cni::del_cached_attachments`].
#[derive(Debug)]
pub struct AttachmentReport {
    /// The attachment.
    pub attachment: AttachmentKey,
    /// Why it could not be deleted; `None` when it was.
    pub error: Option<Error>,
}

impl AttachmentReport {
    /// The same reports, when every attachment was deleted.
    ///
    /// # Errors
    /// Else one error with the first failure's status, whose causes are all failures.
    pub fn all_deleted(reports: Vec<AttachmentReport>) -> Result<Vec<AttachmentReport>> {
        if reports.iter().all(|report| report.error.is_none()) {
            return Ok(reports);
        }
        let failed = |AttachmentReport { attachment: key, error }: AttachmentReport| {
            error.map(|error| error.context(format_args!("failed to delete attachment {key}")))
        };
        let failures: Vec<Error> = reports.into_iter().filter_map(failed).collect();
        Error::joined(failures, "\n").map(|()| Vec::new())
    }
}

impl Cni {
    /// The remembered result of an ADD in the list's version, if there is one.
    ///
    /// # Errors
    /// [`Status::Cache`] when the cache cannot be read, or its entry is of no use.
    pub fn get_network_list_cached_result(
        &self,
        list: &NetworkConfigList,
        rt: &RuntimeConf,
    ) -> Result<Option<CniResult>> {
        self.cached_result(&Target::list(list), rt)
    }

    /// [`Cni::get_network_list_cached_result`] for one plugin on its own.
    ///
    /// # Errors
    /// As there.
    pub fn get_network_cached_result(
        &self,
        conf: &PluginConfig,
        rt: &RuntimeConf,
    ) -> Result<Option<CniResult>> {
        self.cached_result(&Target::single(conf), rt)
    }

    /// The remembered configuration of an ADD, if there is one.
    ///
    /// # Errors
    /// [`Status::Cache`] when the cache cannot be read, or its entry is of no use.
    pub fn get_network_list_cached_config(
        &self,
        list: &NetworkConfigList,
        rt: &RuntimeConf,
    ) -> Result<Option<CachedConfig>> {
        self.cached_config(&Target::list(list), rt)
    }

    /// [`Cni::get_network_list_cached_config`] for one plugin on its own.
    ///
    /// # Errors
    /// As there.
    pub fn get_network_cached_config(
        &self,
        conf: &PluginConfig,
        rt: &RuntimeConf,
    ) -> Result<Option<CachedConfig>> {
        self.cached_config(&Target::single(conf), rt)
    }

    /// The remembered attachments that match, sorted by the names of their files.
    ///
    /// # Errors
    /// [`Status::Cache`] when the cache cannot be read.
    pub fn get_cached_attachments(&self, filter: &AttachmentFilter) -> Result<Vec<Attachment>> {
        self.cached_attachments(None, filter)
    }

    /// The same as the C ABI's array. It is written while the files are read, without the attachments between.
    ///
    /// # Errors
    /// As there.
    pub fn get_cached_attachments_json(&self, filter: &AttachmentFilter) -> Result<String> {
        let Some(cache) = self.cache(None) else { return Ok(Listed::default().close()) };
        let write = |scan: Scan| {
            let mut listed = Listed::default();
            let skipped = scan.show(&mut |found| listed.add(&found))?;
            Ok((listed, skipped))
        };
        let scan = cache.scan(filter)?;
        let threads = match scan.len() {
            short if short < 2 * FILES_OF_A_THREAD => 1,
            _ => available_parallelism().map_or(1, usize::from).min(MOST_THREADS),
        };
        let written = match threads {
            1 => vec![write(scan)],
            _ => parallel::map(&Context::background(), scan.split(threads, FILES_OF_A_THREAD), write),
        };
        let (listed, skipped): (Vec<_>, Vec<_>) =
            written.into_iter().collect::<Result<Vec<_>>>()?.into_iter().unzip();
        skipped.iter().for_each(|skipped| self.report_skipped(skipped));
        Ok(Listed::join(listed).close())
    }

    fn report_skipped(&self, skipped: &[Problem]) {
        let ctx = Context::background();
        skipped.iter().for_each(|problem| self.report_problem(&ctx, problem));
    }

    /// [`Cni::get_cached_attachments`] in the cache of a call.
    pub(crate) fn cached_attachments(
        &self,
        of_call: Option<&Path>,
        filter: &AttachmentFilter,
    ) -> Result<Vec<Attachment>> {
        let Some(cache) = self.cache(of_call) else { return Ok(Vec::new()) };
        let listing = cache.attachments(filter)?;
        self.report_skipped(&listing.skipped);
        Ok(listing.attachments)
    }

    /// DEL of every remembered attachment that matches, with the configuration and the arguments of its
    /// ADD. Goes on after errors; the report has one entry for each attachment.
    ///
    /// # Errors
    /// [`Status::Cache`] when the cache cannot be read. A DEL that fails is in the report.
    pub fn del_cached_attachments(
        &self,
        ctx: &Context,
        filter: &AttachmentFilter,
    ) -> Result<Vec<AttachmentReport>> {
        let delete = |attachment: Attachment| {
            let error =
                self.del_cached(ctx, &attachment, None).err().map(|error| error.about(&attachment.key));
            AttachmentReport { attachment: attachment.key, error }
        };
        Ok(self.get_cached_attachments(filter)?.into_iter().map(delete).collect())
    }

    /// DEL of one, in the cache of a call.
    pub(crate) fn del_cached(
        &self,
        ctx: &Context,
        attachment: &Attachment,
        of_call: Option<&Path>,
    ) -> Result<()> {
        let rt = RuntimeConf { cache_dir: of_call.map(Path::to_owned), ..runtime_conf_of(attachment) };
        let name = &attachment.key.network_name;
        // A list, or the configuration of one plugin that was added on its own.
        match conf::network_conf_from_bytes(&attachment.config) {
            Ok(list) if !list.plugins.is_empty() => {
                self.del(ctx, &Target { name, ..Target::list(&list) }, &rt)
            }
            as_list => match (as_list, conf::plugin_conf_from_bytes(&attachment.config)) {
                (_, Ok(conf)) => self.del(ctx, &Target { name, ..Target::single(&conf) }, &rt),
                (Err(error), Err(_)) => Err(error.context("invalid cached configuration")),
                (Ok(_), Err(_)) => {
                    let message = "invalid cached configuration: no plugin configs found";
                    Err(Error::new(Status::InvalidConfig, message))
                }
            },
        }
    }

    fn cached_result(&self, target: &Target<'_>, rt: &RuntimeConf) -> Result<Option<CniResult>> {
        let key = target.key(rt);
        check_key(&key)?;
        let Some(cache) = self.cache(rt.cache_dir.as_deref()) else { return Ok(None) };
        match prev_result::cached(&cache, &key, target.cni_version) {
            Ok(PrevResult::Absent) => Ok(None),
            Ok(PrevResult::Known(result)) => Ok(Some(*result)),
            Ok(PrevResult::Unusable(error)) | Err(error) => Err(error.about(&key)),
        }
    }

    fn cached_config(&self, target: &Target<'_>, rt: &RuntimeConf) -> Result<Option<CachedConfig>> {
        let key = target.key(rt);
        check_key(&key)?;
        let Some(cache) = self.cache(rt.cache_dir.as_deref()) else { return Ok(None) };
        let network = text::quote(target.name);
        let unusable =
            |path: &Path, why: String| Err(Error::new(Status::Cache, why).at_path(path).about(&key));
        match cache.load(&key)? {
            Lookup::Absent => Ok(None),
            Lookup::Found(entry) => {
                let Attachment { config, args, capability_args, .. } = entry.attachment;
                let args = if args.is_empty() { rt.args.clone() } else { args };
                Ok(Some(CachedConfig {
                    config,
                    runtime_conf: RuntimeConf { args, capability_args, ..rt.clone() },
                }))
            }
            Lookup::Legacy(legacy) => {
                let why = format!("read cached network {network} config has wrong kind: {}", legacy.kind);
                unusable(cache.dir(), why)
            }
            Lookup::Corrupt(problem) => {
                let why = format!("failed to unmarshal cached network {network} config: {problem}");
                unusable(&problem.path, why)
            }
        }
    }
}

/// The form of the C ABI.
impl Serialize for CachedConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        serialize_config(&mut map, &self.config)?;
        map.serialize_entry("runtimeConf", &self.runtime_conf)?;
        map.end()
    }
}

/// The form of the C ABI's report.
impl Serialize for AttachmentReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("attachment", &self.attachment)?;
        map.serialize_entry("deleted", &self.error.is_none())?;
        if let Some(error) = &self.error {
            map.serialize_entry("error", error)?;
        }
        map.end()
    }
}
