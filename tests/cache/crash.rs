//! The process is killed, the disk is full, a system call fails: every file is the old one or the new one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use cni::cache::{Cache, Lookup};
use cni::types::attachment::AttachmentFilter;

use crate::children::{self, command, said};
use crate::{entry, key, mark, names, results, temporary_files};

/// What a store calls, in no order.
const CALLS: [&str; 11] = [
    "openat",
    "getdents64",
    "fstat",
    "statx",
    "flock",
    "fchmod",
    // The store's own; reports of the test are written by write.
    "pwrite64",
    "fsync",
    "linkat",
    "renameat2",
    "unlinkat",
];

/// Whether that program runs here; if not, the test says so.
fn can(program: &str, arguments: &[&str]) -> bool {
    let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let ok = quiet(Command::new(program).args(arguments)).is_ok_and(|status| status.success());
    if !ok {
        eprintln!("skipped: `{program} {}` does not work here", arguments.join(" "));
    }
    ok
}

/// What outlives a process is the same in memory as on a disk, and there an fsync costs nothing.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Every file is whole, and a later store that replaces one cleans up.
fn check_after_crash(cache: &Cache) {
    let listing = cache.attachments(&AttachmentFilter::default()).unwrap();
    assert_eq!(listing.skipped, []);
    assert_eq!(listing.attachments.len(), names(&results(cache)).len());
    for attachment in listing.attachments {
        assert!(mark(cache, &attachment.key).is_some());
    }
    for store in ["1", "2"] {
        cache.store(&entry(&key("net", "after", "eth0"), store)).unwrap();
    }
    assert_eq!(temporary_files(cache), [""; 0]);
    cache.remove(&key("net", "after", "eth0")).unwrap();
}

#[test]
fn a_process_killed_at_random_leaves_whole_files() {
    let dir = in_memory();
    let cache = Cache::new(dir.path(), true);
    let mut litter = 0;
    // More of them by `make test-crash`.
    let kills = std::env::var("LIBCNI_CRASH_KILLS").map_or(40, |kills| kills.parse().unwrap());
    for kill in 0..kills {
        let mut child = command(&[], "stores_in_a_loop", dir.path()).spawn().unwrap();
        let mut lines = said(&mut child);
        let said = lines.by_ref().nth((kill % 7) as usize).unwrap();
        // Somewhere in the next round.
        for _ in 0..kill % 40 * 1000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let said: u64 = lines.last().unwrap_or(said).parse().unwrap();
        litter += temporary_files(&cache).len();
        for container in ["a", "b", "c"] {
            let stored: u64 = mark(&cache, &key("net", container, "eth0")).unwrap().parse().unwrap();
            assert!(stored == said || stored == said + 1, "{stored} after {said}");
        }
        check_after_crash(&cache);
    }
    assert!(litter > 0, "no kill came while a file was written");
}

#[test]
fn a_process_killed_at_every_call_leaves_the_old_or_the_new_file() {
    if !can("strace", &["-qq", "-o", "/dev/null", "true"]) {
        return;
    }
    // One that takes the place of another, and one that is new.
    for before in [Some("old"), None] {
        let (mut old, mut new) = (0, 0);
        for call in CALLS {
            for when in 1.. {
                let dir = in_memory();
                let cache = Cache::new(dir.path(), true);
                let key = key("net", "id", "eth0");
                if let Some(before) = before {
                    cache.store(&entry(&key, before)).unwrap();
                }
                let inject = format!("inject={call}:signal=SIGKILL:when={when}");
                let prefix = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
                let output = command(&prefix, "stores_once", dir.path()).output().unwrap();
                let mark = mark(&cache, &key);
                if output.status.success() {
                    // There is no such call any more.
                    assert_eq!(mark.as_deref(), Some("new"), "{call} {when}");
                    break;
                }
                match mark.as_deref() {
                    Some("new") => new += 1,
                    other => {
                        assert_eq!(other, before, "{call} {when}");
                        old += 1;
                    }
                }
                if before.is_none() {
                    assert_eq!(temporary_files(&cache), [""; 0], "{call} {when}");
                }
                check_after_crash(&cache);
            }
        }
        assert!(old > 10 && new > 0, "{before:?}: {old} {new}");
    }
}

