//! The loopback plugin as a program, to be installed as `loopback` in a plugin directory.

use std::process::ExitCode;

fn main() -> ExitCode {
    cni::plugin::main(&cni::plugin::Loopback)
}
