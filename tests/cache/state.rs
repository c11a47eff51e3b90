//! What is stored, under which name, and what becomes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cni::Status;
use cni::cache::{Cache, CorruptFiles, Lookup};
use cni::types::attachment::{AttachmentFilter, AttachmentKey};

use crate::children;
use crate::{age, entry, key, mark, names, plain_path, results, temporary_files, write_in_place};

fn fresh() -> (tempfile::TempDir, Cache) {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path().join("cni"), false);
    (dir, cache)
}

fn listed(cache: &Cache) -> Vec<AttachmentKey> {
    assert_eq!(cache.attachments(&AttachmentFilter::default()).unwrap().skipped, []);
    listed_beside_problems(cache)
}

fn listed_beside_problems(cache: &Cache) -> Vec<AttachmentKey> {
    let listing = cache.attachments(&AttachmentFilter::default()).unwrap();
    listing.attachments.into_iter().map(|attachment| attachment.key).collect()
}

#[test]
fn what_is_stored_is_found_replaced_and_removed() {
    let (_dir, cache) = fresh();
    let key = key("net", "id", "eth0");
    assert_eq!(mark(&cache, &key), None);
    for text in ["1", "2"] {
        assert_eq!(cache.store(&entry(&key, text)).unwrap(), CorruptFiles::default());
        assert_eq!(mark(&cache, &key).as_deref(), Some(text));
    }
    assert_eq!(names(&results(&cache)), ["net-id-eth0"]);
    assert_eq!(temporary_files(&cache), [""; 0]);
    for _ in 0..2 {
        assert_eq!(cache.remove(&key).unwrap(), CorruptFiles::default());
        assert_eq!(mark(&cache, &key), None);
    }
    assert_eq!(names(&results(&cache)), [""; 0]);
}

