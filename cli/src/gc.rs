//! `gc`: which attachments are valid, and what becomes of the others.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cni::cni::{GcArgs, GcAttachment};
use cni::{
    Attachment, AttachmentFilter, AttachmentKey, Error, NetworkConfigList, Result, RuntimeConf, Status,
};
use serde::Serialize;

use crate::Call;
use crate::answer::Answer;
use crate::container::{absolute, container_id, may_live};
use crate::settings::has_flag;
use crate::table::Part;

/// The answer. Attachments that other programs made meanwhile are not in it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Collected<'a> {
    dry_run: bool,
    deleted: Vec<&'a AttachmentKey>,
    kept: Vec<&'a AttachmentKey>,
    /// The plugins that are asked to remove what belongs to no valid attachment.
    plugins: Vec<String>,
}

pub(crate) fn gc(call: &Call<'_>) -> Result<Answer> {
    let list = call.network()?;
    let filter =
        AttachmentFilter { network_name: Some(list.name().to_owned()), ..AttachmentFilter::default() };
    let cached = call.cni.get_cached_attachments(&filter)?;
    let dry_run = has_flag(call.matches, "dry-run");
    let given = given(call)?;
    if list.disable_gc() {
        let note = format!("the network {} switches GC off (disableGC): nothing is done", list.name());
        return Ok(answer(dry_run, &cached, |_| true, Vec::new())?.noting(note));
    }
    let valid_attachments = match (given, has_flag(call.matches, "all")) {
        (Some(given), _) => Some(given),
        (None, true) => None,
        (None, false) if cached.is_empty() => {
            let note = format!(
                "the cache knows no attachment to {}: nothing is done; which are valid say --valid, --valid-file, \
                 --keep or --all",
                list.name()
            );
            return Ok(answer(dry_run, &[], |_| true, Vec::new())?.noting(note));
        }
        (None, false) => Some(cached.iter().filter(|&attachment| may_live(attachment)).map(key).collect()),
    };
    let plugins = plugins(call, &list)?;
    let valid: HashSet<GcAttachment> = valid_attachments.iter().flatten().cloned().collect();
    if !dry_run {
        call.cni.gc_network_list(call.context, &list, &GcArgs { valid_attachments })?;
    }
    answer(dry_run, &cached, |attachment| valid.contains(&key(attachment)), plugins)
}

/// The valid attachments that the command line names; `None` when it names no set at all.
fn given(call: &Call<'_>) -> Result<Option<Vec<GcAttachment>>> {
    let texts = |name| call.matches.get_many::<String>(name).into_iter().flatten();
    let file = call.matches.get_one::<PathBuf>("valid-file");
    if texts("valid").chain(texts("keep")).next().is_none() && file.is_none() {
        return Ok(None);
    }
    let mut valid = texts("valid").map(|text| parse(text)).collect::<Result<Vec<_>>>()?;
    for netns in texts("keep") {
        let container_id = container_id(&absolute(netns)?);
        valid.push(GcAttachment { container_id, if_name: call.settings.if_name.clone() });
    }
    if let Some(file) = file {
        valid.extend(read(file)?);
    }
    Ok(Some(valid))
}

/// `ID:IFNAME`; neither has a colon of its own.
fn parse(text: &str) -> Result<GcAttachment> {
    match text.split_once(':') {
        Some((id, if_name)) if !id.is_empty() && !if_name.is_empty() && !if_name.contains(':') => {
            Ok(GcAttachment { container_id: id.to_owned(), if_name: if_name.to_owned() })
        }
        _ => {
            let message = format!("invalid --valid \"{text}\": expected ID:IFNAME, as in c1:eth0");
            Err(Error::new(Status::InvalidArgument, message))
        }
    }
}

/// The attachments of a file: an array of objects with `containerId` and `ifName`.
fn read(path: &Path) -> Result<Vec<GcAttachment>> {
    let unreadable = |error: std::io::Error| {
        Error::new(Status::Io, format!("error reading {}: {error}", path.display())).at_path(path)
    };
    let mut text = String::new();
    match path.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    }
    .map_err(unreadable)?;
    let wrong = |error: Error| error.context(format_args!("--valid-file {}", path.display())).at_path(path);
    let args = GcArgs::from_json(&format!("{{\"validAttachments\":{text}\n}}")).map_err(wrong)?;
    args.valid_attachments.ok_or_else(|| {
        wrong(Error::new(
            Status::InvalidArgument,
            "expected an array of attachments, found null; for none give --all",
        ))
    })
}

fn key(attachment: &Attachment) -> GcAttachment {
    let AttachmentKey { container_id, if_name, .. } = &attachment.key;
    GcAttachment { container_id: container_id.clone(), if_name: if_name.clone() }
}

/// The plugins that GC asks; none below version 1.1.0.
fn plugins(call: &Call<'_>, list: &NetworkConfigList) -> Result<Vec<String>> {
    let requests = call.cni.render_network_list("GC", list, &RuntimeConf::default())?;
    Ok(requests.into_iter().map(|request| request.plugin).collect())
}

fn answer(
    dry_run: bool,
    cached: &[Attachment],
    is_valid: impl Fn(&Attachment) -> bool,
    plugins: Vec<String>,
) -> Result<Answer> {
    let (kept, stale): (Vec<&Attachment>, Vec<&Attachment>) =
        cached.iter().partition(|&attachment| is_valid(attachment));
    let row = |attachment: &Attachment, fate: &str| {
        let AttachmentKey { container_id, if_name, .. } = &attachment.key;
        [fate, container_id.as_str(), if_name, &attachment.netns].map(str::to_owned).to_vec()
    };
    let deleted = if dry_run { "would be deleted" } else { "deleted" };
    let mut rows: Vec<Vec<String>> = stale.iter().map(|stale| row(stale, deleted)).collect();
    rows.extend(kept.iter().map(|kept| row(kept, "kept")));
    let parts = vec![Part::Table(vec!["FATE", "CONTAINER", "INTERFACE", "NETNS"], rows)];
    let keys = |attachments: Vec<&'_ Attachment>| {
        attachments.iter().map(|each| each.key.clone()).collect::<Vec<_>>()
    };
    let (deleted, kept) = (keys(stale), keys(kept));
    let value =
        Collected { dry_run, deleted: deleted.iter().collect(), kept: kept.iter().collect(), plugins };
    Answer::new(&value, parts)
}
