//! The plugin side: one plugin as a program and inside the process, and what surrounds it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;

mod docs;
mod in_process;
mod program;