#[test]
fn looking_and_removing_make_no_directories() {
    let (dir, cache) = fresh();
    assert!(matches!(cache.load(&key("net", "id", "eth0")), Ok(Lookup::Absent)));
    assert_eq!(cache.remove(&key("net", "id", "eth0")).unwrap(), CorruptFiles::default());
    assert_eq!(listed(&cache), []);
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn the_preflight_makes_the_directories_and_leaves_no_file() {
    let (_dir, cache) = fresh();
    cache.check_writable(&key("net", "id", "eth0")).unwrap();
    assert_eq!(names(cache.dir()), ["results"]);
    assert_eq!(names(&results(&cache)), [""; 0]);
    // What replaces another has a name while it is written.
    cache.store(&entry(&key("net", "id", "eth0"), "1")).unwrap();
    cache.check_writable(&key("net", "id", "eth0")).unwrap();
    assert_eq!(names(cache.dir()), [".libcni", "results"]);
    assert_eq!(names(&results(&cache)), ["net-id-eth0"]);
    assert_eq!(temporary_files(&cache), [""; 0]);
}

#[test]
fn modes_are_0700_and_0600_whatever_the_umask() {
    for umask in ["0000", "0777", "0177"] {
        let dir = tempfile::tempdir().unwrap();
        let script = format!("umask {umask} && exec \"$0\" \"$@\"");
        let mut child =
            children::command(&["sh", "-c", &script], "stores_and_locks", dir.path()).spawn().unwrap();
        assert_eq!(children::said(&mut child).last().as_deref(), Some("done"), "umask {umask}");
        assert!(child.wait().unwrap().success());
        let mode = |path: &str| {
            let path = dir.path().join("made").join(path);
            format!("{:o}", fs::metadata(path).unwrap().permissions().mode() & 0o7777)
        };
        for path in ["", "on", "on/the", "on/the/way"] {
            assert_eq!(mode(path), "700", "umask {umask}: {path}");
        }
        for path in ["results", ".libcni", ".libcni/tmp"] {
            assert_eq!(mode(&format!("on/the/way/{path}")), "700", "umask {umask}: {path}");
        }
        for path in ["results/net-once-eth0", "results/net-twice-eth0", ".libcni/locks"] {
            assert_eq!(mode(&format!("on/the/way/{path}")), "600", "umask {umask}: {path}");
        }
    }
}

#[test]
fn the_mode_of_a_directory_that_is_there_stays() {
    let (_dir, cache) = fresh();
    fs::create_dir_all(results(&cache)).unwrap();
    fs::set_permissions(results(&cache), fs::Permissions::from_mode(0o755)).unwrap();
    cache.store(&entry(&key("net", "id", "eth0"), "1")).unwrap();
    assert_eq!(fs::metadata(results(&cache)).unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn no_identifier_reaches_outside() {
    let (dir, cache) = fresh();
    cache.store(&entry(&key("net", "id", "eth0"), "1")).unwrap();
    let victim = dir.path().join("victim-x");
    fs::write(&victim, "precious").unwrap();
    for part in ["", "../../victim", "a/b", "/", "/etc/passwd", "\0", "a\0b"] {
        for bad in [key(part, "id", "x"), key("net", part, "x"), key("net", "id", part)] {
            let refused = [
                cache.load(&bad).unwrap_err(),
                cache.store(&entry(&bad, "1")).unwrap_err(),
                cache.check_writable(&bad).unwrap_err(),
                cache.remove(&bad).unwrap_err(),
            ];
            for error in refused {
                assert_eq!(error.status(), Status::InvalidArgument, "{bad:?}");
                assert_eq!(error.facts().attachment.as_ref(), Some(&bad));
            }
        }
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    // What looks like a way up but is one name is a name like any other.
    for odd in [key("..", "..", ".."), key(".", "-", "."), key("\n", "é\u{202e}", " "), key("@", "%2f", "\\")]
    {
        cache.store(&entry(&odd, "odd")).unwrap();
        assert_eq!(mark(&cache, &odd).as_deref(), Some("odd"));
        cache.remove(&odd).unwrap();
    }
    assert_eq!(names(&results(&cache)), ["net-id-eth0"]);
    assert_eq!(names(dir.path()), ["cni", "victim-x"]);
}

/// Two attachments that the original cannot tell apart, in every order of everything that can happen to them.
#[test]
fn attachments_that_share_a_plain_name_live_side_by_side() {
    let keys = [key("a-b", "c", "eth0"), key("a", "b-c", "eth0")];
    let steps: Vec<(usize, bool)> = vec![(0, true), (1, true), (0, false), (1, false)];
    for path in sequences(&steps, 5) {
        let (_dir, cache) = fresh();
        let mut expected = [None, None];
        for (round, &(which, add)) in path.iter().enumerate() {
            if add {
                cache.store(&entry(&keys[which], &round.to_string())).unwrap();
                expected[which] = Some(round.to_string());
            } else {
                cache.remove(&keys[which]).unwrap();
                expected[which] = None;
            }
            for (key, expected) in keys.iter().zip(&expected) {
                assert_eq!(&mark(&cache, key), expected, "{path:?} after step {round}");
            }
            let count = expected.iter().flatten().count();
            assert_eq!(listed(&cache).len(), count, "{path:?} after step {round}");
            assert_eq!(names(&results(&cache)).len(), count, "{path:?} after step {round}");
        }
        // One that was stored when the plain name was free stands there, for the original to find.
        if expected.iter().flatten().count() == 1 && path.last().is_some_and(|last| last.1) {
            assert!(plain_path(&cache, &keys[0]).exists(), "{path:?}");
        }
    }
}

fn sequences(steps: &[(usize, bool)], length: usize) -> Vec<Vec<(usize, bool)>> {
    let mut all = vec![Vec::new()];
    for _ in 0..length {
        all = all
            .into_iter()
            .flat_map(|path: Vec<_>| steps.iter().map(move |&step| [path.clone(), vec![step]].concat()))
            .collect();
    }
    all
}

#[test]
fn an_attachment_under_both_of_its_names_is_listed_once_and_removed_twice() {
    let (_dir, cache) = fresh();
    let (first, second) = (key("a-b", "c", "eth0"), key("a", "b-c", "eth0"));
    cache.store(&entry(&first, "1")).unwrap();
    cache.store(&entry(&second, "old")).unwrap();
    // The original writes over the other attachment's file.
    let hashed = results(&cache).join(names(&results(&cache)).swap_remove(0));
    let text = fs::read_to_string(&hashed).unwrap().replace("old", "new").replace("b2xk", "bmV3");
    write_in_place(
        &plain_path(&cache, &second),
        &text.replace("eyJtYXJrIjoib2xkIn0=", "eyJtYXJrIjoibmV3In0="),
    );
    assert_eq!(mark(&cache, &second).as_deref(), Some("new"));
    assert_eq!(listed(&cache), std::slice::from_ref(&second));
    cache.remove(&second).unwrap();
    assert_eq!(names(&results(&cache)), [""; 0]);
}

#[test]
fn a_name_that_is_too_long_is_stored_found_listed_and_removed() {
    for length in [200, 213, 221, 240, 248, 249, 4000] {
        let (_dir, cache) = fresh();
        let key = key("net", &"é".repeat(length / 2), "eth0");
        cache.check_writable(&key).unwrap();
        cache.store(&entry(&key, "1")).unwrap();
        cache.store(&entry(&key, "2")).unwrap();
        assert_eq!(mark(&cache, &key).as_deref(), Some("2"));
        assert_eq!(listed(&cache), std::slice::from_ref(&key));
        cache.remove(&key).unwrap();
        assert_eq!(names(&results(&cache)), [""; 0]);
    }
}

#[test]
fn a_corrupt_file_is_left_alone_while_it_may_be_being_written() {
    let (_dir, cache) = fresh();
    let key = key("net", "id", "eth0");
    let path = plain_path(&cache, &key);
    for text in ["", "{\"kind\":\"cniCa", "\0\0\0\0"] {
        write_in_place(&path, text);
        let Ok(Lookup::Corrupt(problem)) = cache.load(&key) else { panic!() };
        assert_eq!(problem.path, path);
        let left = |corrupt: CorruptFiles| {
            assert_eq!(corrupt.set_aside, []);
            assert_eq!(corrupt.left.len(), 1);
            assert_eq!(corrupt.left[0].path, path);
            assert!(corrupt.left[0].reason.ends_with("(left alone: it was changed just now)"));
        };
        left(cache.remove(&key).unwrap());
        // A store does not touch it either, and is not lost.
        left(cache.store(&entry(&key, "1")).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(mark(&cache, &key).as_deref(), Some("1"));
        cache.remove(&key).unwrap();
        assert_eq!(names(&results(&cache)), ["net-id-eth0"]);
    }
}

#[test]
fn an_old_corrupt_file_is_set_aside_by_the_store_and_by_the_removal_that_own_it() {
    let (_dir, cache) = fresh();
    let key = key("net", "id", "eth0");
    let path = plain_path(&cache, &key);
    let corrupt = cache.dir().join(".libcni/corrupt");

    write_in_place(&path, "half a fi");
    age(&path);
    assert!(matches!(cache.load(&key), Ok(Lookup::Corrupt(_))));
    assert_eq!(cache.attachments(&AttachmentFilter::default()).unwrap().skipped.len(), 1);
    assert!(path.exists(), "looking moves nothing");
    let CorruptFiles { set_aside, left } = cache.store(&entry(&key, "1")).unwrap();
    assert_eq!(left, []);
    assert_eq!(set_aside.len(), 1);
    assert_eq!(set_aside[0].from, path);
    assert_eq!(fs::read_to_string(&set_aside[0].to).unwrap(), "half a fi");
    assert_eq!(mark(&cache, &key).as_deref(), Some("1"));

    write_in_place(&path, "");
    age(&path);
    let CorruptFiles { set_aside, left } = cache.remove(&key).unwrap();
    assert_eq!(left, []);
    assert_eq!(set_aside.len(), 1);
    assert!(set_aside[0].to.starts_with(&corrupt));
    assert_eq!(names(&results(&cache)), [""; 0]);
    assert_eq!(names(&corrupt).len(), 2);
}

#[test]
fn a_corrupt_file_that_cannot_be_moved_blocks_nothing() {
    let (_dir, cache) = fresh();
    let key = key("net", "id", "eth0");
    let path = plain_path(&cache, &key);
    write_in_place(&path, "");
    age(&path);
    write_in_place(&cache.dir().join(".libcni/corrupt"), "not a directory");
    for _ in 0..2 {
        let CorruptFiles { set_aside, left } = cache.store(&entry(&key, "1")).unwrap();
        assert_eq!((set_aside.len(), left.len()), (0, 1));
        assert_eq!(mark(&cache, &key).as_deref(), Some("1"));
    }
    assert_eq!(listed_beside_problems(&cache), std::slice::from_ref(&key));
    let CorruptFiles { set_aside, left } = cache.remove(&key).unwrap();
    assert_eq!((set_aside.len(), left.len()), (0, 1));
    assert!(left[0].reason.contains("it is not a directory"), "{}", left[0]);
    assert_eq!(names(&results(&cache)), ["net-id-eth0"]);
}

#[test]
fn the_last_hundred_corrupt_files_are_kept() {
    let (_dir, cache) = fresh();
    let mut moved = Vec::new();
    for round in 0..103 {
        let key = key("net", &round.to_string(), "eth0");
        let path = plain_path(&cache, &key);
        write_in_place(&path, "x");
        age(&path);
        moved.extend(cache.remove(&key).unwrap().set_aside);
    }
    let kept: Vec<bool> = moved.iter().map(|moved| moved.to.exists()).collect();
    assert_eq!(kept, [vec![false; 3], vec![true; 100]].concat());
}

#[test]
fn a_file_too_large_to_be_an_attachment_is_corrupt_and_not_read() {
    let (_dir, cache) = fresh();
    let key = key("net", "id", "eth0");
    let path = plain_path(&cache, &key);
    write_in_place(&path, "{");
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let Ok(Lookup::Corrupt(problem)) = cache.load(&key) else { panic!() };
    assert_eq!(problem.reason, "the file is too large");
}

#[test]
fn a_bare_result_is_given_out_as_it_is_and_replaced() {
    let (_dir, cache) = fresh();
    let key = key("net", "id", "eth0");
    let text = "{\"cniVersion\":\"0.2.0\", \"ip4\":{\"ip\":\"10.0.0.2/24\"}}";
    write_in_place(&plain_path(&cache, &key), text);
    let Ok(Lookup::Legacy(legacy)) = cache.load(&key) else { panic!() };
    assert_eq!((legacy.kind.as_str(), legacy.text.as_str()), ("", text));
    assert_eq!(listed(&cache), []);
    cache.store(&entry(&key, "1")).unwrap();
    assert_eq!(mark(&cache, &key).as_deref(), Some("1"));
    write_in_place(&plain_path(&cache, &key), text);
    cache.remove(&key).unwrap();
    assert_eq!(names(&results(&cache)), [""; 0]);
}

#[test]
fn only_what_is_not_there_is_absent() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for path in ["file", "file/below"] {
        let cache = Cache::new(dir.path().join(path), false);
        let error = cache.load(&key("net", "id", "eth0")).unwrap_err();
        assert_eq!(error.status(), Status::Cache);
        assert!(error.message().ends_with("not a directory"), "{error}");
        assert!(cache.store(&entry(&key("net", "id", "eth0"), "1")).is_err());
    }
}

/// Needs a user whom modes concern, so root becomes one.
#[test]
fn a_file_that_may_not_be_read_is_an_error_that_names_it() {
    let Some(nobody) = Nobody::become_one() else { return };
    let (_dir, cache) = fresh();
    let key = key("net", "id", "eth0");
    cache.store(&entry(&key, "1")).unwrap();
    let path = plain_path(&cache, &key);
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let refused = |error: cni::Error, path: &Path| {
        assert_eq!(error.status(), Status::Cache);
        assert_eq!(error.facts().path.as_deref(), path.to_str(), "{error}");
        assert!(error.message().ends_with("permission denied"), "{error}");
    };

    set_mode(&path, 0);
    refused(cache.load(&key).unwrap_err(), &path);
    refused(cache.remove(&key).unwrap_err(), &path);
    refused(cache.store(&entry(&key, "2")).unwrap_err(), &path);
    refused(cache.check_writable(&key).unwrap_err(), &path);
    let listing = cache.attachments(&AttachmentFilter::default()).unwrap();
    assert_eq!(listing.skipped.len(), 1);
    assert_eq!(listing.skipped[0].to_string(), format!("{}: permission denied", path.display()));
    set_mode(&path, 0o600);
    assert_eq!(mark(&cache, &key).as_deref(), Some("1"));

    set_mode(&results(&cache), 0o500);
    refused(cache.store(&entry(&key, "2")).unwrap_err(), &path);
    refused(cache.check_writable(&key).unwrap_err(), &path);
    refused(cache.remove(&key).unwrap_err(), &path);
    set_mode(&results(&cache), 0);
    refused(cache.load(&key).unwrap_err(), &results(&cache));
    refused(cache.attachments(&AttachmentFilter::default()).unwrap_err(), &results(&cache));
    set_mode(&results(&cache), 0o700);
    assert_eq!(mark(&cache, &key).as_deref(), Some("1"));
    assert_eq!(temporary_files(&cache), [""; 0]);
    drop(nobody);
}

/// While it lives, this thread acts as a user without privileges.
struct Nobody;

impl Nobody {
    fn become_one() -> Option<Nobody> {
        // SAFETY: these calls take no pointers. By number they change this thread alone.
        let done =
            unsafe { libc::geteuid() != 0 || libc::syscall(libc::SYS_setresuid, -1i32, 65534, -1i32) == 0 };
        if !done {
            eprintln!("skipped: cannot become a user without privileges");
        }
        done.then_some(Nobody)
    }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe {
            if libc::getuid() == 0 {
                libc::syscall(libc::SYS_setresuid, -1i32, 0, -1i32);
            }
        }
    }
}