#[test]
fn a_call_that_fails_leaves_the_old_file_and_no_other_and_names_the_step() {
    if !can("strace", &["-qq", "-o", "/dev/null", "true"]) {
        return;
    }
    let steps = [
        ("pwrite64", "EIO", "write", "input/output error"),
        ("pwrite64", "ENOSPC", "write", "no space left on device"),
        ("pwrite64", "EDQUOT", "write", "disk quota exceeded"),
        ("fsync", "EIO", "sync", "input/output error"),
        ("renameat2", "EIO", "store", "input/output error"),
        ("renameat2", "ENOSPC", "store", "no space left on device"),
        ("renameat2", "EROFS", "store", "read-only file system"),
    ];
    for (call, error, step, reason) in steps {
        let dir = in_memory();
        let cache = Cache::new(dir.path(), true);
        let key = key("net", "id", "eth0");
        for mark in ["older", "old"] {
            cache.store(&entry(&key, mark)).unwrap();
        }
        let path = results(&cache).join("net-id-eth0");
        let path = path.to_str().unwrap();
        let inject = format!("inject={call}:error={error}:when=1");
        let prefix = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
        let mut child = command(&prefix, "stores_once", dir.path()).spawn().unwrap();
        let said = said(&mut child).last();
        child.wait().unwrap();
        let expected = format!("Cache {path} failed to {step} {path}: {reason}");
        assert_eq!(said, Some(expected), "{call} {error}");
        assert_eq!(mark(&cache, &key).as_deref(), Some("old"));
        assert_eq!(temporary_files(&cache), [""; 0]);
    }
}

#[test]
fn a_new_file_that_fails_leaves_nothing_and_names_the_step() {
    if !can("strace", &["-qq", "-o", "/dev/null", "true"]) {
        return;
    }
    for (call, when, step, reason) in [
        ("pwrite64", "1", "write", "input/output error"),
        // The first is of the directory that was made.
        ("fsync", "2", "sync", "input/output error"),
    ] {
        let dir = in_memory();
        let cache = Cache::new(dir.path(), true);
        let path = results(&cache).join("net-id-eth0");
        let path = path.to_str().unwrap();
        let inject = format!("inject={call}:error=EIO:when={when}");
        let prefix = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
        let mut child = command(&prefix, "stores_once", dir.path()).spawn().unwrap();
        let said = said(&mut child).last();
        child.wait().unwrap();
        assert_eq!(said, Some(format!("Cache {path} failed to {step} {path}: {reason}")), "{call}");
        assert_eq!(names(&results(&cache)), [""; 0]);
        assert_eq!(names(cache.dir()), ["results"]);
    }
}

/// File systems whose `rename` cannot be told to replace nothing, with and without links.
#[test]
fn where_rename_lacks_the_flag_a_link_puts_the_file_in_its_place() {
    if !can("strace", &["-qq", "-o", "/dev/null", "true"]) {
        return;
    }
    let trace = in_memory();
    let trace = trace.path().join("trace");
    for (further, links) in [(None, true), (Some("linkat:error=EPERM"), false)] {
        let dir = in_memory();
        let cache = Cache::new(dir.path(), false);
        let rename = "renameat2:error=EINVAL:when=1";
        // Without files that have no name.
        let injected = [Some("fstatfs:error=EIO"), Some(rename), further].into_iter().flatten();
        let injected: Vec<_> = injected.map(|call| format!("--inject={call}")).collect();
        let calls = "--trace=linkat,renameat2,fstatfs";
        let mut prefix = vec!["strace", "-f", "-qq", "-o", trace.to_str().unwrap(), calls];
        prefix.extend(injected.iter().map(String::as_str));
        let output = command(&prefix, "stores_once", dir.path()).output().unwrap();
        assert!(output.status.success());
        assert_eq!(mark(&cache, &key("net", "id", "eth0")).as_deref(), Some("new"), "{further:?}");
        let renames = fs::read_to_string(&trace).unwrap().matches("renameat2(").count();
        assert_eq!(renames, if links { 1 } else { 2 }, "{further:?}");
        assert_eq!(temporary_files(&cache), [""; 0], "{further:?}");
    }
}

/// File systems without files that have no name, and hosts that may give them none (no capability, and no /proc).
#[test]
fn where_a_file_without_a_name_cannot_be_had_or_named_one_with_a_name_does() {
    if !can("strace", &["-qq", "-o", "/dev/null", "true"]) {
        return;
    }
    let trace = in_memory();
    let trace = trace.path().join("trace");
    for (injected, named) in [
        (Some("linkat:error=EPERM"), true),
        (Some("linkat:error=EXDEV"), true),
        // The first of the two ways.
        (Some("linkat:error=ENOENT:when=1"), false),
        (Some("linkat:error=ENOENT"), true),
        // Nobody can say whether a file without a name is flushed there.
        (Some("fstatfs:error=EIO"), true),
        (None, false),
    ] {
        let dir = in_memory();
        let cache = Cache::new(dir.path(), false);
        let inject = format!("inject={}", injected.unwrap_or("statfs:error=EIO"));
        let trace = trace.to_str().unwrap();
        let calls = "trace=linkat,renameat2,statfs,fstatfs";
        let prefix = ["strace", "-f", "-qq", "-o", trace, "-e", calls, "-e", &inject];
        let output = command(&prefix, "stores_once", dir.path()).output().unwrap();
        assert!(output.status.success());
        assert_eq!(mark(&cache, &key("net", "id", "eth0")).as_deref(), Some("new"), "{injected:?}");
        assert_eq!(fs::read_to_string(trace).unwrap().contains("renameat2("), named, "{injected:?}");
        assert_eq!(temporary_files(&cache), [""; 0]);
    }
}

