//! What the command line and the environment say of one container, by the rules of the original cnitool.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use cni::{Attachment, AttachmentFilter, Error, NetworkConfigList, Result, RuntimeConf, Status};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha512};

use crate::Call;
use crate::settings::{text, variable};

impl Call<'_> {
    /// The container of the command line.
    ///
    /// Without a network namespace, the attachment in the cache that `--container-id` names tells it.
    pub(crate) fn container(&self, list: &NetworkConfigList) -> Result<RuntimeConf> {
        let given = self.text("container-id");
        let netns = match (self.text("netns").filter(|netns| !netns.is_empty()), given) {
            (Some(netns), _) => absolute(netns)?,
            (None, Some(id)) => self.netns_of(list, id)?,
            (None, None) => {
                let message =
                    "which container? give NETNS, the path of its network namespace, or --container-id";
                return Err(Error::new(Status::InvalidArgument, message));
            }
        };
        Ok(RuntimeConf {
            container_id: given.map_or_else(|| container_id(&netns), str::to_owned),
            if_name: self.settings.if_name.clone(),
            args: self.args()?,
            capability_args: self.capability_args()?,
            netns,
            ..RuntimeConf::default()
        })
    }

    fn netns_of(&self, list: &NetworkConfigList, id: &str) -> Result<String> {
        let filter = AttachmentFilter {
            container_id: Some(id.to_owned()),
            network_name: Some(list.name().to_owned()),
            if_name: Some(self.settings.if_name.clone()),
        };
        let found = self.cni.get_cached_attachments(&filter)?;
        Ok(found.into_iter().next().map_or_else(String::new, |Attachment { netns, .. }| netns))
    }

    fn args(&self) -> Result<Vec<(String, String)>> {
        let given: Vec<&String> = self.matches.get_many("args").into_iter().flatten().collect();
        let (name, texts) = match given.is_empty() {
            true => ("CNI_ARGS", variable("CNI_ARGS")?.into_iter().collect()),
            false => ("--args", given.into_iter().cloned().collect::<Vec<String>>()),
        };
        texts.iter().flat_map(|text| text.split(';')).map(|pair| key_and_value(name, pair)).collect()
    }

    fn capability_args(&self) -> Result<BTreeMap<String, Box<RawValue>>> {
        let (name, given) = match text(self.matches, "cap-args") {
            Some(given) => ("--cap-args", Some(given.to_owned())),
            None => ("CAP_ARGS", variable("CAP_ARGS")?),
        };
        let Some(given) = given else { return Ok(BTreeMap::new()) };
        let args: Option<BTreeMap<String, Box<RawValue>>> =
            serde_json::from_str(&given).map_err(|error| {
                let message = format!("invalid {name}: expected a JSON object: {error}");
                Error::new(Status::InvalidArgument, message)
            })?;
        Ok(args.unwrap_or_default())
    }
}

/// One pair of `KEY=VALUE;KEY2=VALUE2`.
fn key_and_value(name: &str, pair: &str) -> Result<(String, String)> {
    match pair.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() && !value.contains('=') => {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => {
            let message = format!("invalid {name} pair \"{pair}\": expected KEY=VALUE;KEY2=VALUE2");
            Err(Error::new(Status::InvalidArgument, message))
        }
    }
}

/// The container id that stands for a network namespace.
pub(crate) fn container_id(netns: &str) -> String {
    let hash = Sha512::digest(netns.as_bytes());
    let digits = hash.iter().take(10).map(|byte| format!("{byte:02x}"));
    format!("cnitool-{}", digits.collect::<String>())
}

/// The absolute path, without `.`, `..` and empty elements: resolved by text alone, as the original does.
pub(crate) fn absolute(path: &str) -> Result<String> {
    let unknown = |error: std::io::Error| {
        let message = format!("cannot tell the absolute path of {path}: {error}");
        Error::new(Status::Io, message).at_path(path)
    };
    let mut clean = PathBuf::from("/");
    for component in std::path::absolute(Path::new(path)).map_err(unknown)?.components() {
        match component {
            Component::ParentDir => drop(clean.pop()),
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    clean.into_os_string().into_string().map_err(|path| {
        let message = format!("the path {} is not valid UTF-8", path.to_string_lossy());
        Error::new(Status::InvalidArgument, message)
    })
}

/// Whether the network namespace of an attachment may still be there. Only what the system says is not there is gone:
/// a path that may not be looked at is there, and so is the one of an attachment that tells none.
pub(crate) fn may_live(attachment: &Attachment) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let Attachment { netns, .. } = attachment;
    netns.is_empty()
        || !std::fs::metadata(netns).is_err_and(|error| matches!(error.kind(), NotFound | NotADirectory))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn container_ids_are_those_of_the_original() {
        assert_eq!(container_id("/run/netns/c1"), "cnitool-20b4ff582526573bbe7d");
    }

    #[test]
    fn paths_are_made_absolute_by_text_alone() {
        for (path, wanted) in [
            ("/run/netns/c1", "/run/netns/c1"),
            ("//run/./x/..//netns/c1/", "/run/netns/c1"),
            ("/../a", "/a"),
            ("/", "/"),
        ] {
            assert_eq!(absolute(path).unwrap(), wanted, "{path}");
        }
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute("x/../c1").unwrap(), here.join("c1").to_str().unwrap());
    }
}
