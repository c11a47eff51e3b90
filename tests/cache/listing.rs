//! Which attachments are listed, and which files are not even opened.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use cni::cache::{Cache, Scanned};
use cni::cni::{Event, Observer};
use cni::exec::process::ProcessExec;
use cni::types::attachment::{AttachmentFilter, AttachmentKey};
use cni::{CacheDir, Cni, CniOptions, Context, Status};

use crate::{entry, key, names, plain_path, results, write_in_place};

fn filter(network: &str, container: &str, interface: &str) -> AttachmentFilter {
    let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    AttachmentFilter { network_name: part(network), container_id: part(container), if_name: part(interface) }
}

fn listed(cache: &Cache, filter: &AttachmentFilter) -> Vec<AttachmentKey> {
    let listing = cache.attachments(filter).unwrap();
    assert_eq!(listing.skipped, []);
    listing.attachments.into_iter().map(|attachment| attachment.key).collect()
}

/// Names made of `-` and two letters clash and overlap in every way; the filter alone is the truth.
#[test]
fn a_list_is_exactly_what_matches() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path(), false);
    let parts = ["a", "b", "a-b", "b-a", "-", "a-", "-b"];
    let long = "a".repeat(250);
    let mut keys = Vec::new();
    for network in parts {
        for container in parts {
            keys.extend(["a", "b", "a-b"].map(|interface| key(network, container, interface)));
        }
        keys.push(key(network, &long, "a"));
        keys.push(key(network, &format!("{long}b"), "b"));
    }
    for key in &keys {
        cache.store(&entry(key, "1")).unwrap();
    }
    assert_eq!(names(&results(&cache)).len(), keys.len());

    let choices: Vec<&str> = ["", "c", &long].into_iter().chain(parts).collect();
    for network in &choices {
        for container in &choices {
            for interface in &choices {
                let filter = filter(network, container, interface);
                let mut found = listed(&cache, &filter);
                found.sort();
                let mut expected: Vec<_> = keys.iter().filter(|key| filter.matches(key)).cloned().collect();
                expected.sort();
                assert_eq!(found, expected, "{filter:?}");
            }
        }
    }
}

#[test]
fn files_that_cannot_match_are_not_opened_and_unusable_ones_that_might_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path(), false);
    let ours = key("net", "id", "eth0");
    cache.store(&entry(&ours, "1")).unwrap();
    for name in ["net-other-eth0", "other-id-eth0", "net-id-eth1"] {
        write_in_place(&results(&cache).join(name), "half a fi");
    }
    let skipped = |filter| {
        let listing = cache.attachments(&filter).unwrap();
        assert_eq!(listing.attachments.len(), 1);
        listing.skipped.into_iter().map(|problem| problem.path).collect::<Vec<_>>()
    };
    let path = |name: &str| results(&cache).join(name);
    assert_eq!(skipped(filter("", "id", "")), [path("net-id-eth1"), path("other-id-eth0")]);
    assert_eq!(skipped(filter("net", "", "")), [path("net-id-eth1"), path("net-other-eth0")]);
    assert_eq!(skipped(filter("", "", "eth0")), [path("net-other-eth0"), path("other-id-eth0")]);
    assert_eq!(skipped(filter("net", "id", "")), [path("net-id-eth1")]);
    assert_eq!(skipped(filter("net", "id", "eth0")), Vec::<PathBuf>::new());
    assert_eq!(skipped(filter("", "", "")).len(), 3);
}

#[test]
fn what_is_not_an_attachment_of_this_cache_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path(), false);
    let ours = key("net", "id", "eth0");
    cache.store(&entry(&ours, "1")).unwrap();
    let text = fs::read_to_string(plain_path(&cache, &ours)).unwrap();
    let write = |name: &str, text: &str| write_in_place(&results(&cache).join(name), text);
    write("README", "{}");
    write("net-bare-eth0", "{\"cniVersion\":\"0.2.0\"}");
    write("net-other-kind-eth0", &text.replace("cniCacheV1", "cniCacheV2"));
    write("net-nameless-eth0", &text.replace("\"networkName\":\"net\"", "\"networkName\":null"));
    assert_eq!(listed(&cache, &filter("", "", "")), std::slice::from_ref(&ours));

    // No operation would find these by the key inside, so they are said to be odd.
    write("net-id-eth0.bak", &text);
    write("net-copy-eth0", &text);
    write("net-..-eth0", &text.replace("\"id\"", "\"../../x\""));
    let listing = cache.attachments(&filter("", "", "")).unwrap();
    assert_eq!(listing.attachments.len(), 1);
    assert_eq!(listing.skipped.len(), 3);
    let reason = &listing.skipped[0].reason;
    assert_eq!(listing.skipped[0].path, results(&cache).join("net-..-eth0"));
    assert_eq!(reason, "invalid container ID \"../../x\": '/' and NUL are not allowed");
}

#[test]
fn an_identifier_that_no_file_can_have_is_refused() {
    let cache = Cache::new("/nonexistent", false);
    for bad in [filter("a/b", "", ""), filter("", "..//", ""), filter("", "", "\0")] {
        assert_eq!(cache.attachments(&bad).unwrap_err().status(), Status::InvalidArgument);
    }
    assert_eq!(listed(&cache, &filter("net", "id", "eth0")), []);
}

