"""What a runtime says of one container for one call."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from typing import Any, Union

from libcni import _json
from libcni.results import Result

#: CNI_ARGS: keys and values, as a mapping or as pairs.
CNIArgs = Union[Mapping[str, str], Iterable[tuple[str, str]]]
#: A path, as text or as a path object.
StrPath = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class RuntimeConf:
    """The container, its interface, and the runtime's arguments.

    Attributes:
        container_id: unique among the containers of the node.
        netns: the path of the network namespace; may be empty for DEL.
        ifname: the name of the interface inside the container.
        args: CNI_ARGS, as a mapping or as pairs.
        capability_args: what plugins get as ``runtimeConfig``, by capability: ``{"portMappings": [...]}``.
        cache_dir: where the attachment is remembered, when the ``CNI`` names no directory itself.
        prev_result: the result of ADD, for CHECK and DEL of a ``CNI`` that keeps nothing on disk.

    >>> libcni.RuntimeConf("c1", "/run/netns/c1", args={"IgnoreUnknown": "1"})
    RuntimeConf(container_id='c1', netns='/run/netns/c1', args=(('IgnoreUnknown', '1'),))
    """

    container_id: str
    netns: StrPath
    ifname: str = "eth0"
    args: CNIArgs = ()
    capability_args: Mapping[str, Any] = field(default_factory=dict)
    cache_dir: StrPath | None = None
    prev_result: Result | Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.args != ():
            pairs = self.args.items() if isinstance(self.args, Mapping) else self.args
            object.__setattr__(self, "args", tuple((key, value) for key, value in pairs))

    def __repr__(self) -> str:
        shown = [f"container_id={self.container_id!r}", f"netns={os.fspath(self.netns)!r}"]
        for name, default in (("ifname", "eth0"), ("args", ()), ("capability_args", {})):
            if getattr(self, name) != default:
                shown.append(f"{name}={getattr(self, name)!r}")
        for name in ("cache_dir", "prev_result"):
            if getattr(self, name) is not None:
                shown.append(f"{name}={getattr(self, name)!r}")
        return f"RuntimeConf({', '.join(shown)})"

    def to_dict(self) -> dict[str, Any]:
        """Return the runtime configuration in the shape of the C ABI."""
        members: dict[str, Any] = {
            "containerId": self.container_id,
            "netns": os.fspath(self.netns),
            "ifName": self.ifname,
            "cniArgs": self.args,
            "capabilityArgs": self.capability_args,
            "cacheDir": self.cache_dir,
            "prevResult": self.prev_result,
        }
        return {name: value for name, value in members.items() if value is not None}


#: What calls take: a :class:`RuntimeConf`, or a dict with the names of its attributes or of the C ABI.
RuntimeConfLike = Union[RuntimeConf, Mapping[str, Any]]

_NAMES = {
    "container_id": "containerId",
    "ifname": "ifName",
    "args": "cniArgs",
    "capability_args": "capabilityArgs",
    "cache_dir": "cacheDir",
    "prev_result": "prevResult",
}


def runtime_conf_json(runtime_conf: RuntimeConfLike) -> str:
    """Return what the core takes. It refuses unknown keys, and names them."""
    if isinstance(runtime_conf, RuntimeConf):
        text = _text_of_three(runtime_conf)
        if text is not None:
            return text
        members = runtime_conf.to_dict()
    else:
        if not hasattr(runtime_conf, "keys"):
            msg = f"runtime_conf is {type(runtime_conf).__name__}: expected a RuntimeConf or a mapping"
            raise TypeError(msg)
        members = {"ifName": "eth0"} | {_NAMES.get(name, name): value for name, value in dict(runtime_conf).items()}
    if isinstance(members.get("cniArgs"), Mapping):
        members["cniArgs"] = list(members["cniArgs"].items())
    prev_result = members.pop("prevResult", None)
    texts = {} if prev_result is None else {"prevResult": _result_text(prev_result)}
    return _json.encode_with_texts(members, texts)


def _text_of_three(conf: RuntimeConf) -> str | None:
    """Return the same, in a tenth of the time, for a configuration that says no more than most; else ``None``."""
    if conf.args or conf.capability_args or conf.cache_dir is not None or conf.prev_result is not None:
        return None
    container_id, netns, ifname = conf.container_id, conf.netns, conf.ifname
    if not (isinstance(container_id, str) and isinstance(netns, str) and isinstance(ifname, str)):
        return None
    head = f'{{"containerId": {encode_basestring(container_id)}, "netns": {encode_basestring(netns)}'
    return f'{head}, "ifName": {encode_basestring(ifname)}}}'


def _result_text(result: Result | Mapping[str, Any]) -> str:
    return result.to_json() if isinstance(result, Result) else _json.encode(result)


def from_dict(members: Mapping[str, Any]) -> RuntimeConf:
    """Return the runtime configuration of a JSON object of the C ABI."""
    return RuntimeConf(
        container_id=members["containerId"],
        netns=members["netns"],
        ifname=members["ifName"],
        args=tuple((key, value) for key, value in members.get("cniArgs", ())),
        capability_args=members.get("capabilityArgs", {}),
        cache_dir=members.get("cacheDir"),
        prev_result=Result(members["prevResult"]) if members.get("prevResult") else None,
    )
