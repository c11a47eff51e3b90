"""Answers as tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

from libcni.attachments import Attachment
from libcni.networks import LoadedNetworks
from libcni.plugins import RenderedRequest
from libcni.results import IPConfig, Result, Route

_BOLD, _PLAIN = "\033[1m", "\033[0m"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; nothing when it has no rows. A cell that is ``None``, 0 or empty shows a dash.

    >>> print(table(["NAME", "MTU"], [["eth0", 1500], ["lo", 0]]))
    NAME  MTU
    eth0  1500
    lo    -
    """
    cells = [[str(cell) if cell not in (None, "", 0) else "-" for cell in row] for row in rows]
    if not cells:
        return ""
    widths = [max(map(len, column)) for column in zip(headings, *cells)]

    def line(row: Sequence[str]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()

    return "\n".join([_heading(line(headings)), *map(line, cells)])


def lines(heading: str, values: Iterable[str]) -> str:
    """Return a table of one column."""
    return table([heading], [[value] for value in values])


def result(answer: Result) -> str:
    """Return the tables of what ADD returned."""
    interfaces = [[each.name, each.mac, each.mtu, each.sandbox] for each in answer.interfaces]
    legacy = [each for each in (answer.ip4, answer.ip6) if each]
    ips = [*answer.ips, *(IPConfig(each.ip, each.gateway) for each in legacy)]
    routes: list[Route] = [*answer.routes, *(route for each in legacy for route in each.routes)]
    dns = answer.dns
    names = [["nameserver", *dns.nameservers], ["domain", dns.domain], ["search", *dns.search]]
    shown = [
        table(["INTERFACE", "MAC", "MTU", "SANDBOX"], interfaces),
        table(["ADDRESS", "GATEWAY", "INTERFACE"], [[ip.address, ip.gateway, _of(answer, ip)] for ip in ips]),
        table(["ROUTE", "VIA", "MTU", "PRIORITY"], [[each.dst, each.gw, each.mtu, each.priority] for each in routes]),
        table(["DNS", "VALUE"], [[name, " ".join(values)] for name, *values in names if any(values)]),
    ]
    return "\n\n".join(part for part in shown if part)


def networks(loaded: LoadedNetworks) -> str:
    """Return the table of networks."""
    rows = [
        [network.name, network.cni_version, " ".join(plugin.type for plugin in network.plugins), path]
        for path, network in loaded.networks
    ]
    return table(["NETWORK", "VERSION", "PLUGINS", "FILE"], rows)


def attachments(remembered: Iterable[Attachment]) -> str:
    """Return the table of attachments."""
    rows = [[each.container_id, each.network_name, each.ifname, each.netns] for each in remembered]
    return table(["CONTAINER", "NETWORK", "INTERFACE", "NETNS"], rows)


def broken_files(loaded: LoadedNetworks) -> str:
    """Return the table of files that could not be loaded."""
    return table(["NOT LOADED", "WHY"], [[path, str(error)] for path, error in loaded.errors])


def request(rendered: RenderedRequest) -> str:
    """Return one request as a reader would type it."""
    comment = "\n# and prevResult, which the plugin before it returns" if rendered.needs_prev_result else ""
    variables = "\n".join(f"{name}={value}" for name, value in rendered.env.items())
    stdin = json.dumps(rendered.config(), indent=2, ensure_ascii=False)
    return f"{_heading(rendered.path)}\n{variables}\n{stdin}{comment}"


def _of(answer: Result, ip: IPConfig) -> str | None:
    index = ip.interface
    if index is None or not 0 <= index < len(answer.interfaces):
        return None
    return answer.interfaces[index].name


def _heading(text: str) -> str:
    return f"{_BOLD}{text}{_PLAIN}" if sys.stdout.isatty() else text
