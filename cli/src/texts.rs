//! The words of help and man page.

use std::fmt::Write as _;

use cni::Status;

pub(crate) const ABOUT: &str =
    "Attach network namespaces to networks, by the plugins of the Container Network Interface (CNI)";

pub(crate) const ADD: &str = "Attach a network namespace to a network";
pub(crate) const CHECK: &str = "Check the attachment of a network namespace";
pub(crate) const DEL: &str = "Detach a network namespace from a network";
pub(crate) const GC: &str = "Delete the attachments of a network that are not valid any more";
pub(crate) const GC_LONG: &str = "\
Delete the attachments of a network that are not valid any more, and have its plugins remove what belongs to none of
the valid ones.

Valid are the attachments that --valid, --valid-file and --keep name. Without them, valid are those in the cache whose
network namespace still exists: nothing that lives is deleted; and when the cache knows no attachment of the network,
nothing is done at all. With --all none is valid.";
pub(crate) const STATUS: &str = "Ask the plugins of a network whether they are ready";
pub(crate) const NETWORKS: &str = "List the networks, their files, and the files that cannot be loaded";
pub(crate) const ATTACHMENTS: &str = "List the attachments in the cache";
pub(crate) const LIST: &str = "List the networks and the attachments";
pub(crate) const VALIDATE: &str =
    "Check that plugins are there and support the version of their network; all networks without NETWORK";
pub(crate) const RENDER: &str = "Show what a command would run, without running anything";
pub(crate) const VERSION: &str = "Show the version, and which versions of the specification plugins support";
pub(crate) const COMPLETIONS: &str = "Print the completions for a shell";
pub(crate) const MAN: &str = "Print the man page";

pub(crate) const NETWORK: &str = "Name of the network, or path (with a /) of its file";
pub(crate) const NETNS: &str = "Path of the network namespace; a relative one counts from here";
pub(crate) const NETNS_OR_CONTAINER: &str =
    "Path of the network namespace; may be left out when --container-id names an attachment in the cache";
pub(crate) const IGNORED_NETNS: &str = "Accepted, for the original has it; means nothing";
pub(crate) const PLUGIN: &str = "Type of a plugin: the name of its program";
pub(crate) const SHELL: &str = "The shell";

pub(crate) const CONF_DIR: &str =
    "Directory of network configurations [env: NETCONFPATH] [default: /etc/cni/net.d]";
pub(crate) const PLUGIN_DIR: &str =
    "Directory of plugins; may be given several times [env: CNI_PATH] [default: /opt/cni/bin]";
pub(crate) const CACHE_DIR: &str = "Directory in which attachments are remembered [default: /var/lib/cni]";
pub(crate) const IFNAME: &str =
    "Name of the interface inside the container [env: CNI_IFNAME] [default: eth0]";
pub(crate) const TIMEOUT: &str = "How long the command may take, in seconds";
pub(crate) const JSON: &str = "Print JSON, errors too";
pub(crate) const PROGRESS: &str =
    "Tell of each plugin as it runs, on stderr; the default when that is a terminal";
pub(crate) const QUIET: &str = "Do not tell of plugins as they run";
pub(crate) const CONTAINER_ID: &str =
    "Id of the container; the default is made of the network namespace's path";
pub(crate) const ARGS: &str =
    "Arguments for the plugins: KEY=VALUE;KEY2=VALUE2; may be given several times [env: CNI_ARGS]";
pub(crate) const CAP_ARGS: &str = "Capability arguments for the plugins: a JSON object [env: CAP_ARGS]";
pub(crate) const ROLLBACK: &str = "After a failure, delete what the plugins before it have made";
pub(crate) const TABLE: &str = "Print tables also when stdout is no terminal";
pub(crate) const VALID: &str = "A valid attachment: container id and interface; may be given several times";
pub(crate) const VALID_FILE: &str =
    "A file (- for stdin) with the valid attachments: a JSON array as `attachments --json` prints it";
pub(crate) const KEEP: &str =
    "A network namespace whose attachment is valid, by its default container id; may be given several times";
pub(crate) const ALL: &str = "No attachment is valid: delete all of them, also of containers that live";
pub(crate) const DRY_RUN: &str = "Only tell what would be deleted";
pub(crate) const FILTER_NETWORK: &str = "Only those to this network";
pub(crate) const FILTER_CONTAINER: &str = "Only those of this container";
pub(crate) const FILTER_NETNS: &str = "Only those of this network namespace";
pub(crate) const FILTER_GONE: &str = "Only those whose network namespace does not exist any more";
pub(crate) const FOR: &str = "Which command";

/// The variables of the environment. An option wins over its variable, an empty variable is as none.
pub(crate) const VARIABLES: [(&str, &str); 5] = [
    ("CNI_PATH", "directories of plugins, separated by colons"),
    ("NETCONFPATH", "directory of network configurations"),
    ("CNI_IFNAME", "name of the interface inside the container"),
    ("CNI_ARGS", "arguments for plugins: KEY=VALUE;KEY2=VALUE2"),
    ("CAP_ARGS", "capability arguments for plugins: a JSON object"),
];

/// The places of things.
pub(crate) const FILES: [(&str, &str); 3] = [
    ("/etc/cni/net.d", "network configurations: *.conflist, *.conf, *.json"),
    ("/opt/cni/bin", "plugins"),
    ("/var/lib/cni/results", "the cache: an attachment per file"),
];

/// What the exit codes mean that are no status.
pub(crate) const OTHER_CODES: [(&str, &str); 2] = [
    ("0", "success"),
    ("128+N", "interrupted by signal N: 130 is Ctrl-C; a half-made attachment was deleted"),
];

pub(crate) const CONTAINER_ID_RULE: &str = "The container's id, when none is given, is `cnitool-` and the first ten \
    bytes, in hexadecimal, of the SHA-512 of the absolute path of its network namespace: the one that every cnitool \
    uses.";

/// The exit codes that are the number of a status without its sign.
pub(crate) fn statuses() -> impl Iterator<Item = (i32, Status)> {
    (1..).map_while(|code| Status::from_number(-code).map(|status| (code, status)))
}

/// What a status means, in a line.
pub(crate) fn meaning(status: Status) -> &'static str {
    match status {
        Status::InvalidArgument => "the command line or the environment is wrong",
        Status::InvalidConfig => "a network configuration is wrong",
        Status::NetworkNotFound => "there is no such network",
        Status::PluginNotFound => "a plugin's program was not found",
        Status::Plugin => "a plugin failed",
        Status::IncompatibleVersion => "a plugin does not support the network's version",
        Status::InvalidResult => "a plugin's result is not valid",
        Status::Io => "a file could not be read, or a program not be started",
        Status::Cache => "the cache could not be read or written",
        Status::NotAdded => "there is no such attachment",
        Status::Timeout => "the time was over",
        Status::Cancelled => "cancelled",
        Status::CheckNotSupported => "the network's version has no CHECK",
        Status::Callback => "a callback failed (never here)",
        _ => "a defect of libcni",
    }
}

/// What follows on the options in the help.
pub(crate) fn after_help() -> String {
    let mut text = String::from("Environment (an option wins over its variable):\n");
    for (name, meaning) in VARIABLES {
        let _ = writeln!(text, "  {name:<12} {meaning}");
    }
    text += "\nExit codes:\n";
    for (code, meaning) in OTHER_CODES {
        let _ = writeln!(text, "  {code:<6} {meaning}");
    }
    for (code, status) in statuses() {
        let _ = writeln!(text, "  {code:<6} {:<20} {}", status.name(), meaning(status));
    }
    text.truncate(text.trim_end().len());
    text
}
