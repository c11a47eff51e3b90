//! Things that somebody put into the cache to lead out of it, or to make it wait.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use cni::Status;
use cni::cache::{Cache, HeldLocks};
use cni::context::Context;
use cni::types::attachment::AttachmentFilter;

use crate::{age, entry, key, mark, names, plain_path, results, write_in_place};

struct Planted {
    dir: tempfile::TempDir,
    cache: Cache,
}

/// A cache beside a directory `elsewhere` with a cache's content of its own.
fn planted() -> Planted {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("cni"), false);
    fs::create_dir_all(cache.dir()).unwrap();
    for name in ["", "results", "tmp", ".libcni/tmp", ".libcni/corrupt"] {
        fs::create_dir_all(dir.path().join("elsewhere").join(name)).unwrap();
    }
    for name in ["net-id-eth0", "results/net-id-eth0", "tmp/stale", ".libcni/tmp/stale", "locks"] {
        fs::write(dir.path().join("elsewhere").join(name), "precious").unwrap();
    }
    Planted { dir, cache }
}

impl Planted {
    fn elsewhere(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("elsewhere").join(path)
    }

    /// Everything in the directory beside the cache, with its contents.
    fn picture(&self) -> String {
        fn walk(path: &Path, out: &mut String) {
            for name in names(path) {
                let path = path.join(name);
                out.push_str(&format!("{path:?} {:?}\n", fs::read_to_string(&path).ok()));
                walk(&path, out);
            }
        }
        let mut out = String::new();
        walk(&self.elsewhere(""), &mut out);
        out
    }

    /// Runs everything. Tells, by name, what each operation's error is about.
    fn run(&self) -> Vec<(&'static str, String)> {
        let (cache, key) = (&self.cache, key("net", "id", "eth0"));
        let background = Context::background();
        let before = self.picture();
        let path = |error: cni::Error| {
            assert_eq!(error.status(), Status::Cache, "{error}");
            let path = error.facts().path.clone().unwrap();
            assert!(error.message().contains(&path), "{error}");
            Path::new(&path).strip_prefix(cache.dir()).unwrap().to_str().unwrap().to_owned()
        };
        let mut failed = Vec::new();
        let mut ran = |name, error: Option<cni::Error>| failed.extend(error.map(|error| (name, path(error))));
        ran("load", cache.load(&key).err());
        ran("list", cache.attachments(&AttachmentFilter::default()).err());
        ran("lock", cache.lock_attachment(&key, &background, None, &HeldLocks::none()).err());
        ran("check", cache.check_writable(&key).err());
        ran("store", cache.store(&entry(&key, "1")).err());
        ran("remove", cache.remove(&key).err());
        assert_eq!(self.picture(), before);
        failed
    }
}

fn owned(outcomes: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    outcomes.iter().map(|(name, path)| (*name, (*path).to_owned())).collect()
}

#[test]
fn the_cache_directory_itself_may_be_a_link() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("real")).unwrap();
    symlink("real", dir.path().join("link")).unwrap();
    let cache = Cache::new(dir.path().join("link"), true);
    let key = key("net", "id", "eth0");
    cache.store(&entry(&key, "1")).unwrap();
    assert_eq!(mark(&cache, &key).as_deref(), Some("1"));
    assert_eq!(names(&dir.path().join("real/results")), ["net-id-eth0"]);
}

#[test]
fn results_as_a_link_is_not_followed() {
    let planted = planted();
    symlink(planted.elsewhere("results"), planted.cache.dir().join("results")).unwrap();
    let expected = ["load", "list", "check", "store", "remove"].map(|name| (name, "results"));
    assert_eq!(planted.run(), owned(&expected));
}

#[test]
fn our_own_directory_as_a_link_is_not_followed() {
    let planted = planted();
    // What stands there is replaced by a file that has a name before.
    planted.cache.store(&entry(&key("net", "id", "eth0"), "0")).unwrap();
    symlink(planted.elsewhere(".libcni"), planted.cache.dir().join(".libcni")).unwrap();
    assert_eq!(planted.run(), owned(&["lock", "check", "store"].map(|name| (name, ".libcni"))));
    // A DEL that has something to set aside would write there.
    let path = plain_path(&planted.cache, &key("net", "id", "eth0"));
    write_in_place(&path, "");
    age(&path);
    let corrupt = planted.cache.remove(&key("net", "id", "eth0")).unwrap();
    assert_eq!(corrupt.set_aside, []);
    assert!(corrupt.left[0].reason.contains("symbolic links are not followed"), "{}", corrupt.left[0]);
    assert!(path.exists());
}

