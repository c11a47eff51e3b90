//! The command `cnitool`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(cnitool::run(&cnitool::Program::CNITOOL, std::env::args_os().skip(1)))
}
