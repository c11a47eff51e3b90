//! The command `cnitool`: networks and attachments from the command line. `python -m libcni` is the same command, by
//! the same code.
//!
//! | module | what lives there |
//! |---|---|
//! | `commands` | the command line: every command, option and help text; `texts` has the long ones |
//! | `settings`, `container`, `network` | what the options and the environment say: of the runtime, of one container, of one network |
//! | `attach`, `gc`, `ask`, `listing`, `validate`, `render` | what each command does |
//! | `answer`, `table`, `result`, `json` | what is printed |
//! | `progress`, `failure` | what is told of plugins as they run, and of what went wrong |
//! | `signals` | Ctrl-C |
//! | `completions`, `man` | what is generated from the command line |

mod answer;
mod ask;
mod attach;
mod commands;
mod completions;
mod container;
mod failure;
mod gc;
mod json;
mod listing;
mod man;
mod network;
mod progress;
mod render;
mod result;
mod settings;
mod signals;
mod table;
mod texts;
mod validate;

use std::ffi::OsString;

use clap::ArgMatches;
use cni::exec::process::ProcessExec;
use cni::{Cni, Context, ContextOptions, Result};

use answer::Answer;
use progress::Progress;
use settings::Settings;
use signals::Signals;

/// By which name the command was called.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// What begins a message.
    pub name: &'static str,
    /// What a person types.
    pub usage: &'static str,
}

impl Program {
    /// The program of its own.
    pub const CNITOOL: Program = Program { name: "cnitool", usage: "cnitool" };
    /// The Python package as a command.
    pub const PYTHON: Program = Program { name: "libcni", usage: "python -m libcni" };
}

/// Runs the command and returns the exit code: 0, the number of the failure's status without its sign, or 128 and the
/// number of the signal that interrupted it.
///
/// It is a program's whole life: it writes to stdout and stderr, reads the environment, and handles SIGINT, SIGTERM
/// and SIGHUP from then on. Plugins run on the calling thread.
pub fn run(program: &Program, arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match commands::parse(program, &arguments) {
        Ok(matches) => matches,
        Err(refusal) => return refusal.print(program),
    };
    let json = matches.get_flag("json");
    let context = match Context::new(ContextOptions::default()) {
        Ok(context) => context,
        Err(error) => return failure::print(program, &error, json, false),
    };
    let signals = Signals::watch(&context);
    let outcome = Call::new(&matches, &context).and_then(|call| call.run());
    match outcome {
        Ok(answer) => answer.print(program, json),
        Err(error) => {
            let code = failure::print(program, &error, json, progress::is_wanted(&matches));
            signals.came().filter(|_| error.status() == cni::Status::Cancelled).unwrap_or(code)
        }
    }
}

/// One call of one command.
struct Call<'a> {
    name: &'a str,
    matches: &'a ArgMatches,
    settings: Settings,
    cni: Cni,
    context: &'a Context,
}

impl<'a> Call<'a> {
    fn new(matches: &'a ArgMatches, context: &'a Context) -> Result<Call<'a>> {
        // The command line without a command is refused before.
        let (name, of_command) = matches.subcommand().unwrap_or(("", matches));
        let settings = Settings::read(of_command)?;
        let exec = ProcessExec::default();
        let cni = match progress::is_wanted(of_command) {
            true => Cni::with_observer(settings.options.clone(), exec, Progress::new()),
            false => Cni::with_exec(settings.options.clone(), exec),
        };
        Ok(Call { name, matches: of_command, settings, cni, context })
    }

    fn run(&self) -> Result<Answer> {
        match self.name {
            "add" => attach::add(self),
            "check" => attach::check(self),
            "del" => attach::del(self),
            "gc" => gc::gc(self),
            "status" => ask::status(self),
            "version" => ask::version(self),
            "networks" => listing::networks(self),
            "attachments" => listing::attachments(self),
            "list" => listing::everything(self),
            "validate" => validate::validate(self),
            "render" => render::render(self),
            "completions" => completions::completions(self),
            _ => Ok(man::man(self)),
        }
    }

    /// An argument that is text, when it was given.
    fn text(&self, name: &str) -> Option<&str> {
        settings::text(self.matches, name)
    }
}
