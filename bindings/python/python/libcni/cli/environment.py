"""What cnitool reads from its environment, by the same rules."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from libcni import _json
from libcni._libcni import NetworkConfigList
from libcni.errors import InvalidArgumentError
from libcni.networks import load_network_conf, network_conf_from_file
from libcni.runtime_conf import RuntimeConf

DEFAULT_CONF_DIR = "/etc/cni/net.d"


def conf_dir() -> str:
    """Return the directory of network configurations."""
    return os.environ.get("NETCONFPATH") or DEFAULT_CONF_DIR


def network(name: str) -> NetworkConfigList:
    """Return the network of that name in the directory, or of that file: names have no ``/``."""
    return network_conf_from_file(name) if "/" in name else load_network_conf(conf_dir(), name)


def container_id(netns: str) -> str:
    """Return the container id that cnitool makes of the path of a network namespace.

    >>> container_id("/run/netns/c1")
    'cnitool-20b4ff582526573bbe7d'
    """
    return "cnitool-" + hashlib.sha512(os.fsencode(netns)).digest()[:10].hex()


def absolute(path: str) -> str:
    """Return the absolute path, with a single slash in front: POSIX leaves two alone, cnitool does not."""
    return "/" + os.path.abspath(path).lstrip("/")


def runtime_conf(netns: str | None, ifname: str | None, id: str | None) -> RuntimeConf:
    """Return the runtime configuration of a network namespace."""
    path = absolute(netns) if netns else ""
    return RuntimeConf(
        container_id=id or (container_id(path) if path else ""),
        netns=path,
        ifname=ifname or os.environ.get("CNI_IFNAME") or "eth0",
        args=_args(os.environ.get("CNI_ARGS", "")),
        capability_args=_capability_args(os.environ.get("CAP_ARGS", "")),
    )


def _args(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for pair in text.split(";") if text else ():
        key, _, value = pair.partition("=")
        if not key or not value or "=" in value:
            raise InvalidArgumentError(f'invalid CNI_ARGS pair "{pair}"')
        pairs.append((key, value))
    return tuple(pairs)


def _capability_args(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        args = _json.decode(text)
    except ValueError as error:
        raise InvalidArgumentError(f"invalid CAP_ARGS: {error}") from error
    if not isinstance(args, dict):
        raise InvalidArgumentError("invalid CAP_ARGS: expected a JSON object")
    return args
