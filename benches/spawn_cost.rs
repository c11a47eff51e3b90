//! What running a plugin costs a host with much memory, beside what fork costs it.
//!
//! Rounds of both, in turn, before and after the host has touched its memory (SPAWN_COST_MIB, by default
//! 4096); ratios, because absolute times say more of the machine than of the library.

#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use cni::Context;
use cni::exec::process::ProcessExec;
use cni::exec::{Exec, ExecRequest, Limits};
use cni::types::command::Command;

const ROUNDS: usize = 9;
const RUNS: usize = 20;

fn main() {
    let mebibytes: usize = std::env::var("SPAWN_COST_MIB").map_or(4096, |text| text.parse().unwrap());
    let small = measure();
    let mut memory = vec![0u8; mebibytes << 20];
    memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    let large = measure();
    assert_eq!(memory[0], 1);
    println!("one run of /bin/true, median of {ROUNDS} rounds of {RUNS} [least, most], in microseconds");
    println!("{:24} {:>28} {:>28} {:>7}", "", "small host", format!("{mebibytes} MiB touched"), "ratio");
    for (name, small, large) in [("libcni", &small.0, &large.0), ("fork and exec", &small.1, &large.1)] {
        let ratio = median(large) / median(small);
        println!("{name:24} {:>28} {:>28} {ratio:>7.2}", show(small), show(large));
    }
}

/// The rounds of libcni's runs and of plain forks, in microseconds for one run.
fn measure() -> (Vec<f64>, Vec<f64>) {
    let (mut ours, mut forked) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(time(run_plugin));
        forked.push(time(run_forked));
    }
    (ours, forked)
}

fn time(run: impl Fn()) -> f64 {
    let start = Instant::now();
    (0..RUNS).for_each(|_| run());
    start.elapsed().as_secs_f64() * 1e6 / RUNS as f64
}

fn run_plugin() {
    let limits = Limits { deadline: None, kill_grace: Duration::from_secs(1), max_output_bytes: 4096 };
    let context = Context::background();
    let request = ExecRequest::new(Command::Del, "true", Path::new("/bin/true"), limits, &context);
    ProcessExec::new().exec_plugin(&request).unwrap();
}

fn run_forked() {
    // SAFETY: the child calls only execv and _exit, which are async-signal-safe; the strings and the array
    // live until the exec.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            let arguments = [c"true".as_ptr(), std::ptr::null()];
            libc::execv(c"/bin/true".as_ptr(), arguments.as_ptr());
            libc::_exit(127);
        }
        assert!(child > 0);
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
    }
}

fn median(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn show(rounds: &[f64]) -> String {
    let least = rounds.iter().copied().fold(f64::INFINITY, f64::min);
    let most = rounds.iter().copied().fold(0.0, f64::max);
    format!("{:.0} [{least:.0}, {most:.0}]", median(rounds))
}
