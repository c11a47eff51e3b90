//! What a watch of the networks notices beyond files that come and go: links that are swapped, directories that are moved,
//! plugin directories, lost events, and what it does when the kernel has no more watches for it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cni::networks::{Change, DirLoad, Networks, NetworksOptions, Origin, Source, Watch, WatchOptions};
use cni::{Cni, CniOptions, Context, Status};
use common::Scene;

const DEBOUNCE: Duration = Duration::from_millis(10);

/// A limit for a test that fails; no test waits for it to pass.
const LIMIT: Duration = Duration::from_secs(30);

fn scene() -> Scene {
    Scene::with_plugins(&["fake"])
}

fn put(file: &Path, name: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!(r#"{{"cniVersion":"1.0.0","name":"{name}","type":"fake"}}"#)).unwrap();
}

fn watch_of(cni: Cni, source: Source) -> (Networks, Watch) {
    let options = NetworksOptions { sources: vec![source], loopback: false, ..NetworksOptions::default() };
    let networks = Networks::new(cni, options).unwrap();
    let watch = networks.watch(WatchOptions { debounce: DEBOUNCE }).unwrap();
    // The first one tells of what was before.
    next(&watch);
    (networks, watch)
}

fn watch_dir(scene: &Scene, dir: PathBuf) -> (Networks, Watch) {
    watch_of(scene.cni(), Origin::Dir { path: Some(dir), load: DirLoad::All }.into())
}

fn next(watch: &Watch) -> Change {
    watch.wait(&Context::with_timeout(LIMIT).unwrap()).unwrap()
}

fn names(networks: &Networks) -> Vec<String> {
    networks.config().networks().iter().map(|network| network.name().to_owned()).collect()
}

fn until(networks: &Networks, watch: &Watch, expected: &[&str]) {
    while names(networks) != expected {
        next(watch);
    }
}

/// Waits until the networks have so many plugins together.
fn until_plugins(networks: &Networks, watch: &Watch, expected: usize) {
    let count = || networks.config().networks().iter().map(|net| net.list().plugins().len()).sum::<usize>();
    while count() != expected {
        next(watch);
    }
}

/// Puts a link in the place of another one, as one step.
fn swap(target: impl AsRef<Path>, link: &Path) {
    let new = link.with_extension("new");
    symlink(target, &new).unwrap();
    fs::rename(&new, link).unwrap();
}

/// Whether it is readable now, or within `limit`.
fn readable(fd: BorrowedFd<'_>, limit: Duration) -> bool {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let limit = libc::c_int::try_from(limit.as_millis()).unwrap();
    // SAFETY: the kernel reads and writes one entry, which outlives the call.
    unsafe { libc::poll(&raw mut entry, 1, limit) == 1 }
}

/// Runs one test of this file in a process of its own, where `script` prepares what `"$@"` then runs in. Inside that
/// process it returns true.
fn alone(test: &str, script: &str) -> bool {
    const INSIDE: &str = "LIBCNI_TEST_ALONE";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let output = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
    false
}

#[test]
fn a_directory_that_is_a_link_is_watched_where_it_leads() {
    let scene = scene();
    put(&scene.path("v1/1.conf"), "one");
    put(&scene.path("v2/1.conf"), "two");
    symlink("v1", scene.path("net.d")).unwrap();
    let (networks, watch) = watch_dir(&scene, scene.path("net.d"));
    assert_eq!(names(&networks), ["one"]);
    swap("v2", &scene.path("net.d"));
    until(&networks, &watch, &["two"]);
    put(&scene.path("v2/1.conf"), "edited");
    until(&networks, &watch, &["edited"]);
    fs::remove_file(scene.path("net.d")).unwrap();
    until(&networks, &watch, &[]);
    symlink(scene.path("v1"), scene.path("net.d")).unwrap();
    until(&networks, &watch, &["one"]);
}

#[test]
fn a_link_further_up_that_is_swapped_is_noticed() {
    let scene = scene();
    put(&scene.path("v1/cni/net.d/1.conf"), "one");
    put(&scene.path("v2/cni/net.d/1.conf"), "two");
    symlink("v1", scene.path("etc")).unwrap();
    let (networks, watch) = watch_dir(&scene, scene.path("etc/cni/net.d"));
    swap("v2", &scene.path("etc"));
    until(&networks, &watch, &["two"]);
    // Two links one behind the other: the nearer one stays as it is.
    symlink("v1", scene.path("last")).unwrap();
    swap("last", &scene.path("etc"));
    until(&networks, &watch, &["one"]);
    swap("v2", &scene.path("last"));
    until(&networks, &watch, &["two"]);
}

#[test]
fn a_link_that_leads_nowhere_yet_is_noticed_when_it_does() {
    let scene = scene();
    fs::create_dir(scene.path("net.d")).unwrap();
    symlink(scene.path("far/away/a.conf"), scene.path("net.d/1.conf")).unwrap();
    let (networks, watch) = watch_dir(&scene, scene.path("net.d"));
    assert!(names(&networks).is_empty());
    put(&scene.path("far/away/a.conf"), "a");
    until(&networks, &watch, &["a"]);
}

#[test]
fn a_directory_that_is_moved_away_and_back_is_noticed() {
    let scene = scene();
    put(&scene.path("etc/net.d/1.conf"), "a");
    let (networks, watch) = watch_dir(&scene, scene.path("etc/net.d"));
    fs::rename(scene.path("etc/net.d"), scene.path("aside")).unwrap();
    until(&networks, &watch, &[]);
    put(&scene.path("aside/1.conf"), "b");
    fs::rename(scene.path("aside"), scene.path("etc/net.d")).unwrap();
    until(&networks, &watch, &["b"]);
    fs::rename(scene.path("etc"), scene.path("aside")).unwrap();
    until(&networks, &watch, &[]);
    fs::rename(scene.path("aside"), scene.path("etc")).unwrap();
    until(&networks, &watch, &["b"]);
    put(&scene.path("etc/net.d/1.conf"), "c");
    until(&networks, &watch, &["c"]);
}

#[test]
fn drop_in_directories_are_watched_also_behind_a_link_and_after_they_are_made_again() {
    let scene = scene();
    let list = r#"{"cniVersion":"1.0.0","name":"a","plugins":[{"type":"fake"}]}"#;
    fs::create_dir(scene.path("net.d")).unwrap();
    fs::write(scene.path("net.d/1.conflist"), list).unwrap();
    fs::create_dir(scene.path("more")).unwrap();
    symlink(scene.path("more"), scene.path("net.d/a")).unwrap();
    let (networks, watch) = watch_dir(&scene, scene.path("net.d"));
    until_plugins(&networks, &watch, 1);
    fs::write(scene.path("more/x.conf"), r#"{"type":"fake"}"#).unwrap();
    until_plugins(&networks, &watch, 2);
    fs::write(scene.path("y"), r#"{"type":"fake"}"#).unwrap();
    fs::rename(scene.path("y"), scene.path("more/y.conf")).unwrap();
    until_plugins(&networks, &watch, 3);
    fs::remove_dir_all(scene.path("more")).unwrap();
    until_plugins(&networks, &watch, 1);
    fs::create_dir(scene.path("more")).unwrap();
    fs::write(scene.path("more/x.conf"), r#"{"type":"fake"}"#).unwrap();
    until_plugins(&networks, &watch, 2);
}

#[test]
fn a_file_that_is_named_is_watched_with_its_directory() {
    let scene = scene();
    let file = scene.path("some/dir/a.conf");
    put(&file, "a");
    let (networks, watch) = watch_of(scene.cni(), Origin::ConfFile(file.clone()).into());
    put(&scene.path("b"), "b");
    fs::rename(scene.path("b"), &file).unwrap();
    until(&networks, &watch, &["b"]);
    fs::remove_dir_all(scene.path("some")).unwrap();
    while networks.config().problems().is_empty() {
        next(&watch);
    }
    put(&file, "c");
    until(&networks, &watch, &["c"]);
    fs::remove_file(&file).unwrap();
    put(&scene.path("v1"), "d");
    symlink(scene.path("v1"), &file).unwrap();
    until(&networks, &watch, &["d"]);
    put(&scene.path("v1"), "e");
    until(&networks, &watch, &["e"]);
}

#[test]
fn plugin_directories_are_watched_before_they_are_there_and_behind_links() {
    let scene = scene();
    fs::create_dir(scene.path("net.d")).unwrap();
    symlink("v1", scene.path("link")).unwrap();
    let dirs = vec![scene.path("opt/cni/bin"), scene.path("link")];
    let cni = Cni::new(CniOptions { plugin_dirs: dirs, ..scene.options() });
    let source = Origin::Dir { path: Some(scene.path("net.d")), load: DirLoad::All }.into();
    let (_networks, watch) = watch_of(cni, source);
    let noticed = || while !next(&watch).plugins {};
    fs::create_dir_all(scene.path("opt/cni/bin")).unwrap();
    noticed();
    fs::write(scene.path("opt/cni/bin/.new"), "").unwrap();
    noticed();
    fs::rename(scene.path("opt/cni/bin/.new"), scene.path("opt/cni/bin/bridge")).unwrap();
    noticed();
    fs::remove_file(scene.path("opt/cni/bin/bridge")).unwrap();
    noticed();
    fs::create_dir(scene.path("v1")).unwrap();
    noticed();
    fs::create_dir(scene.path("v2")).unwrap();
    swap("v2", &scene.path("link"));
    noticed();
    fs::write(scene.path("v2/bridge"), "").unwrap();
    noticed();
}

#[test]
fn a_change_whose_event_the_kernel_dropped_is_noticed() {
    let scene = scene();
    put(&scene.path("net.d/1.conf"), "a");
    let (networks, watch) = watch_dir(&scene, scene.path("net.d"));
    let most = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let most: usize = most.trim().parse().unwrap();
    // Nobody reads meanwhile. Two files in turn, so that no event is taken for a repetition of the one before. They lie in
    // a plugin directory: the networks are looked at again only because of the overflow, or of an event that is lost.
    let files = ["one", "two"].map(|name| fs::File::create(scene.path("bin").join(name)).unwrap());
    for at in 0..=most {
        files[at % 2].set_len(u64::try_from(at).unwrap()).unwrap();
    }
    put(&scene.path("net.d/1.conf"), "b");
    until(&networks, &watch, &["b"]);
    put(&scene.path("net.d/1.conf"), "c");
    until(&networks, &watch, &["c"]);
}

#[test]
fn without_changes_it_is_not_readable() {
    let scene = scene();
    put(&scene.path("net.d/1.conf"), "a");
    let (_networks, watch) = watch_dir(&scene, scene.path("net.d"));
    // What the start itself stirred up, such as access to the directory, is over once nothing is to be told.
    while watch.dispatch().unwrap().is_some() {}
    assert!(!readable(watch.as_fd(), Duration::ZERO));
    fs::write(scene.path("unrelated"), "").unwrap();
    while readable(watch.as_fd(), Duration::ZERO) {
        assert!(watch.dispatch().unwrap().is_none());
    }
    put(&scene.path("net.d/1.conf"), "b");
    assert!(readable(watch.as_fd(), LIMIT));
}

/// Descriptors of this process that a watch makes: number and flags.
fn descriptors() -> Vec<(i32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
        let target = fs::read_link(entry.path()).unwrap_or_default();
        if ["inotify", "eventpoll", "timerfd"].iter().any(|kind| target.to_string_lossy().contains(kind)) {
            let number: i32 = entry.file_name().to_str().unwrap().parse().unwrap();
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
            found.push((number, flags.trim().to_owned()));
        }
    }
    found
}

#[test]
fn its_descriptors_stay_out_of_programs_and_streams_and_are_closed() {
    // With stdin closed: the first new descriptor would be 0.
    if !alone("its_descriptors_stay_out_of_programs_and_streams_and_are_closed", r#"exec "$@" <&-"#) {
        return;
    }
    // The Rust runtime opens /dev/null in place of what is closed.
    // SAFETY: nothing in this process uses stdin.
    unsafe { libc::close(0) };
    let scene = scene();
    put(&scene.path("net.d/1.conf"), "a");
    assert_eq!(descriptors(), []);
    let mut stdin = None;
    for round in 0..20 {
        if round == 10 {
            // Now the numbers are above those of the streams from the start.
            stdin = Some(fs::File::open("/dev/null").unwrap());
        }
        let (networks, watch) = watch_dir(&scene, scene.path("net.d"));
        let open = descriptors();
        assert_eq!(open.len(), 3, "{open:?}");
        for (number, flags) in &open {
            assert!(*number > 2, "{open:?}");
            let flags = i32::from_str_radix(flags, 8).unwrap();
            assert_ne!(flags & libc::O_CLOEXEC, 0, "{open:?}");
        }
        drop(watch);
        drop(networks);
    }
    assert_eq!(stdin.map(|stdin| stdin.as_raw_fd()), Some(0));
    assert_eq!(descriptors(), []);
}

#[test]
fn directories_beyond_the_limit_are_among_the_errors_until_there_are_fewer() {
    let scene = scene();
    let dir = scene.path("net.d");
    put(&dir.join("1.conf"), "a");
    for at in 0..1024 {
        fs::create_dir(dir.join(format!("d{at:04}"))).unwrap();
    }
    let (networks, watch) = watch_dir(&scene, dir.clone());
    let problems = || -> Vec<(PathBuf, String)> {
        let snapshot = networks.config();
        let problem =
            |problem: &cni::networks::LoadProblem| (problem.path.clone(), problem.error.message().to_owned());
        snapshot.problems().iter().map(problem).collect()
    };
    let [(path, message)] = &problems()[..] else { panic!("{:?}", problems()) };
    // Some go to the directories on the way.
    assert!(path.starts_with(&dir) && path != &dir, "{}", path.display());
    assert!(message.starts_with("more than 1024 directories would have to be watched: "), "{message}");
    assert!(message.contains(&path.display().to_string()), "{message}");
    // A load of the same does not forget it, and changes nothing.
    let before = networks.config().generation();
    networks.load(None).unwrap();
    assert_eq!((problems().len(), networks.config().generation()), (1, before));
    // What is watched all the same is noticed.
    put(&dir.join("2.conf"), "b");
    until(&networks, &watch, &["a", "b"]);
    for at in 900..1024 {
        fs::remove_dir(dir.join(format!("d{at:04}"))).unwrap();
    }
    while !problems().is_empty() {
        next(&watch);
    }
    assert_eq!(names(&networks), ["a", "b"]);
}

/// In a user namespace of its own, where that limit holds for this process alone.
fn with_limit(test: &str, name: &str, value: u32) -> bool {
    let script = format!(
        r#"exec unshare --user --map-root-user sh -c 'echo {value} > /proc/sys/user/{name} && exec "$@"' sh "$@""#
    );
    alone(test, &script)
}

#[test]
fn without_an_instance_the_error_names_the_limit() {
    if !with_limit("without_an_instance_the_error_names_the_limit", "max_inotify_instances", 0) {
        return;
    }
    let scene = scene();
    let networks = Networks::new(scene.cni(), NetworksOptions::default()).unwrap();
    let error = networks.watch(WatchOptions { debounce: DEBOUNCE }).unwrap_err();
    assert_eq!(error.status(), Status::Io);
    assert!(error.message().contains("fs.inotify.max_user_instances"), "{}", error.message());
}

#[test]
fn without_watches_the_error_names_the_limit() {
    if !with_limit("without_watches_the_error_names_the_limit", "max_inotify_watches", 2) {
        return;
    }
    let scene = scene();
    let networks = Networks::new(scene.cni(), NetworksOptions::default()).unwrap();
    let error = networks.watch(WatchOptions { debounce: DEBOUNCE }).unwrap_err();
    assert_eq!(error.status(), Status::Io);
    assert!(error.message().contains("fs.inotify.max_user_watches"), "{}", error.message());
}

#[test]
fn a_watch_that_runs_out_of_watches_says_so_and_goes_on_when_there_are_some_again() {
    let test = "a_watch_that_runs_out_of_watches_says_so_and_goes_on_when_there_are_some_again";
    if !with_limit(test, "max_inotify_watches", 30) {
        return;
    }
    let scene = scene();
    put(&scene.path("net.d/1.conf"), "a");
    let (networks, watch) = watch_dir(&scene, scene.path("net.d"));
    for at in 0..40 {
        fs::create_dir(scene.path("net.d").join(format!("d{at}"))).unwrap();
    }
    let ctx = Context::with_timeout(LIMIT).unwrap();
    let error = loop {
        match watch.wait(&ctx) {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.status(), Status::Io);
    assert!(error.message().contains("fs.inotify.max_user_watches"), "{}", error.message());
    for at in 0..40 {
        fs::remove_dir(scene.path("net.d").join(format!("d{at}"))).unwrap();
    }
    put(&scene.path("net.d/1.conf"), "b");
    let ctx = Context::with_timeout(LIMIT).unwrap();
    while names(&networks) != ["b"] {
        assert_ne!(watch.wait(&ctx).map_err(|error| error.status()).err(), Some(Status::Timeout));
    }
}
