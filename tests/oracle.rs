//! This library against the Go original, over generated cases.
//!
//! See `oracle/harness/mod.rs` for the parts and `oracle/harness/runner.rs` for the variables.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "oracle/harness/mod.rs"]
mod harness;

#[path = "oracle/vectors.rs"]
mod vectors;

#[path = "oracle/edges.rs"]
mod edges;

#[path = "oracle/live.rs"]
mod live;

use harness::{generate, runner};

#[test]
fn configurations_are_read_as_the_original_reads_them() {
    runner::hold_generated("configurations", 200, generate::configurations());
}

#[test]
fn directories_are_searched_as_the_original_searches_them() {
    runner::hold_generated("directories", 50, generate::directories());
}

#[test]
fn results_convert_as_in_the_original() {
    runner::hold_generated("results", 400, generate::results());
}

#[test]
fn operations_do_what_the_original_does() {
    runner::hold_generated("operations", 100, generate::operations());
}

#[test]
fn replay() {
    runner::replay();
}
