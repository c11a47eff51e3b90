//! Allocations of operations and of what needs no process, and the latter's work for callgrind.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use crate::budget::{Count, Exactness};
use crate::quantities::Samples;
use crate::{Counted, again, allocations, calls, work};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/budgets/samples");

const VERSIONS: [&str; 7] = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/// How often each quantity is done under callgrind, so that what the allocator does now and then is spread.
pub const ROUNDS: u64 = 10;

/// The quantities of `quantities.rs`: list parse, request derivation, result parse, every conversion.
pub fn names() -> Vec<String> {
    let plain = ["list", "request", "add", "add-inside", "result"].map(str::to_owned);
    let conversions = VERSIONS.iter().flat_map(|a| VERSIONS.iter().map(move |b| format!("convert-{a}-{b}")));
    plain.into_iter().chain(conversions).collect()
}

pub fn allocations() -> Counted {
    let scene = calls::scene();
    let cycle = work::OPERATIONS.map(|operation| operation.replace(' ', "-"));
    let mut counts =
        least("allocations of operations", &cycle, &[OsStr::new("operate"), scene.path().as_os_str()]);
    counts.extend(least("allocations of numbers", &names(), &[OsStr::new("allocate")]));
    Ok(counts)
}

/// What that work prints for each of `names`, one number a line; over and over, the least counts: outputs of plugins
/// that come in pieces cost more.
fn least(section: &str, names: &[String], work: &[&OsStr]) -> Vec<Count> {
    let output = again(&[], work).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{section}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
    assert!(!numbers.is_empty() && numbers.len().is_multiple_of(names.len()), "{section}: {}", numbers.len());
    let count = |(index, name): (usize, &String)| Count {
        section: section.to_owned(),
        name: name.clone(),
        value: numbers.iter().skip(index).step_by(names.len()).copied().min().unwrap_or(0),
        exactness: Exactness::Exact,
    };
    names.iter().enumerate().map(count).collect()
}

/// Prints how many allocations each quantity makes.
pub fn allocate() {
    let samples = Samples::read(Path::new(SAMPLES)).unwrap();
    for name in names() {
        let mut once = samples.quantity(&name).unwrap();
        once().unwrap();
        let (allocated, outcome) = allocations::during(&mut once);
        outcome.unwrap();
        println!("{allocated}");
    }
}

/// Does every quantity, inside of `collected` what is to be counted.
pub fn calculate() {
    let samples = Samples::read(Path::new(SAMPLES)).unwrap();
    for name in names() {
        let mut once = samples.quantity(&name).unwrap();
        once().unwrap();
        collected(&mut once);
    }
}

/// What callgrind looks for by name.
#[inline(never)]
fn collected(once: &mut dyn FnMut() -> Result<(), Box<dyn std::error::Error>>) {
    for _ in 0..ROUNDS {
        once().unwrap();
    }
}
