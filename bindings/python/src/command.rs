//! `python -m libcni`: cnitool's own code.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command line and returns the exit code. It is a program's whole life: it handles signals from then on.
#[pyfunction]
pub(crate) fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| cnitool::run(&cnitool::Program::PYTHON, arguments))
}
