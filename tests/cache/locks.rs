//! Who waits for whom, and that nobody waits for ever.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cni::Status;
use cni::cache::{Cache, Guard, HeldLocks, LOCKS_VARIABLE};
use cni::context::{Context, ContextOptions};
use cni::types::attachment::AttachmentKey;

use crate::children;
use crate::{key, names};

const THREADS: u64 = 16;
const ROUNDS: u64 = 4;

/// Adds to a number in a file, by reading and writing: without exclusion, additions are lost.
pub fn count(dir: &Path) {
    let cache = Cache::new(dir, false);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let guard = attachment(&cache, &key("net", "id", "eth0")).unwrap();
                    let path = dir.join("counter");
                    let value: u64 = fs::read_to_string(&path).unwrap_or_default().parse().unwrap_or(0);
                    thread::yield_now();
                    fs::write(&path, (value + 1).to_string()).unwrap();
                    drop(guard);
                }
            });
        }
    });
}

fn attachment(cache: &Cache, key: &AttachmentKey) -> cni::Result<Guard> {
    cache.lock_attachment(key, &Context::background(), None, &HeldLocks::none())
}

/// A deadline that has passed already: a lock that is free is taken, any other is not waited for.
fn now() -> Option<Instant> {
    Some(Instant::now())
}

fn is_free(guard: cni::Result<Guard>) -> bool {
    match guard {
        Ok(guard) => guard.is_held(),
        Err(error) if error.status() == Status::Timeout => false,
        Err(error) => panic!("{error}"),
    }
}

struct Probe<'a> {
    cache: &'a Cache,
    context: Context,
    held: HeldLocks,
}

impl Probe<'_> {
    fn attachment(&self, key: &AttachmentKey) -> bool {
        is_free(self.cache.lock_attachment(key, &self.context, now(), &self.held))
    }

    fn shared(&self, network: &str) -> bool {
        is_free(self.cache.lock_network_shared(network, &self.context, now(), &self.held))
    }

    fn exclusive(&self, network: &str) -> bool {
        is_free(self.cache.lock_network_exclusive(network, &self.context, now(), &self.held))
    }
}

fn probe(cache: &Cache) -> Probe<'_> {
    Probe { cache, context: Context::background(), held: HeldLocks::none() }
}

fn fresh() -> (tempfile::TempDir, Cache) {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::new(dir.path(), false);
    (dir, cache)
}

#[test]
fn two_processes_of_sixteen_threads_go_one_by_one() {
    let (dir, _cache) = fresh();
    let mut child = children::command(&[], "counts_under_the_lock", dir.path()).spawn().unwrap();
    count(dir.path());
    assert_eq!(children::said(&mut child).last().as_deref(), Some("done"));
    assert!(child.wait().unwrap().success());
    let counted: u64 = fs::read_to_string(dir.path().join("counter")).unwrap().parse().unwrap();
    assert_eq!(counted, 2 * THREADS * ROUNDS);
    assert_eq!(names(&dir.path().join(".libcni")), ["locks"]);
    assert_eq!(fs::metadata(dir.path().join(".libcni/locks")).unwrap().len(), 0);
}

#[test]
fn an_attachment_is_locked_for_one_and_its_neighbours_are_free() {
    let (_dir, cache) = fresh();
    let guard = attachment(&cache, &key("a-b", "c", "eth0")).unwrap();
    let probe = probe(&cache);
    assert!(!probe.attachment(&key("a-b", "c", "eth0")));
    assert!(!probe.attachment(&key("a", "b-c", "eth0")), "they share a plain name");
    for other in [key("a-b", "c", "eth1"), key("a-b", "d", "eth0"), key("b", "c", "eth0")] {
        assert!(probe.attachment(&other), "{other:?}");
    }
    assert!(probe.exclusive("a-b") && probe.exclusive("a-b-c-eth0"), "networks are another matter");
    drop(guard);
    assert!(probe.attachment(&key("a-b", "c", "eth0")));
}

