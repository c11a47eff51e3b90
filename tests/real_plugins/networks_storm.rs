//! A directory that is torn at while containers come and go.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use cni::networks::{Networks, Watch, WatchOptions};
use cni::{Context, Status};
use serde_json::json;

use crate::host::Host;
use crate::node::{remove, set_up};

rules! {
    both:
        containers_come_and_go_under_a_storm_of_changes_and_nothing_stays;
    newest:
        what_the_storm_leaves_is_what_new_containers_get;
}

const NETWORKS: u8 = 4;
const THREADS: usize = 4;
const ROUNDS: usize = 6;

/// Names with interfaces, in the order of the set-up.
type Loaded = Vec<(String, String)>;

fn loaded(networks: &Networks) -> Loaded {
    let snapshot = networks.config();
    let of = |network: &cni::networks::Network| (network.name().to_owned(), network.if_name().to_owned());
    snapshot.networks().iter().map(of).collect()
}

fn put(host: &Host, number: u8, mtu: u32) {
    let mut bridge = host.numbered_bridge(number);
    bridge["mtu"] = json!(mtu);
    host.put(&format!("{number}.conflist"), &format!("net{number}"), &[bridge]);
}

/// One change of many kinds. It never waits, and what it finds otherwise than it expects is the storm's own doing.
fn tear(host: &Host, dir: &Path, step: usize) {
    let number = u8::try_from(step % usize::from(NETWORKS)).unwrap() + 1;
    let file = dir.join(format!("{number}.conflist"));
    let aside = host.path("torn");
    match step % 11 {
        0 | 5 => put(host, number, 1400 + u32::from(number)),
        1 => drop(fs::remove_file(&file)),
        2 => drop(fs::write(&file, "{\"cniVersion\": \"1.0.0\", \"na")),
        3 => drop(fs::rename(&file, dir.join("9.conflist"))),
        4 => drop(fs::rename(dir.join("9.conflist"), &file)),
        6 => drop(symlink("/nowhere", dir.join("0.conflist"))),
        7 => drop(fs::remove_file(dir.join("0.conflist"))),
        8 => drop(fs::create_dir_all(dir.join(format!("net{number}")))),
        9 if step % 3 == 1 => drop(fs::rename(dir, &aside)),
        9 => drop(fs::remove_dir_all(dir.join(format!("net{number}")))),
        _ => {
            // Also a directory that is not there.
            let _ = fs::rename(&aside, dir);
            let _ = fs::create_dir(dir);
            put(host, number, 1450);
        }
    }
}

/// What the networks were at any time, as the one who loads them saw it.
fn dispatch_until(done: &AtomicBool, networks: &Networks, watch: &Watch) -> BTreeSet<Loaded> {
    let mut seen = BTreeSet::from([loaded(networks)]);
    while !done.load(Ordering::Relaxed) {
        let ctx = Context::with_timeout(Duration::from_millis(20)).unwrap();
        match watch.wait(&ctx) {
            Ok(_) => drop(seen.insert(loaded(networks))),
            Err(error) => assert_eq!(error.status(), Status::Timeout, "{}", error.to_json()),
        }
    }
    seen
}

