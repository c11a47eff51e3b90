//! Instructions of what needs no process, as callgrind counts them.

use std::ffi::{OsStr, OsString};

use crate::budget::{Count, Exactness};
use crate::{Counted, again, lacking, numbers};

pub fn counts() -> Counted {
    if cfg!(not(target_arch = "x86_64")) {
        return Err("the budgets are x86-64's".to_owned());
    }
    if let Some(reason) = lacking("valgrind", &["--quiet", "--tool=none", "true"]) {
        return Err(reason);
    }
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("counts");
    let mut to = OsString::from("--callgrind-out-file=");
    to.push(&out);
    let prefix = [
        OsStr::new("valgrind"),
        OsStr::new("--quiet"),
        OsStr::new("--tool=callgrind"),
        OsStr::new("--toggle-collect=budgets::numbers::collected"),
        OsStr::new("--dump-after=budgets::numbers::collected"),
        &to,
    ];
    let output = again(&prefix, &[OsStr::new("calculate")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // One file for each end of `collected`.
    let count = |(index, name): (usize, String)| {
        let path = out.with_extension((index + 1).to_string());
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("no counts of {name}: {error}; callgrind finds no `budgets::numbers::collected` without symbols")
        });
        let total = text.lines().find_map(|line| line.strip_prefix("summary: ")).expect("a summary");
        let value = total.trim().parse::<u64>().unwrap() / numbers::ROUNDS;
        Count { section: "instructions of numbers".to_owned(), name, value, exactness: Exactness::Near }
    };
    Ok(numbers::names().into_iter().enumerate().map(count).collect())
}
