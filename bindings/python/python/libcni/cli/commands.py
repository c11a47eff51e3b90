"""What each command does."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from libcni import _json
from libcni.cli import environment, tables
from libcni.cli.progress import Progress
from libcni.networks import load_network_confs
from libcni.operations import CNI, DEFAULT
from libcni.runtime_conf import RuntimeConf


def run(parsed: argparse.Namespace) -> None:
    """Run a parsed command line, and print its answer."""
    with Progress(parsed) as progress:
        cache_dir = DEFAULT if parsed.cache_dir is None else parsed.cache_dir
        cni = CNI(cache_dir=cache_dir, timeout=parsed.timeout, on_event=progress.on_event)
        answer, table = _COMMANDS[parsed.command](cni, parsed)
    if parsed.json:
        print(answer)
    elif table:
        print(table)


#: An answer as JSON, and as tables.
_Answer = tuple[str, str]
_NOTHING: _Answer = ("{}", "")


def _runtime_conf(parsed: argparse.Namespace) -> RuntimeConf:
    return environment.runtime_conf(parsed.netns, parsed.ifname, parsed.container_id)


def _add(cni: CNI, parsed: argparse.Namespace) -> _Answer:
    result = cni.add_network_list(environment.network(parsed.network), _runtime_conf(parsed))
    return result.to_json(), tables.result(result)


def _check(cni: CNI, parsed: argparse.Namespace) -> _Answer:
    cni.check_network_list(environment.network(parsed.network), _runtime_conf(parsed))
    return _NOTHING


def _del(cni: CNI, parsed: argparse.Namespace) -> _Answer:
    cni.del_network_list(environment.network(parsed.network), _runtime_conf(parsed))
    return _NOTHING


def _gc(cni: CNI, parsed: argparse.Namespace) -> _Answer:
    keep = [environment.runtime_conf(netns, parsed.ifname, None) for netns in parsed.keep or ()]
    # Without --keep this is what cnitool does.
    valid = [(rt.container_id, rt.ifname) for rt in keep] if keep else None
    cni.gc_network_list(environment.network(parsed.network), valid)
    return _NOTHING


def _status(cni: CNI, parsed: argparse.Namespace) -> _Answer:
    cni.get_status_network_list(environment.network(parsed.network))
    return _NOTHING


def _validate(cni: CNI, parsed: argparse.Namespace) -> _Answer:
    capabilities = cni.validate_network_list(environment.network(parsed.network))
    return _json.encode({"capabilities": capabilities}), tables.lines("CAPABILITY", capabilities)


def _render(cni: CNI, parsed: argparse.Namespace) -> _Answer:
    network = environment.network(parsed.network)
    requests = cni.render_network_list(parsed.of.upper(), network, _runtime_conf(parsed))
    shown = "\n\n".join(tables.request(request) for request in requests)
    return _array(request.to_json() for request in requests), shown


def _list(cni: CNI, parsed: argparse.Namespace) -> _Answer:
    loaded = load_network_confs(environment.conf_dir())
    attachments = cni.get_cached_attachments(parsed.container_id, ifname=parsed.ifname)
    networks = (
        _json.encode_with_texts({"path": path}, {"list": network.to_json()}) for path, network in loaded.networks
    )
    answer = {
        "networks": _array(networks),
        "attachments": _array(attachment.to_json() for attachment in attachments),
        "errors": _json.encode([{"path": path, "message": str(error)} for path, error in loaded.errors]),
    }
    shown = [tables.networks(loaded), tables.attachments(attachments), tables.broken_files(loaded)]
    return _json.encode_with_texts({}, answer), "\n\n".join(table for table in shown if table)


def _array(texts: Iterable[str]) -> str:
    return f"[{', '.join(texts)}]"


_COMMANDS = {
    "add": _add,
    "check": _check,
    "del": _del,
    "gc": _gc,
    "status": _status,
    "validate": _validate,
    "render": _render,
    "list": _list,
}
