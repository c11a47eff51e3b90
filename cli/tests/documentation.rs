//! docs/CNITOOL.md does what it says: its session runs on a terminal, with real plugins, in private namespaces; its
//! table of exit codes is that of the help.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::terminal::Terminal;
use support::{Scene, root, skipped, tested};

fn document() -> String {
    fs::read_to_string(root().join("docs/CNITOOL.md")).unwrap()
}

/// The blocks of one language.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    document.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn real_plugins() -> Option<PathBuf> {
    let path = std::env::var_os("CNI_PATH").unwrap_or_default();
    let usual = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];
    let has_all =
        |dir: &PathBuf| ["bridge", "host-local", "tuning"].iter().all(|name| dir.join(name).is_file());
    std::env::split_paths(&path).chain(usual.map(PathBuf::from)).find(has_all)
}

/// A shell in private namespaces, as root there, whose /run and /var/lib are its own.
fn private_shell() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--net", "bash", "--norc", "-c"]);
    command
}

const BEGIN: &str =
    "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && ip link set lo up || exit 77\n";

#[test]
fn the_session_of_the_documentation_runs() {
    let Some(plugins) = real_plugins() else {
        return skipped("needs the reference plugins (Debian: containernetworking-plugins)");
    };
    if !private_shell().arg(BEGIN).output().is_ok_and(|output| output.status.success()) {
        return skipped("needs private namespaces and ip (Debian: iproute2)");
    }
    let plugins = plugins.to_str().unwrap();
    let document = document().replace("/usr/lib/cni", plugins);
    let scene = Scene::new();
    let tested = tested();
    fs::write(scene.path().join("mynet.conflist"), blocks(&document, "json")[0]).unwrap();
    let wanted = blocks(&document, "console").concat().replace("cnitool: ", &format!("{}: ", tested.name));

    let words: Vec<String> = tested.words.iter().map(|word| format!("'{word}'")).collect();
    let mut script = format!("{BEGIN}stty -opost 2>/dev/null\ncnitool() {{ {} \"$@\"; }}\n", words.join(" "));
    for command in wanted.lines().filter_map(|line| line.strip_prefix("$ ")) {
        // The code of a command is what the next one's `$?` is.
        script += &format!("printf '$ %s\\n' '{command}'; (exit ${{code:-0}}); {command}\ncode=$?\n");
    }
    let mut shell = private_shell();
    shell.arg(script);
    scene.furnish(&mut shell);
    let (terminal, mut child) = Terminal::spawn(shell);
    let found = terminal.read();
    assert!(child.wait().unwrap().success(), "{found}");
    assert_eq!(normal(&found), normal(&wanted), "\n{found}");
}

/// Without what differs from run to run: colours, what a terminal erases, durations, hardware addresses, names of
/// interfaces, and the widths that follow from them.
fn normal(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = line.rsplit('\r').next().unwrap();
        let mut plain = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("\x1b[") {
            plain += before;
            rest = after
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == ';')
                .get(1..)
                .unwrap_or_default();
        }
        plain += rest;
        let words = plain.split_whitespace().map(|word| match word {
            word if word.len() == 17 && word.matches(':').count() == 5 => "MAC",
            word if word.starts_with("veth") => "VETH",
            word if plain.ends_with(" ms") && word.parse::<f64>().is_ok() => "#",
            word => word,
        });
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.join("\n")
}

#[test]
fn the_readme_shows_a_part_of_the_session() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shown = blocks(&readme, "console");
    assert!(!shown.is_empty());
    let session = document();
    for block in shown {
        assert!(session.contains(block), "docs/CNITOOL.md lacks the README's\n{block}");
    }
}

#[test]
fn the_table_of_exit_codes_is_that_of_the_help() {
    let output = tested().command().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<String> = help
        .split("Exit codes:\n")
        .nth(1)
        .unwrap()
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|row| row.contains('_') || row.chars().filter(char::is_ascii_uppercase).count() > 1)
        .collect();
    assert!(rows.len() > 14, "{rows:?}");
    let document = document();
    for row in rows {
        let (code, rest) = row.split_once(' ').unwrap();
        let Some((status, meaning)) =
            rest.split_once(' ').filter(|(status, _)| *status == status.to_uppercase())
        else {
            continue;
        };
        let wanted = format!("| {code} | `{status}` | {meaning} |");
        assert!(document.contains(&wanted), "docs/CNITOOL.md lacks {wanted}");
    }
}

#[test]
fn every_command_is_in_the_documentation() {
    let output = tested().command().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let document = document();
    let mut count = 0;
    for name in
        commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help")
    {
        count += 1;
        let told = [" ", "`", "["].iter().any(|end| document.contains(&format!("`{name}{end}")));
        assert!(told, "docs/CNITOOL.md does not tell of {name}");
    }
    assert!(count > 10);
}

#[test]
fn links_lead_somewhere() {
    for link in document().split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(Path::new(&root().join("docs")).join(link).exists(), "{link}");
    }
}