#[test]
fn gc_is_alone_on_its_network() {
    let (_dir, cache) = fresh();
    let probe = probe(&cache);
    let context = Context::background();
    let first = cache.lock_network_shared("net", &context, None, &HeldLocks::none()).unwrap();
    let second = cache.lock_network_shared("net", &context, None, &HeldLocks::none()).unwrap();
    assert!(!probe.exclusive("net"));
    assert!(probe.exclusive("other"));
    drop(first);
    assert!(!probe.exclusive("net"));
    drop(second);
    let gc = cache.lock_network_exclusive("net", &context, None, &HeldLocks::none()).unwrap();
    assert!(!probe.shared("net") && !probe.exclusive("net"));
    assert!(probe.shared("other"));
    drop(gc);
    assert!(probe.shared("net") && probe.exclusive("net"));
}

#[test]
fn a_waiting_gc_comes_before_those_that_come_after_it() {
    let (_dir, cache) = fresh();
    let context = Context::background();
    let add = cache.lock_network_shared("net", &context, None, &HeldLocks::none()).unwrap();
    thread::scope(|scope| {
        let gc = scope.spawn(|| {
            let guard = cache.lock_network_exclusive("net", &Context::background(), None, &HeldLocks::none());
            guard.unwrap().is_held()
        });
        // Later ADDs come in until gc stands at the gate. From then on they do not, or gc would never begin.
        let mut tries = 0..1_000_000;
        while probe(&cache).shared("net") {
            assert!(tries.next().is_some(), "nobody waits for gc");
            thread::yield_now();
        }
        assert!(!probe(&cache).shared("net"));
        // What the running ADD runs itself passes: gc waits for it in any case.
        let nested = Probe { held: HeldLocks::none().and(&add), ..probe(&cache) };
        assert!(nested.shared("net"));
        // What carries locks of another cache does not.
        let (_dir, other) = fresh();
        let foreign = attachment(&other, &key("net", "id", "eth0")).unwrap();
        assert!(!Probe { held: HeldLocks::none().and(&foreign), ..probe(&cache) }.shared("net"));
        drop(add);
        assert!(gc.join().unwrap());
    });
    assert!(probe(&cache).shared("net"));
}

#[test]
fn the_deadline_ends_a_wait() {
    let (_dir, cache) = fresh();
    let key = key("net", "id\n", "eth0");
    let _guard = attachment(&cache, &key).unwrap();
    let soon = || Some(Instant::now() + Duration::from_millis(30));
    let by_call =
        cache.lock_attachment(&key, &Context::background(), soon(), &HeldLocks::none()).unwrap_err();
    let context = Context::with_timeout(Duration::from_millis(30)).unwrap();
    let by_context = cache.lock_attachment(&key, &context, None, &HeldLocks::none()).unwrap_err();
    for error in [by_call, by_context] {
        assert_eq!(error.status(), Status::Timeout);
        assert_eq!(error.facts().attachment.as_ref(), Some(&key));
        assert_eq!(
            error.message(),
            "timed out while waiting for the lock of attachment (network \"net\", container \"id\\n\", \
             interface \"eth0\"): another operation holds it"
        );
    }
}

#[test]
fn cancelling_ends_a_wait_without_deadline() {
    let (_dir, cache) = fresh();
    let key = key("net", "id", "eth0");
    let _attachment = attachment(&cache, &key).unwrap();
    let _network =
        cache.lock_network_shared("net", &Context::background(), None, &HeldLocks::none()).unwrap();
    let context = Context::new(ContextOptions::default()).unwrap();
    let (waiting, begins) = mpsc::channel();
    thread::scope(|scope| {
        let waits = [
            scope.spawn({
                let waiting = waiting.clone();
                let (cache, key, context) = (&cache, &key, &context);
                move || {
                    waiting.send(()).unwrap();
                    cache.lock_attachment(key, context, None, &HeldLocks::none())
                }
            }),
            scope.spawn({
                let (cache, context) = (&cache, &context);
                move || {
                    waiting.send(()).unwrap();
                    cache.lock_network_exclusive("net", context, None, &HeldLocks::none())
                }
            }),
        ];
        begins.recv().unwrap();
        begins.recv().unwrap();
        context.cancel();
        for wait in waits {
            assert_eq!(wait.join().unwrap().unwrap_err().status(), Status::Cancelled);
        }
    });
}

