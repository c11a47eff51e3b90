"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from libcni import errors
from libcni._libcni import __version__

_DESCRIPTION = "Attach network namespaces to networks by the plugins of the Container Network Interface (CNI)."

_EPILOG = """\
environment:
  CNI_PATH       directories of plugins, separated by colons (default /opt/cni/bin)
  NETCONFPATH    directory of network configurations (default /etc/cni/net.d)
  CNI_IFNAME     name of the interface inside the container (default eth0)
  CNI_ARGS       arguments for plugins: KEY=VALUE;KEY2=VALUE2
  CAP_ARGS       capability arguments for plugins: a JSON object

The container's id is made of the path of its network namespace, as cnitool does.

exit codes:
  0 success, 130 interrupted, or the kind of failure:
{codes}
"""


class _Parser(argparse.ArgumentParser):
    """A wrong command line is an invalid argument, and has its exit code."""

    def error(self, message: str) -> NoReturn:
        self.print_usage()
        self.exit(-errors.InvalidArgumentError.status_number, f"{self.prog}: {message}\n")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line; ``command`` is what to do."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("-j", "--json", action="store_true", help="print JSON")
    shared.add_argument("-q", "--quiet", action="store_true", help="do not tell of each plugin as it runs")
    shared.add_argument("-i", "--ifname", metavar="NAME", help="name of the interface inside the container")
    shared.add_argument("--container-id", metavar="ID", help="another container id than the network namespace's")
    shared.add_argument("--cache-dir", metavar="DIR", help="where attachments are remembered (default /var/lib/cni)")
    shared.add_argument("--timeout", metavar="SECONDS", type=_seconds, help="how long it may take")

    parser: argparse.ArgumentParser = _Parser(
        prog="python -m libcni",
        description=_DESCRIPTION,
        epilog=_EPILOG.format(codes=_codes()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"libcni {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help, parents=[shared])

    def network_command(name: str, help: str, *, about_netns: bool = False) -> argparse.ArgumentParser:
        added = command(name, help)
        added.add_argument("network", metavar="NETWORK", help="name in NETCONFPATH, or path of a .conflist file")
        # Where it does not matter it may be there, as cnitool has it.
        nargs = None if about_netns else "?"
        added.add_argument("netns", metavar="NETNS", nargs=nargs, help="path of the network namespace")
        return added

    network_command("add", "attach a network namespace to a network", about_netns=True)
    network_command("check", "check the attachment of a network namespace", about_netns=True)
    network_command("del", "detach a network namespace from a network", about_netns=True)
    gc = network_command("gc", "delete the attachments of a network that are not valid any more")
    gc.add_argument(
        "--keep",
        metavar="NETNS",
        action="append",
        help="a network namespace whose attachment is valid; without any, and with NETNS as cnitool has it, none is",
    )
    gc.add_argument("--all", action="store_true", help="no attachment is valid: delete all of them")
    network_command("status", "ask the plugins of a network whether they are ready")
    network_command("validate", "check that the plugins of a network are there and support its version")
    render = network_command("render", "show what a command would run, without running anything")
    render.add_argument("--for", dest="of", metavar="COMMAND", default="add", help="which command (default add)")
    command("list", "list the networks and the attachments")

    parsed = parser.parse_args(arguments)
    if parsed.command == "gc" and not (parsed.keep or parsed.all or parsed.netns):
        parser.error("gc: which attachments are valid? give --keep NETNS for each of them, or --all")
    return parsed


def _seconds(text: str) -> float:
    seconds = float(text)
    if not seconds >= 0:
        raise ValueError
    return seconds


def _codes() -> str:
    numbered = sorted((-exception.status_number, exception.status) for exception in errors.ALL)
    return "\n".join(f"  {number:>2} {status}" for number, status in numbered)
