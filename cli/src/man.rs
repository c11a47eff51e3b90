//! `man`: one page for all commands, generated from the command line.

use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use crate::answer::Answer;
use crate::{Call, Program, commands, texts};

pub(crate) fn man(_: &Call<'_>) -> Answer {
    Answer::text(page())
}

fn page() -> String {
    let mut command = commands::command(&Program::CNITOOL).after_help("");
    command.build();
    let mut text = Vec::new();
    let man = Man::new(command.clone()).source(format!("libcni {}", env!("CARGO_PKG_VERSION"))).date("");
    // Proof: writing to memory does not fail.
    let _ = man.render_title(&mut text).and_then(|()| man.render_name_section(&mut text));
    let mut text = String::from_utf8_lossy(&text).into_owned();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for each in subcommands(&command) {
        roff.text(synopsis(each));
        roff.control("br", []);
    }
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(texts::ABOUT), roman(". "), roman(texts::CONTAINER_ID_RULE)]);
    roff.control("SH", ["OPTIONS"]);
    options(&mut roff, command.get_arguments().filter(|option| option.get_id() != "help"));
    roff.control("SH", ["COMMANDS"]);
    for each in subcommands(&command) {
        roff.control("SS", [each.get_name()]);
        let about = each.get_long_about().or(each.get_about()).map(ToString::to_string).unwrap_or_default();
        for paragraph in about.split("\n\n") {
            roff.text([roman(paragraph.replace('\n', " "))]);
            roff.control("PP", []);
        }
        options(
            &mut roff,
            each.get_arguments().filter(|option| !option.is_global_set() && option.get_id() != "help"),
        );
    }
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman("An option wins over its variable; an empty variable is as none.")]);
    for (name, meaning) in texts::VARIABLES {
        entry(&mut roff, vec![bold(name)], meaning);
    }
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in texts::OTHER_CODES {
        entry(&mut roff, vec![bold(code)], meaning);
    }
    for (code, status) in texts::statuses() {
        let meaning = format!("{}: {}", status.name(), texts::meaning(status));
        entry(&mut roff, vec![bold(code.to_string())], &meaning);
    }
    roff.control("SH", ["FILES"]);
    for (path, meaning) in texts::FILES {
        entry(&mut roff, vec![italic(path)], meaning);
    }
    text += &roff.to_roff();
    text
}

fn subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| command.get_name() != "help")
}

fn synopsis(command: &Command) -> Vec<Inline> {
    let mut words = vec![bold(format!("cnitool {}", command.get_name())), roman(" [options]")];
    for argument in command.get_positionals() {
        let name =
            argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
        let optional = !argument.is_required_set();
        words.push(roman(if optional { " [" } else { " " }));
        words.push(italic(name));
        words.push(roman(if optional { "]" } else { "" }));
    }
    words
}

fn options<'a>(roff: &mut Roff, arguments: impl Iterator<Item = &'a Arg>) {
    for argument in arguments {
        let mut head = Vec::new();
        if let Some(short) = argument.get_short() {
            head.extend([bold(format!("-{short}")), roman(", ")]);
        }
        if let Some(long) = argument.get_long() {
            head.push(bold(format!("--{long}")));
        }
        if let Some(name) = argument.get_value_names().and_then(|names| names.first())
            && (argument.get_action().takes_values() || argument.is_positional())
        {
            head.extend([roman(if argument.is_positional() { "" } else { " " }), italic(name.as_str())]);
        }
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        entry(roff, head, &help);
    }
}

fn entry(roff: &mut Roff, head: Vec<Inline>, meaning: &str) {
    roff.control("TP", []);
    roff.text(head);
    roff.text([roman(meaning)]);
}
