//! Attachments on disk: nothing lost, nothing leaked, nothing outside.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod children;
mod crash;
mod listing;
mod locks;
mod planted;
mod state;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cni::cache::{Cache, Entry, Lookup};
use cni::types::attachment::{Attachment, AttachmentKey};
use serde_json::value::RawValue;

fn key(network: &str, container: &str, interface: &str) -> AttachmentKey {
    AttachmentKey {
        container_id: container.to_owned(),
        network_name: network.to_owned(),
        if_name: interface.to_owned(),
    }
}

/// An attachment whose netns, configuration and result all tell the same `mark`.
fn entry(key: &AttachmentKey, mark: &str) -> Entry {
    let value = |text: String| RawValue::from_string(text).unwrap();
    Entry {
        attachment: Attachment {
            key: key.clone(),
            netns: mark.to_owned(),
            config: format!("{{\"mark\":\"{mark}\"}}").into_bytes(),
            args: vec![("mark".to_owned(), mark.to_owned())],
            capability_args: BTreeMap::from([("mark".to_owned(), value(format!("[ \"{mark}\" ]")))]),
        },
        result: Some(value(format!("{{\"cniVersion\":\"1.1.0\", \"mark\":\"{mark}\"}}"))),
    }
}

/// The mark of what is stored; every part of the file must agree on it.
fn mark(cache: &Cache, key: &AttachmentKey) -> Option<String> {
    match cache.load(key).unwrap() {
        Lookup::Absent => None,
        Lookup::Found(found) => {
            let mark = found.attachment.netns.clone();
            assert_eq!(format!("{:?}", *found), format!("{:?}", entry(key, &mark)));
            Some(mark)
        }
        other => panic!("{other:?}"),
    }
}

/// The names in a directory, sorted; none when there is no such directory.
fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn results(cache: &Cache) -> PathBuf {
    cache.dir().join("results")
}

fn plain_path(cache: &Cache, key: &AttachmentKey) -> PathBuf {
    results(cache).join(format!("{}-{}-{}", key.network_name, key.container_id, key.if_name))
}

fn temporary_files(cache: &Cache) -> Vec<String> {
    names(&cache.dir().join(".libcni/tmp"))
}

/// Writes a file as the original does: in place.
fn write_in_place(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Makes the last change of a file older than the time for which a corrupt one is left alone.
fn age(path: &Path) {
    let past = SystemTime::now() - Duration::from_secs(11);
    fs::File::options().write(true).open(path).unwrap().set_modified(past).unwrap();
}