#[test]
fn a_scan_goes_by_file_name_and_survives_what_happens_to_the_files_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path(), false);
    let long = "x".repeat(300);
    for container in ["c", "a", &long, "b"] {
        cache.store(&entry(&key("net", container, "eth0"), "1")).unwrap();
    }
    let mut seen = Vec::new();
    for step in cache.scan(&AttachmentFilter::default()).unwrap() {
        let Scanned::Attachment(attachment) = step.unwrap() else { panic!() };
        // As gc does; and somebody else deletes the next one.
        cache.remove(&attachment.key).unwrap();
        cache.remove(&key("net", "b", "eth0")).unwrap();
        seen.push(attachment.key.container_id);
    }
    // In the order of file names, of which the hashed ones come first.
    assert_eq!(seen, [&long, "a", "c"]);
    assert_eq!(names(&results(&cache)), [""; 0]);
}

/// Configurations repeat, change and come back, and are of every kind; some files are no attachments.
#[test]
fn the_text_of_a_list_is_that_of_its_attachments() {
    let dir = tempfile::tempdir().unwrap();
    let options = CniOptions { cache_dir: CacheDir::At(dir.path().to_owned()), ..CniOptions::default() };
    let cni = Cni::new(options);
    let same = |filter: &AttachmentFilter| {
        let text = cni.get_cached_attachments_json(filter).unwrap();
        let attachments = cni.get_cached_attachments(filter).unwrap();
        assert_eq!(text, serde_json::to_string(&attachments).unwrap());
        attachments.len()
    };
    assert_eq!(same(&filter("", "", "")), 0);

    let cache = Cache::new(dir.path(), false);
    let configs: [&[u8]; 7] = [b"{\"a\":1}", b"{\"a\":1}", b" {}\n", b"", b"{\"a\":1}", b"\xff", b"no JSON"];
    for (index, config) in configs.iter().enumerate() {
        let mut entry = entry(&key("n", &format!("c{index}"), "eth\n\"0"), &format!("é{index}"));
        entry.attachment.netns = "\u{1f}\\".to_owned();
        entry.attachment.config = config.to_vec();
        if index % 2 == 1 {
            entry.attachment.args = vec![("A\\".to_owned(), String::new()), (String::new(), "\t".to_owned())];
            entry.attachment.capability_args.clear();
        }
        cache.store(&entry).unwrap();
    }
    let results = results(&cache);
    for (name, text) in [
        ("n-c1-broken", "{\"kind\":\"cniCacheV1\",\"config\":7}"),
        (
            "n-c4-other",
            "{\"kind\":\"cniCacheV1\",\"containerId\":\"c4\",\"ifName\":\"other\",\"networkName\":\"n\"}",
        ),
        ("n-c5-bare", "{\"cniVersion\":\"0.2.0\"}"),
    ] {
        fs::write(results.join(name), text).unwrap();
    }
    // More than one call reads.
    let mut large = entry(&key("n", "large", "eth0"), "x");
    large.attachment.args = vec![("K".to_owned(), "v".repeat(100_000))];
    cache.store(&large).unwrap();
    assert_eq!(same(&filter("", "", "")), configs.len() + 2);
    assert_eq!(same(&filter("", "c4", "")), 2);
    assert_eq!(same(&filter("n", "c9", "")), 0);
}

/// The files that an observer is told of.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Observer for Told {
    fn on_event(&self, _: &Context, event: &Event<'_>) {
        if let Event::CacheProblem { path, .. } = event {
            let name = Path::new(path).file_name().unwrap().to_str().unwrap().to_owned();
            self.0.lock().unwrap().push(name);
        }
    }
}

/// So many that several threads read them, wherever there are several processors.
#[test]
fn the_text_of_a_long_list_is_in_order_and_tells_of_every_file_that_was_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let told = Told::default();
    let options = CniOptions { cache_dir: CacheDir::At(dir.path().to_owned()), ..CniOptions::default() };
    let cni = Cni::with_observer(options, ProcessExec::default(), told.clone());
    let cache = Cache::new(dir.path(), false);
    for index in 0..1000 {
        cache.store(&entry(&key("n", &format!("{index:04}"), "eth0"), "1")).unwrap();
    }
    let broken = |range: std::ops::Range<usize>| range.map(|index| format!("n-{index:04}-eth0"));
    // Here and there; the beginning, so that a thread finds nothing; all.
    for broken in [broken(995..1000), broken(0..700), broken(700..1000)] {
        for name in broken {
            fs::write(results(&cache).join(name), "{").unwrap();
        }
        let attachments = cni.get_cached_attachments(&filter("", "", "")).unwrap();
        let skipped = std::mem::take(&mut *told.0.lock().unwrap());
        let text = cni.get_cached_attachments_json(&filter("", "", "")).unwrap();
        assert_eq!(text, serde_json::to_string(&attachments).unwrap());
        assert_eq!(std::mem::take(&mut *told.0.lock().unwrap()), skipped);
        assert_eq!(skipped.len() + attachments.len(), 1000);
        assert!(skipped.is_sorted());
    }
}