#[test]
fn links_in_our_own_directory_are_not_followed() {
    for (name, target, expected) in [
        ("tmp", "tmp", vec![("check", ".libcni/tmp"), ("store", ".libcni/tmp")]),
        ("locks", "locks", vec![("lock", ".libcni/locks")]),
        ("locks", "missing", vec![("lock", ".libcni/locks")]),
    ] {
        let planted = planted();
        planted.cache.store(&entry(&key("net", "id", "eth0"), "0")).unwrap();
        fs::create_dir(planted.cache.dir().join(".libcni")).unwrap();
        symlink(planted.elsewhere(target), planted.cache.dir().join(".libcni").join(name)).unwrap();
        assert_eq!(planted.run(), owned(&expected), "{name} -> {target}");
    }
}

#[test]
fn an_attachment_as_a_link_is_neither_read_nor_written_nor_removed() {
    for target in ["net-id-eth0", "missing", ""] {
        let planted = planted();
        let path = plain_path(&planted.cache, &key("net", "id", "eth0"));
        fs::create_dir(results(&planted.cache)).unwrap();
        symlink(planted.elsewhere(target), &path).unwrap();
        let expected = ["load", "check", "store", "remove"].map(|name| (name, "results/net-id-eth0"));
        assert_eq!(planted.run(), owned(&expected), "-> {target}");
        let skipped = planted.cache.attachments(&AttachmentFilter::default()).unwrap().skipped;
        assert_eq!(skipped.len(), 1);
        assert!(skipped[0].reason.contains("symbolic link"), "{}", skipped[0]);
        assert!(path.is_symlink());
    }
}

#[test]
fn a_link_under_the_hashed_name_is_not_followed() {
    let planted = planted();
    let (first, second) = (key("a-b", "c", "eth0"), key("a", "b-c", "eth0"));
    planted.cache.store(&entry(&first, "1")).unwrap();
    planted.cache.store(&entry(&second, "1")).unwrap();
    let hashed = results(&planted.cache).join(names(&results(&planted.cache)).swap_remove(0));
    fs::remove_file(&hashed).unwrap();
    let before = planted.picture();
    symlink(planted.elsewhere("net-id-eth0"), &hashed).unwrap();
    assert!(planted.cache.store(&entry(&second, "2")).is_err());
    assert!(planted.cache.load(&second).is_err());
    assert_eq!(mark(&planted.cache, &first).as_deref(), Some("1"));
    assert_eq!(planted.picture(), before);
}

#[test]
fn nothing_waits_for_a_fifo_or_a_directory() {
    for kind in ["fifo", "directory"] {
        let planted = planted();
        let plant = |path: &Path| {
            if kind == "directory" {
                return fs::create_dir(path).unwrap();
            }
            let path = CString::new(path.as_os_str().as_bytes()).unwrap();
            // SAFETY: `path` is NUL-terminated and outlives the call.
            assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        };
        fs::create_dir(results(&planted.cache)).unwrap();
        fs::create_dir_all(planted.cache.dir().join(".libcni/tmp")).unwrap();
        plant(&plain_path(&planted.cache, &key("net", "id", "eth0")));
        plant(&planted.cache.dir().join(".libcni/locks"));
        plant(&planted.cache.dir().join(".libcni/tmp/planted"));
        let mut expected = vec![("load", "results/net-id-eth0"), ("lock", ".libcni/locks")];
        expected.extend(["check", "store", "remove"].map(|name| (name, "results/net-id-eth0")));
        assert_eq!(planted.run(), owned(&expected), "{kind}");
        // An attachment beside it is not concerned.
        let other = key("net", "other", "eth0");
        for mark in ["0", "1"] {
            planted.cache.store(&entry(&other, mark)).unwrap();
        }
        let listing = planted.cache.attachments(&AttachmentFilter::default()).unwrap();
        assert_eq!((listing.attachments.len(), listing.skipped.len()), (1, 1), "{kind}");
    }
}
