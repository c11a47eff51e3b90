//! A plugin as a program.

use std::ffi::CString;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::Plugin;
use super::failure::error_object;
use super::log::Log;
use super::protocol::{self, Answer, Host};
use crate::context::Context;
use crate::error::Error;
use crate::exec::process::ProcessExec;
use crate::exec::{Environment, Exec, Limits};

/// The most that is read of stdin, in bytes.
const MAX_STDIN_BYTES: u64 = 64 << 20;

/// Runs the plugin once, as the program that it is in: reads the environment and stdin, prints the result or the error
/// object to stdout, and tells the exit code.
///
/// It is the whole of a plugin's `main`. stdin of more than 64 MiB is refused.
pub fn main(plugin: &dyn Plugin) -> ExitCode {
    ExitCode::from(run(plugin))
}

/// [`main`], with the exit code as a number, for programs whose `main` is not Rust's.
pub fn run(plugin: &dyn Plugin) -> u8 {
    let env: Environment = std::env::vars_os()
        .filter_map(|(name, value)| {
            CString::new([name.into_vec(), vec![b'='], value.into_vec()].concat()).ok()
        })
        .collect();
    // Nobody hands a deadline to a program: its runtime ends it, and what it runs, as one process group.
    let limits = Limits { deadline: None, kill_grace: Duration::from_secs(1), max_output_bytes: 16 << 20 };
    let exec: Arc<dyn Exec> = Arc::new(ProcessExec::in_callers_group());
    let host =
        Host { env: &env, exec: &exec, context: &Context::background(), limits, log: &Arc::new(Log::Stderr) };
    print(&protocol::run(plugin, &host, &mut || read_stdin().map(Into::into)))
}

/// What [`run`] does for a plugin that cannot even be asked.
#[cfg_attr(not(feature = "capi"), allow(dead_code))]
pub(crate) fn fail(error: &Error) -> u8 {
    print(&Answer { stdout: error_object(error), exit_code: 1 })
}

fn print(answer: &Answer) -> u8 {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(answer.stdout.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => answer.exit_code,
        Err(error) => {
            Log::Stderr.write(format!("failed to write to stdout: {error}\n").as_bytes());
            1
        }
    }
}

fn read_stdin() -> io::Result<Vec<u8>> {
    let mut stdin = Vec::new();
    io::stdin().lock().take(MAX_STDIN_BYTES + 1).read_to_end(&mut stdin)?;
    if stdin.len() as u64 > MAX_STDIN_BYTES {
        return Err(io::Error::other(format!("more than {MAX_STDIN_BYTES} bytes")));
    }
    Ok(stdin)
}
