//! `networks`, `attachments` and `list`: what there is.

use std::path::{Path, PathBuf};

use cni::conf::{self, LoadedNetworks};
use cni::{Attachment, AttachmentFilter, NetworkConfigList, Result};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Call;
use crate::answer::Answer;
use crate::container::{absolute, may_live};
use crate::json;
use crate::settings::has_flag;
use crate::table::Part;

#[derive(Serialize)]
struct Networks {
    networks: Vec<Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<Vec<Remembered>>,
    errors: Vec<Broken>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Network {
    path: String,
    /// The file of the same name's network that is used in place of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_by: Option<String>,
    list: Box<RawValue>,
}

#[derive(Serialize)]
struct Broken {
    path: String,
    message: String,
}

/// An attachment as the C ABI has it, and whether its network namespace may still be there.
#[derive(Serialize)]
struct Remembered {
    #[serde(flatten)]
    attachment: Attachment,
    live: bool,
}

pub(crate) fn networks(call: &Call<'_>) -> Result<Answer> {
    let loaded = conf::load_network_confs(&call.settings.conf_dir)?;
    answer(call, &loaded, None)
}

pub(crate) fn everything(call: &Call<'_>) -> Result<Answer> {
    let loaded = conf::load_network_confs(&call.settings.conf_dir)?;
    let attachments = call.cni.get_cached_attachments(&AttachmentFilter::default())?;
    answer(call, &loaded, Some(attachments))
}

fn answer(call: &Call<'_>, loaded: &LoadedNetworks, attachments: Option<Vec<Attachment>>) -> Result<Answer> {
    let mut rows = Vec::new();
    let mut networks = Vec::new();
    for (path, list) in &loaded.networks {
        let hidden_by = hidden_by(loaded, path, list.name()).map(|other| other.display().to_string());
        let types: Vec<&str> = list.plugins().iter().map(|plugin| plugin.plugin_type()).collect();
        let hidden = hidden_by.as_ref().map_or_else(String::new, |other| format!(" (hidden by {other})"));
        let file = format!("{}{hidden}", path.display());
        rows.push(vec![list.name().to_owned(), list.cni_version().to_owned(), types.join(" "), file]);
        networks.push(Network {
            path: path.display().to_string(),
            hidden_by,
            list: json::raw(list.bytes())?,
        });
    }
    let errors: Vec<Broken> = loaded
        .errors
        .iter()
        .map(|(path, error)| Broken { path: path.display().to_string(), message: error.message().to_owned() })
        .collect();
    let broken = errors.iter().map(|each| vec![each.path.clone(), each.message.clone()]);
    let mut parts = vec![Part::Table(vec!["NETWORK", "VERSION", "PLUGINS", "FILE"], rows)];
    parts.extend(attachments.as_deref().map(table));
    parts.push(Part::Table(vec!["NOT LOADED", "WHY"], broken.collect()));
    let nothing = networks.is_empty() && errors.is_empty();
    let attachments = attachments.map(|found| found.into_iter().map(remembered).collect());
    let answer = Answer::new(&Networks { networks, attachments, errors }, parts)?;
    Ok(match nothing {
        true => answer.noting(no_networks_in(&call.settings.conf_dir)),
        false => answer,
    })
}

/// What is said of a directory of configurations that has nothing to list.
pub(crate) fn no_networks_in(dir: &Path) -> String {
    let why = match dir.exists() {
        true => "it has no .conflist, .conf or .json file",
        false => "it does not exist",
    };
    format!("there are no networks in {}: {why}", dir.display())
}

/// The file that a call by name takes in place of this one: `.conflist` files come first.
pub(crate) fn hidden_by<'a>(loaded: &'a LoadedNetworks, path: &Path, name: &str) -> Option<&'a PathBuf> {
    let is_list = |path: &Path| path.extension().is_some_and(|extension| extension == "conflist");
    let same = |(_, list): &&(PathBuf, NetworkConfigList)| list.name() == name;
    let in_lists = loaded.networks.iter().filter(same).find(|(path, _)| is_list(path));
    let used = in_lists.or_else(|| loaded.networks.iter().find(same));
    used.map(|(used, _)| used).filter(|used| *used != path)
}

pub(crate) fn attachments(call: &Call<'_>) -> Result<Answer> {
    let filter = AttachmentFilter {
        container_id: call.text("container-id").map(str::to_owned),
        network_name: call.text("network").map(str::to_owned),
        if_name: call.text("ifname").filter(|name| !name.is_empty()).map(str::to_owned),
    };
    let netns = call.text("netns").map(absolute).transpose()?;
    let gone = has_flag(call.matches, "gone");
    let mut found = call.cni.get_cached_attachments(&filter)?;
    found.retain(|attachment| {
        netns.as_ref().is_none_or(|netns| *netns == attachment.netns) && !(gone && may_live(attachment))
    });
    let parts = vec![table(&found)];
    let found: Vec<Remembered> = found.into_iter().map(remembered).collect();
    Answer::new(&found, parts)
}

fn remembered(attachment: Attachment) -> Remembered {
    let live = may_live(&attachment);
    Remembered { attachment, live }
}

fn table(attachments: &[Attachment]) -> Part {
    let row = |attachment: &Attachment| {
        let gone = if may_live(attachment) { "" } else { " (gone)" };
        let netns = format!("{}{gone}", attachment.netns);
        let key = &attachment.key;
        vec![key.container_id.clone(), key.network_name.clone(), key.if_name.clone(), netns]
    };
    Part::Table(vec!["CONTAINER", "NETWORK", "INTERFACE", "NETNS"], attachments.iter().map(row).collect())
}