fn containers_come_and_go_under_a_storm_of_changes_and_nothing_stays(host: &Host) {
    let dir = host.conf_dir();
    (1..=NETWORKS).for_each(|number| put(host, number, 1400));
    let networks = &host.networks(|_| {});
    // So that no bridge is made by two plugins at once, which disturb each other.
    let first = host.container("first");
    set_up(networks, &first);
    remove(networks, &first);
    let before = host.interfaces();
    let watch = &networks.watch(WatchOptions { debounce: Duration::from_millis(2) }).unwrap();
    let (done, running) = (&AtomicBool::new(false), &AtomicUsize::new(THREADS));
    let used: &Mutex<Vec<Loaded>> = &Mutex::default();
    let seen = thread::scope(|scope| {
        let watcher = scope.spawn(|| dispatch_until(done, networks, watch));
        let storm = scope.spawn(|| {
            let mut step = 0;
            while !done.load(Ordering::Relaxed) {
                tear(host, &dir, step);
                step += 1;
                // Leaves the processor to the plugins: a thousand changes in a second are storm enough.
                thread::sleep(Duration::from_millis(1));
            }
        });
        let containers: Vec<_> = (0..THREADS)
            .map(|number| {
                scope.spawn(move || {
                    let _ended = Ended(running, done);
                    let container = host.container(&format!("c{number}"));
                    let wanted = cni::networks::Container {
                        parallel: Some(number % 2 == 0),
                        ..container.of_networks()
                    };
                    for _ in 0..ROUNDS {
                        match networks.setup(&Context::background(), &wanted) {
                            Ok(result) => {
                                let of = |one: &cni::networks::NetworkResult| {
                                    (one.network.clone(), one.if_name.clone())
                                };
                                let result: Loaded = result.results().iter().map(of).collect();
                                let links: Vec<_> = result.iter().map(|(_, link)| link.clone()).collect();
                                let mut sorted = links.clone();
                                sorted.sort();
                                assert_eq!(container.net.link_names(), sorted);
                                used.lock().unwrap().push(result);
                            }
                            // There may be none at times; nothing else may fail.
                            Err(error) => {
                                assert_eq!(error.status(), Status::NetworkNotFound, "{}", error.to_json());
                            }
                        }
                        remove(networks, &container);
                        assert_eq!(container.net.link_names(), ["lo"]);
                    }
                })
            })
            .collect();
        for container in containers {
            container.join().unwrap();
        }
        storm.join().unwrap();
        watcher.join().unwrap()
    });
    let used = used.lock().unwrap();
    assert!(!used.is_empty() && seen.len() > 1, "{} set-ups, {} states", used.len(), seen.len());
    for used in &*used {
        assert!(seen.contains(used), "{used:?} was never loaded");
    }
    assert_eq!(host.interfaces(), before);
    assert_eq!((host.all_leases(), host.cached()), (vec![], vec![]));
}

/// Tells the others when the last thread with containers ends, however it does.
struct Ended<'a>(&'a AtomicUsize, &'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if self.0.fetch_sub(1, Ordering::Relaxed) == 1 || thread::panicking() {
            self.1.store(true, Ordering::Relaxed);
        }
    }
}

fn what_the_storm_leaves_is_what_new_containers_get(host: &Host) {
    let dir = host.conf_dir();
    put(host, 1, 1400);
    let networks = host.networks(|_| {});
    let watch = networks.watch(WatchOptions { debounce: Duration::from_millis(2) }).unwrap();
    let container = host.container("c1");
    for storm in 0..5 {
        for step in 0..200 {
            tear(host, &dir, storm * 200 + step);
        }
        let _ = fs::remove_dir_all(host.path("torn"));
        let _ = fs::remove_dir_all(&dir);
        put(host, 2, 1410);
        put(host, 3, 1420);
        // A limit for a test that fails.
        let ctx = Context::with_timeout(Duration::from_secs(60)).unwrap();
        let of = |name: &str, if_name: &str| (name.to_owned(), if_name.to_owned());
        let expected = [of("cni-loopback", "lo"), of("net2", "eth0"), of("net3", "eth1")];
        let is_new = || {
            let snapshot = networks.config();
            loaded(&networks) == expected && snapshot.problems().is_empty() && {
                let text =
                    |at: usize| String::from_utf8_lossy(snapshot.networks()[at].list().bytes()).into_owned();
                text(1).contains("1410") && text(2).contains("1420")
            }
        };
        while !is_new() {
            watch.wait(&ctx).unwrap();
        }
        set_up(&networks, &container);
        assert_eq!(container.net.link("eth0").unwrap()["mtu"], 1410);
        assert_eq!(container.net.addresses("eth1").len(), 1);
        remove(&networks, &container);
    }
    assert_eq!((host.all_leases(), host.cached()), (vec![], vec![]));
}