#[test]
fn a_dead_writers_file_is_removed_and_a_living_ones_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path(), false);
    let key = key("net", "id", "eth0");
    for mark in ["0", "1"] {
        cache.store(&entry(&key, mark)).unwrap();
    }
    let tmp = dir.path().join(".libcni/tmp");
    for name in ["dead", "alive"] {
        fs::write(tmp.join(name), "half a fi").unwrap();
    }
    let alive = fs::File::open(tmp.join("alive")).unwrap();
    // SAFETY: flock takes no pointers.
    assert_eq!(unsafe { libc::flock(std::os::fd::AsRawFd::as_raw_fd(&alive), libc::LOCK_EX) }, 0);
    cache.store(&entry(&key, "2")).unwrap();
    assert_eq!(temporary_files(&cache), ["alive"]);
    drop(alive);
    cache.check_writable(&key).unwrap();
    assert_eq!(temporary_files(&cache), [""; 0]);
}

#[test]
fn parallel_stores_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path(), false);
    std::thread::scope(|scope| {
        for thread in 0..16 {
            let cache = &cache;
            scope.spawn(move || {
                for round in 0..20 {
                    let own = key("net", &thread.to_string(), "eth0");
                    cache.store(&entry(&own, &round.to_string())).unwrap();
                    assert_eq!(mark(cache, &own), Some(round.to_string()));
                }
            });
        }
    });
    assert_eq!(temporary_files(&cache), [""; 0]);
    assert_eq!(cache.attachments(&AttachmentFilter::default()).unwrap().attachments.len(), 16);
}

/// Hosts may do without locks: still no attachment overwrites another one.
#[test]
fn of_those_that_want_the_same_name_at_once_none_is_lost() {
    let dir = in_memory();
    let cache = Cache::new(dir.path(), false);
    let keys = [key("a", "b-c-d", "e"), key("a-b", "c-d", "e"), key("a-b-c", "d", "e")];
    let (together, lost) = (Barrier::new(keys.len()), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for key in &keys {
            let (cache, together, lost) = (&cache, &together, &lost);
            scope.spawn(move || {
                for _ in 0..500 {
                    let entry = entry(key, "1");
                    together.wait();
                    let stored = cache.store(&entry);
                    together.wait();
                    // Counted, for a panic would leave the others waiting.
                    if stored.is_err() || !matches!(cache.load(key), Ok(Lookup::Found(_))) {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                    together.wait();
                    if cache.remove(key).is_err() {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(lost.into_inner(), 0);
}

/// Runs a child in a mount namespace of its own, after that script.
fn in_own_mounts(script: &str, test: &str, dir: &Path) {
    let script = format!("set -e; {script}; exec \"$0\" \"$@\"");
    let prefix = ["unshare", "--mount", "--map-root-user", "sh", "-c", &script];
    let mut child = command(&prefix, test, dir).stderr(Stdio::inherit()).spawn().unwrap();
    assert_eq!(children::said(&mut child).last().as_deref(), Some("done"), "{script}");
    assert!(child.wait().unwrap().success());
}

fn can_mount() -> bool {
    can("unshare", &["--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", "/mnt"])
}

#[test]
fn a_full_disk_loses_nothing_and_attachments_can_still_be_deleted() {
    if !can_mount() {
        return;
    }
    for pages in [12, 17, 25] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        let mount = format!("mount -t tmpfs -o size={}k none {path}", pages * 4);
        in_own_mounts(&mount, "stores_until_the_disk_is_full", dir.path());
    }
}

#[test]
fn a_read_only_cache_can_be_read() {
    if !can_mount() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    Cache::new(dir.path(), false).store(&entry(&key("net", "id", "eth0"), "old")).unwrap();
    let path = dir.path().to_str().unwrap();
    let mount = format!("mount --bind {path} {path}; mount -o remount,bind,ro {path}");
    in_own_mounts(&mount, "works_on_a_read_only_file_system", dir.path());
}
