"""A container, for calls about all of its networks, and what it gets from them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Union, cast

from libcni import _json, results
from libcni.results import DNS, Interface, IPConfig, Result, Route
from libcni.runtime_conf import CNIArgs, StrPath


@dataclass(frozen=True)
class ContainerNetwork:
    """A network of one container, with what is its own.

    Attributes:
        name: the network's name.
        ifname: the name of the interface; ``None`` for the one that the network has by its place.
        args: further CNI_ARGS; one of the same name counts in place of the container's.
        capability_args: further capability arguments; one of the same name counts in place of the container's.
    """

    name: str
    ifname: str | None = None
    args: CNIArgs = ()
    capability_args: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the network in the shape of the C ABI."""
        members = {"name": self.name, "ifName": self.ifname}
        return members | {"cniArgs": _pairs(self.args), "capabilityArgs": self.capability_args}


#: What a container takes as a network: a :class:`ContainerNetwork`, a dict with the names of its attributes or of the C
#: ABI, or the network's name.
ContainerNetworkLike = Union[ContainerNetwork, Mapping[str, Any], str]


@dataclass(frozen=True)
class Container:
    """A container, as the runtime knows it.

    Attributes:
        container_id: unique among the containers of the node.
        netns: the path of the network namespace; may be empty to remove a container whose namespace is gone.
        args: CNI_ARGS of every network, as a mapping or as pairs.
        capability_args: what plugins of every network get as ``runtimeConfig``, by capability.
        cache_dir: where the attachments are remembered, when the ``CNI`` names no directory itself.
        networks: which networks, in this order; ``None`` for all that are loaded. Loopback comes first in any case.
        parallel: whether the container is attached to its networks at the same time; ``None`` for what the
            :class:`Networks` says.

    >>> libcni.Container("c1", "/run/netns/c1", networks=["blue", libcni.ContainerNetwork("red", "net7")]).networks[0]
    'blue'
    """

    container_id: str
    netns: StrPath = ""
    args: CNIArgs = ()
    capability_args: Mapping[str, Any] = field(default_factory=dict)
    cache_dir: StrPath | None = None
    networks: Iterable[ContainerNetworkLike] | None = None
    parallel: bool | None = None

    def __post_init__(self) -> None:
        # What can be read only once is read here.
        object.__setattr__(self, "args", tuple(_pairs(self.args)))
        if self.networks is not None:
            object.__setattr__(self, "networks", _several(self.networks))

    def to_dict(self) -> dict[str, Any]:
        """Return the container in the shape of the C ABI."""
        return {
            "containerId": self.container_id,
            "netns": os.fspath(self.netns),
            "cniArgs": self.args,
            "capabilityArgs": self.capability_args,
            "cacheDir": self.cache_dir,
            "networks": None if self.networks is None else [_network(network) for network in self.networks],
            "parallel": self.parallel,
        }


#: What calls take: a :class:`Container`, or a dict with the names of its attributes or of the C ABI.
ContainerLike = Union[Container, Mapping[str, Any]]

_NAMES = {
    "container_id": "containerId",
    "ifname": "ifName",
    "args": "cniArgs",
    "capability_args": "capabilityArgs",
    "cache_dir": "cacheDir",
}


def container_json(container: ContainerLike) -> str:
    """Return what the core takes. It refuses unknown keys, and names them."""
    if isinstance(container, Container):
        return _json.encode(container)
    if not hasattr(container, "keys"):
        msg = f"container is {type(container).__name__}: expected a Container or a mapping"
        raise TypeError(msg)
    members = _renamed(container)
    if members.get("networks") is not None:
        members["networks"] = [_network(network) for network in _several(members["networks"])]
    return _json.encode(members)


def _several(networks: Iterable[ContainerNetworkLike]) -> tuple[ContainerNetworkLike, ...]:
    if isinstance(networks, str):
        msg = f"networks is one name: expected several, as in [{networks!r}]"
        raise TypeError(msg)
    return tuple(networks)


def _network(network: ContainerNetworkLike) -> dict[str, Any]:
    if isinstance(network, str):
        return {"name": network}
    return network.to_dict() if isinstance(network, ContainerNetwork) else _renamed(network)


def _renamed(mapping: Mapping[str, Any]) -> dict[str, Any]:
    members = {_NAMES.get(name, name): value for name, value in dict(mapping).items()}
    if members.get("cniArgs") is not None:
        members["cniArgs"] = _pairs(members["cniArgs"])
    return members


def _pairs(args: CNIArgs) -> list[tuple[str, str]]:
    return [(key, value) for key, value in (args.items() if isinstance(args, Mapping) else args)]


@dataclass(frozen=True)
class InterfaceResult(Interface):
    """An interface that a container has, or that was made for it on the host, with its addresses.

    Attributes:
        network: the network that it belongs to.
        ips: its addresses, each with its gateway.
    """

    network: str = ""
    ips: tuple[IPConfig, ...] = ()


@dataclass(frozen=True)
class NetworkResult:
    """What one network returned.

    Attributes:
        network: the network's name.
        ifname: the name of the interface in the container.
        result: the result of the network's last plugin, as it gave it.
    """

    network: str
    ifname: str
    result: Result


class SetupResult:
    """What a container got from its networks: their results, added up.

    Everything is in the order of the networks.

    Attributes:
        results: what each network returned.
    """

    results: tuple[NetworkResult, ...]

    def __init__(self, text: str, results: Iterable[NetworkResult]) -> None:
        self._text = text
        self.results = tuple(results)

    def to_json(self) -> str:
        """Return the set-up as JSON, in the shape of the C ABI."""
        return self._text

    def to_dict(self) -> dict[str, Any]:
        """Return the set-up as Python objects, in the shape of the C ABI."""
        return cast("dict[str, Any]", _json.decode(self._text))

    @cached_property
    def _members(self) -> dict[str, Any]:
        return self.to_dict()

    @cached_property
    def interfaces(self) -> Mapping[str, InterfaceResult]:
        """The interfaces by their names. An address that names none belongs to its network's own."""
        return {name: _interface(name, member) for name, member in self._members["interfaces"].items()}

    @cached_property
    def dns(self) -> tuple[DNS, ...]:
        """How names are to be resolved: one for each network."""
        return tuple(results.dns_of(member) for member in self._members["dns"])

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The routes of all networks."""
        return results.routes_of(self._members)

    # Without a hash, as a result.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SetupResult):
            return NotImplemented
        return self._members == other._members

    def __repr__(self) -> str:
        interfaces = {name: [str(ip.address) for ip in of.ips] for name, of in self.interfaces.items()}
        return f"SetupResult({interfaces=}, routes={[str(route.dst) for route in self.routes]})"

    def __reduce__(self) -> tuple[Any, ...]:
        return SetupResult, (self._text, self.results)


def _interface(name: str, member: dict[str, Any]) -> InterfaceResult:
    ips = tuple(results.ip_config_of(ip) for ip in member["ips"] if ip.get("address"))
    told = vars(results.interface_of(member)) | {"name": name}
    return InterfaceResult(**told, network=member["network"], ips=ips)