#[test]
fn a_killed_holder_lets_go() {
    let (dir, cache) = fresh();
    let mut child = children::command(&[], "holds_the_lock", dir.path()).spawn().unwrap();
    assert_eq!(children::said(&mut child).next().as_deref(), Some("locked"));
    assert!(!probe(&cache).attachment(&key("net", "id", "eth0")));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(attachment(&cache, &key("net", "id", "eth0")).unwrap().is_held());
}

#[test]
fn a_forked_copy_of_the_host_does_not_keep_a_lock() {
    let (_dir, cache) = fresh();
    let key = key("net", "id", "eth0");
    let guard = attachment(&cache, &key).unwrap();
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors. The copy calls nothing but read and _exit.
    let copy = unsafe {
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        let pid = libc::fork();
        if pid == 0 {
            libc::close(ends[1]);
            libc::read(ends[0], [0u8; 1].as_mut_ptr().cast(), 1);
            libc::_exit(0);
        }
        assert!(pid > 0);
        pid
    };
    drop(guard);
    let free = probe(&cache).attachment(&key);
    // SAFETY: both descriptors are ours; closing the second ends the copy, which is then reaped.
    unsafe {
        libc::close(ends[0]);
        libc::close(ends[1]);
        libc::waitpid(copy, std::ptr::null_mut(), 0);
    }
    assert!(free);
}

#[test]
fn a_plugin_does_not_wait_for_its_own_parent() {
    let (dir, cache) = fresh();
    let context = Context::background();
    for gc in [false, true] {
        let network = if gc {
            cache.lock_network_exclusive("net", &context, None, &HeldLocks::none()).unwrap()
        } else {
            cache.lock_network_shared("net", &context, None, &HeldLocks::none()).unwrap()
        };
        let attachment = attachment(&cache, &key("net", "id", "eth0")).unwrap();
        let held = HeldLocks::none().and(&network).and(&attachment);
        let mut child = children::command(&[], "locks_what_its_parent_holds", dir.path())
            .env(LOCKS_VARIABLE, held.to_string())
            .spawn()
            .unwrap();
        // A shared lock is had by both; what only the parent can have is carried; the rest is taken.
        let expected = if gc { "false false true" } else { "true false true" };
        assert_eq!(children::said(&mut child).last().as_deref(), Some(expected));
        assert!(child.wait().unwrap().success());
        // The child did not unlock what it carried.
        assert!(!probe(&cache).attachment(&key("net", "id", "eth0")));
        assert!(!probe(&cache).exclusive("net"));
    }
}

#[test]
fn carrying_a_lock_counts_for_that_lock_of_that_cache_alone() {
    let (_dir, cache) = fresh();
    let (_other_dir, other) = fresh();
    let (mine, theirs) = (key("net", "id", "eth0"), key("net", "id", "eth1"));
    let guards = [attachment(&cache, &mine).unwrap(), attachment(&other, &mine).unwrap()];
    let _theirs = attachment(&cache, &theirs).unwrap();
    let held = HeldLocks::none().and(&guards[0]);
    let context = Context::background();
    let lock = |cache: &Cache, key| cache.lock_attachment(key, &context, now(), &held);
    assert!(!lock(&cache, &mine).unwrap().is_held());
    assert_eq!(lock(&cache, &theirs).unwrap_err().status(), Status::Timeout);
    assert_eq!(lock(&other, &mine).unwrap_err().status(), Status::Timeout);
    // A claim that has become stale takes the lock.
    drop(guards);
    assert!(lock(&cache, &mine).unwrap().is_held());
}

/// As ADD, DEL and GC do, all at once on one network and one attachment.
#[test]
fn every_waiter_gets_its_turn() {
    let (_dir, cache) = fresh();
    let start = Barrier::new(8);
    thread::scope(|scope| {
        for thread in 0..8 {
            let (cache, start) = (&cache, &start);
            scope.spawn(move || {
                start.wait();
                let context = Context::background();
                let held = HeldLocks::none();
                let network = if thread % 4 == 0 {
                    cache.lock_network_exclusive("net", &context, None, &held).unwrap()
                } else {
                    cache.lock_network_shared("net", &context, None, &held).unwrap()
                };
                let held = held.and(&network);
                let guard = cache.lock_attachment(&key("net", "id", "eth0"), &context, None, &held);
                assert!(network.is_held() && guard.unwrap().is_held());
            });
        }
    });
}
