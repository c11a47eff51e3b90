//! System calls of operations, as strace sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::budget::{Count, Exactness};
use crate::work::{CYCLES, OPERATIONS};
use crate::{Counted, again, lacking};

/// How many of these there are depends on how fast the plugin is, or on what the allocator does.
const VARYING: [&str; 6] = ["ppoll", "read", "brk", "mmap", "munmap", "madvise"];

type Calls = BTreeMap<String, u64>;

/// A directory in memory with the plugin at `bin/trivial`.
pub fn scene() -> TempDir {
    let scene = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir(scene.path().join("bin")).unwrap();
    let compiled = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
        .args(["-std=c11", "-O1", "-o"])
        .arg(scene.path().join("bin/trivial"))
        .arg(root.join("benches/plugins/static.c"))
        .status()
        .expect("a C compiler is needed for the plugin");
    assert!(compiled.success());
    scene
}

pub fn counts() -> Counted {
    if cfg!(not(target_arch = "x86_64")) {
        return Err("the budgets are x86-64's, whose system calls have other names".to_owned());
    }
    if let Some(reason) = lacking("strace", &["-f", "-qq", "-o", "/dev/null", "true"]) {
        return Err(reason);
    }
    let scene = scene();
    let log = scene.path().join("log");
    let prefix = ["strace", "-f", "-qq", "-s", "0", "-o"].map(OsStr::new);
    let prefix = [&prefix[..], &[log.as_os_str()]].concat();
    let work = [OsStr::new("operate"), scene.path().as_os_str()];
    let output = again(&prefix, &work).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let operations = by_operation(&std::fs::read_to_string(log).unwrap())?;
    Ok(OPERATIONS.iter().enumerate().flat_map(|(index, name)| of(name, &operations, index)).collect())
}

/// The calls of each operation that is counted, in order.
///
/// # Errors
/// A sentence when the kernel lacks a call that the budgets are made with.
fn by_operation(log: &str) -> Result<Vec<Calls>, String> {
    let mut operations: Vec<Calls> = Vec::new();
    let (mut host, mut inside) = (None, false);
    let mut plugins = BTreeSet::new();
    for line in log.lines() {
        let Some((process, rest)) = line.split_once(' ') else { continue };
        if let Some((call, _)) = rest.split_once("= -1 ENOSYS") {
            return Err(format!("this kernel has no {}", call.trim()));
        }
        // Not signals, ends, and the second halves of calls.
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        if !call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let host = *host.get_or_insert(process);
        if process == host && call == "getppid" {
            inside = !inside;
            if inside {
                operations.push(Calls::new());
                plugins.clear();
            }
        } else if inside && !plugins.contains(process) {
            let calls = operations.last_mut().expect("inside of one");
            *calls.entry(call.to_owned()).or_default() += 1;
            if call == "execve" {
                plugins.insert(process);
            }
        }
    }
    assert_eq!(operations.len(), OPERATIONS.len() * (CYCLES + 1), "the trace lacks operations");
    Ok(operations.split_off(OPERATIONS.len()))
}

/// The medians of one operation over its cycles.
fn of<'a>(name: &'a str, operations: &'a [Calls], index: usize) -> impl Iterator<Item = Count> + 'a {
    let cycles: Vec<&Calls> = operations.iter().skip(index).step_by(OPERATIONS.len()).collect();
    let calls: BTreeSet<&String> = cycles.iter().flat_map(|calls| calls.keys()).collect();
    let count = move |call: &str, value, exactness| Count {
        section: format!("system calls of {name}"),
        name: call.to_owned(),
        value,
        exactness,
    };
    let mut counts = Vec::new();
    let mut total = 0;
    for call in calls {
        let mut values: Vec<u64> = cycles.iter().map(|calls| calls.get(call).copied().unwrap_or(0)).collect();
        values.sort_unstable();
        let median = values[values.len() / 2];
        if VARYING.contains(&call.as_str()) {
            counts.push(count(call, median, Exactness::Varying));
        } else if median > 0 {
            total += median;
            counts.push(count(call, median, Exactness::Part));
        }
    }
    counts.push(count("total", total, Exactness::Exact));
    counts.into_iter()
}
