//! The driver of the Rust core: what one call of it costs in time and allocations, without a process around it.
//!
//! Settings, orders and answers are those of `driver.h`. It has `micro WHAT COUNT`, where WHAT is
//!
//! - `list`: a configuration list is parsed
//! - `request`: CHECK of one plugin that takes no time: its request is derived, and everything around that done
//! - `add`: ADD of one plugin that takes no time, kept nowhere; `add-inside`: of one that lives in the process
//! - `result`: a result is parsed
//! - `convert-FROM-TO`: a result of one version is parsed, converted to the other and printed

#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::Instant;

mod allocations;
mod quantities;

use quantities::Samples;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// Allocations do not differ from run to run, but for what a first one fills.
const COUNTED: u64 = 4;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo gives `--bench` too.
    let settings: BTreeMap<String, String> = std::env::args()
        .skip(1)
        .filter_map(|argument| {
            argument.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
        })
        .collect();
    let samples =
        Samples::read(settings.get("samples").ok_or("the driver needs samples=DIRECTORY")?.as_ref())?;
    for order in std::io::stdin().lock().lines() {
        let answer = answer(&samples, &order?)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(samples: &Samples, order: &str) -> Result<String, Box<dyn std::error::Error>> {
    let [what, count] = order
        .strip_prefix("micro ")
        .map(|rest| rest.split(' ').collect::<Vec<_>>())
        .and_then(|words| <[&str; 2]>::try_from(words).ok())
        .ok_or_else(|| format!("no such order: {order}"))?;
    let count: u64 = count.parse()?;
    let mut once = samples.quantity(what)?;
    once()?;
    let (allocated, outcome) = allocations::during(|| (0..COUNTED).try_for_each(|_| once()));
    outcome?;
    let start = Instant::now();
    for _ in 0..count {
        once()?;
    }
    let elapsed = start.elapsed().as_nanos();
    Ok(format!(r#"{{"ops":{count},"ns":{elapsed},"allocations":{}}}"#, allocated / COUNTED))
}
