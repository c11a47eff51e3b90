//! What an operation may cost, in counts that are the same on every machine: system calls, allocations, instructions.
//!
//! The budgets are in `budgets.txt`. A count above its budget fails, and so does one that fell well below: the budget would
//! no longer notice the next growth. `make budgets` writes the counts of today, to be looked at and committed.
//!
//! Counted is the release build, in processes of their own: this program starts itself again (`work.rs`, `numbers.rs`), under
//! strace for the system calls and under callgrind for the instructions. What is not installed counts as skipped.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod budget;
mod calls;
mod instructions;
mod numbers;
mod work;

// As the benches count.
#[path = "../../benches/drivers/core/allocations.rs"]
mod allocations;
#[path = "../../benches/drivers/core/quantities.rs"]
mod quantities;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, ExitCode};

use budget::{Budgets, Count, Verdict};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// What can be counted, or why it cannot be here.
type Counted = Result<Vec<Count>, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["operate", directory] => work::operate(Path::new(directory)),
        ["calculate"] => numbers::calculate(),
        ["allocate"] => numbers::allocate(),
        ["--update"] => return update(),
        _ => return check(),
    }
    ExitCode::SUCCESS
}

fn counts() -> [(&'static str, Counted); 3] {
    [
        ("system calls", calls::counts()),
        ("allocations", numbers::allocations()),
        ("instructions", instructions::counts()),
    ]
}

fn check() -> ExitCode {
    let budgets = Budgets::read();
    let mut failed = false;
    for (what, counted) in counts() {
        let counts = match counted {
            Ok(counts) => counts,
            Err(reason) => {
                println!("skipped - {what}: {reason}");
                continue;
            }
        };
        let unkept: Vec<Verdict> = budgets.judge(&counts).collect();
        println!("{} - {what}: {} counts", if unkept.is_empty() { "ok" } else { "FAILED" }, counts.len());
        unkept.iter().for_each(|verdict| println!("    {verdict}"));
        failed |= !unkept.is_empty();
    }
    if !failed {
        return ExitCode::SUCCESS;
    }
    println!("\nBudgets are in {}. If the change is meant: `make budgets`, look", budget::FILE);
    println!("at the difference, and say in the commit what is bought with it.");
    ExitCode::FAILURE
}

fn update() -> ExitCode {
    let mut budgets = Budgets::read();
    for (what, counted) in counts() {
        match counted {
            Ok(counts) => budgets.put(&counts),
            Err(reason) => println!("kept as they are - {what}: {reason}"),
        }
    }
    budgets.write();
    println!("written: {}", budget::FILE);
    ExitCode::SUCCESS
}

/// This program again, for that work, behind the words of `prefix`; with the same small environment on every machine.
fn again(prefix: &[&OsStr], work: &[&OsStr]) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut words = prefix.iter().copied().chain([program.as_os_str()]).chain(work.iter().copied());
    let mut command = Command::new(words.next().unwrap());
    command.args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
    command
}

/// Why that program cannot be used here, if it cannot.
fn lacking(program: &str, arguments: &[&str]) -> Option<String> {
    let worked = Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    (!worked).then(|| format!("`{program} {}` does not work here", arguments.join(" ")))
}
