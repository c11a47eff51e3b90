//! What the other processes of these tests do. The test program starts itself again with the name of one
//! of these; on their own they do nothing.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cni::Status;
use cni::cache::{Cache, HeldLocks, LOCKS_VARIABLE};
use cni::context::Context;

use crate::{entry, key, mark, names, results, temporary_files};

const DIR: &str = "CACHE_TEST_DIR";

/// The command line of a child that works on that cache directory, and its environment.
pub fn command_line(test: &str) -> Vec<String> {
    let program = env::current_exe().unwrap().into_os_string().into_string().unwrap();
    let options = ["--exact", "--ignored", "--nocapture", "--test-threads=1"].map(str::to_owned);
    let mut line = vec![program, format!("children::{test}")];
    line.extend(options);
    line
}

/// A child by itself, or run by the program that `prefix` begins with.
pub fn command(prefix: &[&str], test: &str, dir: &Path) -> Command {
    let mut line: Vec<String> = prefix.iter().map(|&word| word.to_owned()).collect();
    line.extend(command_line(test));
    let mut command = Command::new(&line[0]);
    command
        .args(&line[1..])
        .env(DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The lines that a child says, without what the test harness says.
pub fn said(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter_map(|line| line.split_once("said: ").map(|(_, said)| said.to_owned()))
}

fn say(text: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "said: {text}").unwrap();
    out.flush().unwrap();
}

fn dir() -> Option<PathBuf> {
    env::var_os(DIR).map(PathBuf::from)
}

#[test]
#[ignore = "run as a child by the tests that kill it"]
fn stores_in_a_loop() {
    let Some(dir) = dir() else { return };
    let cache = Cache::new(dir, true);
    for round in 0u64.. {
        for container in ["a", "b", "c"] {
            cache.store(&entry(&key("net", container, "eth0"), &round.to_string())).unwrap();
        }
        say(&round.to_string());
    }
}

#[test]
#[ignore = "run as a child by the tests that kill it"]
fn stores_once() {
    let Some(dir) = dir() else { return };
    let cache = Cache::new(dir, true);
    match cache.store(&entry(&key("net", "id", "eth0"), "new")) {
        Ok(_) => say("stored"),
        Err(error) => {
            say(&format!("{:?} {} {}", error.status(), error.facts().path.as_deref().unwrap_or(""), error));
        }
    }
}

/// On a small file system of its own: whatever store fails, what was stored before stays whole.
#[test]
#[ignore = "run as a child on a small file system"]
fn stores_until_the_disk_is_full() {
    let Some(dir) = dir() else { return };
    let cache = Cache::new(&dir, true);
    let same = key("net", "same", "eth0");
    cache.store(&entry(&same, "0")).unwrap();
    let (mut stored, mut last) = (0, 0);
    let error = loop {
        // Larger and larger, so that it is not always the same step that fails.
        let next = entry(&key("net", &format!("id{stored}"), "eth0"), &"x".repeat(stored * 97));
        match cache.store(&next).and_then(|_| cache.store(&entry(&same, &"y".repeat(stored * 211)))) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.status(), Status::Cache);
    let path = error.facts().path.clone().unwrap();
    assert!(path.starts_with(results(&cache).join("net-").to_str().unwrap()), "{path}");
    assert_eq!(error.message(), format!("failed to write {path}: no space left on device"));
    // To the last page, so that the preflight has none left either.
    while cache.store(&entry(&key("net", &format!("last{last}"), "eth0"), "z")).is_ok() {
        last += 1;
    }
    assert_eq!(cache.check_writable(&same).unwrap_err().status(), Status::Cache);
    assert_eq!(temporary_files(&cache), [""; 0]);
    for id in 0..stored {
        assert_eq!(mark(&cache, &key("net", &format!("id{id}"), "eth0")).unwrap().len(), id * 97);
    }
    assert!(mark(&cache, &same).is_some());
    // A full disk is no reason not to delete.
    let background = Context::background();
    drop(cache.lock_attachment(&same, &background, None, &HeldLocks::none()).unwrap());
    for name in names(&results(&cache)) {
        let id = name.strip_prefix("net-").unwrap().strip_suffix("-eth0").unwrap();
        cache.remove(&key("net", id, "eth0")).unwrap();
    }
    assert_eq!(names(&results(&cache)), [""; 0]);
    cache.store(&entry(&same, "again")).unwrap();
    say("done");
}

#[test]
#[ignore = "run as a child on a read-only file system"]
fn works_on_a_read_only_file_system() {
    let Some(dir) = dir() else { return };
    let cache = Cache::new(dir, true);
    let key = key("net", "id", "eth0");
    assert_eq!(mark(&cache, &key).as_deref(), Some("old"));
    let background = Context::background();
    let guard = cache.lock_attachment(&key, &background, None, &HeldLocks::none()).unwrap();
    assert!(!guard.is_held());
    let outcomes = [
        cache.check_writable(&key).unwrap_err(),
        cache.store(&entry(&key, "new")).unwrap_err(),
        cache.remove(&key).unwrap_err(),
    ];
    for error in outcomes {
        assert_eq!(error.status(), Status::Cache);
        assert!(error.message().ends_with(": read-only file system"), "{error}");
        assert!(error.message().contains(error.facts().path.as_deref().unwrap()), "{error}");
    }
    assert_eq!(mark(&cache, &key).as_deref(), Some("old"));
    say("done");
}

#[test]
#[ignore = "run as a child under an odd umask"]
fn stores_and_locks() {
    let Some(dir) = dir() else { return };
    let cache = Cache::new(dir.join("made/on/the/way"), true);
    let (once, twice) = (key("net", "once", "eth0"), key("net", "twice", "eth0"));
    let background = Context::background();
    drop(cache.lock_attachment(&once, &background, None, &HeldLocks::none()).unwrap());
    for key in [&once, &twice, &twice] {
        cache.check_writable(key).unwrap();
        cache.store(&entry(key, "1")).unwrap();
        assert_eq!(mark(&cache, key).as_deref(), Some("1"));
    }
    say("done");
}

/// Takes the lock of an attachment and keeps it until it is told to go on, or killed.
#[test]
#[ignore = "run as a child that holds a lock"]
fn holds_the_lock() {
    let Some(dir) = dir() else { return };
    let cache = Cache::new(dir, true);
    let background = Context::background();
    let guard =
        cache.lock_attachment(&key("net", "id", "eth0"), &background, None, &HeldLocks::none()).unwrap();
    assert!(guard.is_held());
    say("locked");
    io::stdin().read_line(&mut String::new()).unwrap();
}

/// What a meta plugin does: the same attachment again, inside of the operation that runs it.
#[test]
#[ignore = "run as a child of an operation that holds the locks"]
fn locks_what_its_parent_holds() {
    let Some(dir) = dir() else { return };
    let cache = Cache::new(dir, true);
    let background = Context::background();
    let held = env::var(LOCKS_VARIABLE).map_or(HeldLocks::none(), |value| HeldLocks::parse(&value));
    // The parent waits for this child. With a deadline a deadlock is a failure and not a test without end.
    let deadline = Some(Instant::now() + Duration::from_secs(5));
    let network = cache.lock_network_shared("net", &background, deadline, &held).unwrap();
    let attachment = cache.lock_attachment(&key("net", "id", "eth0"), &background, deadline, &held).unwrap();
    let other = cache.lock_attachment(&key("net", "id", "eth1"), &background, deadline, &held).unwrap();
    say(&format!("{} {} {}", network.is_held(), attachment.is_held(), other.is_held()));
}

#[test]
#[ignore = "run as a child that counts under the lock"]
fn counts_under_the_lock() {
    let Some(dir) = dir() else { return };
    crate::locks::count(&dir);
    say("done");
}
