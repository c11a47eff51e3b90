//! The command line: every command with its arguments, once for the program, its help, its completions and its man
//! page.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{EnumValueParser, NonEmptyStringValueParser, ValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, ValueHint, value_parser};
use cni::{Error, Status};

use crate::{Program, failure, settings, texts};

/// The whole command line.
pub(crate) fn command(program: &Program) -> Command {
    Command::new("cnitool")
        .bin_name(program.usage)
        .version(env!("CARGO_PKG_VERSION"))
        .about(texts::ABOUT)
        .after_help(texts::after_help())
        .subcommand_required(true)
        .arg_required_else_help(true)
        .args(shared())
        .subcommands([
            add(),
            of_container(network("check", texts::CHECK)).arg(netns(false)),
            of_container(network("del", texts::DEL)).arg(netns(false)),
            gc(),
            network("status", texts::STATUS).arg(ignored_netns()),
            Command::new("networks").about(texts::NETWORKS),
            attachments(),
            Command::new("list").about(texts::LIST),
            validate(),
            render(),
            version(),
            completions(),
            Command::new("man").about(texts::MAN),
        ])
}

/// Reads the command line.
pub(crate) fn parse(program: &Program, arguments: &[OsString]) -> Result<ArgMatches, Refusal> {
    let name = OsString::from(program.usage);
    command(program).try_get_matches_from([&name].into_iter().chain(arguments)).map_err(|error| {
        // Asked of what was read is nothing when nothing could be read.
        let json = arguments.iter().any(|argument| argument == "--json" || argument == "-j");
        Refusal { error, json }
    })
}

/// What is printed in place of running a command: help, the version, or what is wrong with the command line.
pub(crate) struct Refusal {
    error: clap::Error,
    json: bool,
}

impl Refusal {
    /// Prints it, and returns the exit code.
    pub(crate) fn print(&self, program: &Program) -> u8 {
        let text = self.error.render().to_string();
        match self.error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                crate::answer::write_out(&text);
                0
            }
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                crate::answer::write_err(&text);
                failure::code_of(Status::InvalidArgument)
            }
            _ if self.json => {
                let first = text.lines().next().unwrap_or_default();
                let message = first.strip_prefix("error: ").unwrap_or(first);
                failure::print(program, &Error::new(Status::InvalidArgument, message), true, false)
            }
            _ => {
                let message = text.strip_prefix("error: ").unwrap_or(&text);
                crate::answer::write_err(&format!("{}: {message}", program.name));
                failure::code_of(Status::InvalidArgument)
            }
        }
    }
}

fn shared() -> Vec<Arg> {
    let options = [
        directory("conf-dir").help(texts::CONF_DIR),
        directory("plugin-dir").action(ArgAction::Append).help(texts::PLUGIN_DIR),
        directory("cache-dir").help(texts::CACHE_DIR),
        // An empty one is as none, as the original has it.
        option("ifname", "NAME").short('i').value_parser(value_parser!(String)).help(texts::IFNAME),
        option("timeout", "SECONDS").value_parser(ValueParser::new(settings::seconds)).help(texts::TIMEOUT),
        flag("json").short('j').help(texts::JSON),
        flag("progress").help(texts::PROGRESS).overrides_with("quiet"),
        flag("quiet").short('q').help(texts::QUIET).overrides_with("progress"),
    ];
    options.into_iter().map(|option| option.global(true).help_heading("Common options")).collect()
}

fn add() -> Command {
    of_container(network("add", texts::ADD))
        .arg(netns(true))
        .arg(flag("rollback").help(texts::ROLLBACK))
        .arg(flag("table").help(texts::TABLE).conflicts_with("json"))
}

fn gc() -> Command {
    network("gc", texts::GC)
        .long_about(texts::GC_LONG)
        .arg(ignored_netns())
        .arg(option("valid", "ID:IFNAME").action(ArgAction::Append).help(texts::VALID))
        .arg(
            option("valid-file", "FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help(texts::VALID_FILE),
        )
        .arg(
            option("keep", "NETNS")
                .action(ArgAction::Append)
                .value_hint(ValueHint::FilePath)
                .help(texts::KEEP),
        )
        .arg(flag("all").help(texts::ALL))
        .group(
            ArgGroup::new("valid set")
                .args(["valid", "valid-file", "keep"])
                .multiple(true)
                .conflicts_with("all"),
        )
        .arg(flag("dry-run").short('n').help(texts::DRY_RUN))
}

fn attachments() -> Command {
    Command::new("attachments")
        .about(texts::ATTACHMENTS)
        .arg(option("network", "NETWORK").help(texts::FILTER_NETWORK))
        .arg(option("container-id", "ID").help(texts::FILTER_CONTAINER))
        .arg(option("netns", "NETNS").value_hint(ValueHint::FilePath).help(texts::FILTER_NETNS))
        .arg(flag("gone").help(texts::FILTER_GONE))
}

fn validate() -> Command {
    Command::new("validate").about(texts::VALIDATE).arg(positional("network", "NETWORK").help(texts::NETWORK))
}

fn render() -> Command {
    of_container(network("render", texts::RENDER)).arg(netns(false)).arg(
        option("for", "COMMAND")
            .value_parser(["add", "check", "del", "gc", "status"])
            .default_value("add")
            .help(texts::FOR),
    )
}

fn version() -> Command {
    let plugins = positional("plugin", "PLUGIN").action(ArgAction::Append).num_args(0..).help(texts::PLUGIN);
    Command::new("version").about(texts::VERSION).arg(plugins)
}

fn completions() -> Command {
    let shell = Arg::new("shell")
        .value_name("SHELL")
        .value_parser(EnumValueParser::<clap_complete::Shell>::new())
        .required(true);
    Command::new("completions").about(texts::COMPLETIONS).alias("completion").arg(shell.help(texts::SHELL))
}

fn network(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).arg(positional("network", "NETWORK").required(true).help(texts::NETWORK))
}

/// The options that tell of a container.
fn of_container(command: Command) -> Command {
    command
        .arg(option("container-id", "ID").help(texts::CONTAINER_ID))
        .arg(option("args", "KEY=VALUE").action(ArgAction::Append).help(texts::ARGS))
        .arg(option("cap-args", "JSON").help(texts::CAP_ARGS))
}

/// Without it, a container id tells which attachment is meant.
fn netns(always: bool) -> Arg {
    let netns = positional("netns", "NETNS").value_hint(ValueHint::FilePath);
    match always {
        true => netns.required(true).help(texts::NETNS),
        false => netns.help(texts::NETNS_OR_CONTAINER),
    }
}

fn ignored_netns() -> Arg {
    positional("netns", "NETNS").value_hint(ValueHint::FilePath).help(texts::IGNORED_NETNS)
}

fn positional(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).value_name(value)
}

fn option(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(NonEmptyStringValueParser::new())
}

fn directory(name: &'static str) -> Arg {
    option(name, "DIR").value_parser(value_parser!(PathBuf)).value_hint(ValueHint::DirPath)
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command(&Program::CNITOOL).debug_assert();
    }
}
