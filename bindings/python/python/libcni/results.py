"""What ADD returns: the interfaces, addresses and routes of an attachment."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Union, cast

from libcni import _json, _libcni

#: An address without a prefix.
IPAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
#: An address with the prefix of its network.
IPInterface = Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
#: A network.
IPNetwork = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True)
class Interface:
    """An interface that the attachment made or uses.

    Attributes:
        name: the name of the interface.
        mac: the hardware address; empty when not told.
        mtu: the maximum transmission unit in bytes; 0 when not told.
        sandbox: the path of the network namespace; empty on the host.
        socket_path: the path of a socket that belongs to the interface (vhost-user).
        pci_id: the PCI address of the device.
    """

    name: str = ""
    mac: str = ""
    mtu: int = 0
    sandbox: str = ""
    socket_path: str = ""
    pci_id: str = ""


@dataclass(frozen=True)
class IPConfig:
    """An address that was given to an interface.

    Attributes:
        address: the address with its prefix; ``address.ip`` and ``address.network`` are its parts.
        gateway: the default gateway of the subnet.
        interface: the place in :attr:`Result.interfaces` of the interface that has the address.
        version: ``"4"`` or ``"6"`` in results of 0.3.0 to 0.4.0, empty in later ones.
    """

    address: IPInterface
    gateway: IPAddress | None = None
    interface: int | None = None
    version: str = ""


@dataclass(frozen=True)
class Route:
    """A route that was made.

    Attributes:
        dst: the destination.
        gw: the next hop; ``None`` means the default gateway.
        mtu: the maximum transmission unit along the path in bytes; 0 when not told.
        advmss: the maximum segment size to advertise in bytes; 0 when not told.
        priority: the priority, lower is preferred; 0 when not told.
        table: the number of the routing table.
        scope: the scope of the destinations: 0 global, 253 link, 254 host.
    """

    dst: IPNetwork
    gw: IPAddress | None = None
    mtu: int = 0
    advmss: int = 0
    priority: int = 0
    table: int | None = None
    scope: int | None = None


@dataclass(frozen=True)
class DNS:
    """How names are to be resolved.

    Attributes:
        nameservers: the addresses of name servers, most important first.
        domain: the local domain for short names.
        search: the search domains for short names, most important first.
        options: options for the resolver.
    """

    nameservers: tuple[str, ...] = ()
    domain: str = ""
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class LegacyIP:
    """The address of one family in a result of 0.1.0 or 0.2.0.

    Attributes:
        ip: the address with its prefix.
        gateway: the default gateway of the subnet.
        routes: the routes of this family.
    """

    ip: IPInterface
    gateway: IPAddress | None = None
    routes: tuple[Route, ...] = ()


class Result:
    """What the plugins of a network returned: the exact JSON, and its parts as Python objects.

    The parts are what the specification defines: a plugin's own keys are in :meth:`to_dict` and :meth:`to_json`, and
    so is an address or a route that says no address, which :attr:`ips` and :attr:`routes` leave out.

    Args:
        result: the JSON of a result, as text or as Python objects.

    >>> result = libcni.Result({
    ...     "cniVersion": "1.1.0",
    ...     "interfaces": [{"name": "eth0", "sandbox": "/run/netns/c1"}],
    ...     "ips": [{"address": "10.1.0.5/16", "gateway": "10.1.0.1", "interface": 0}],
    ... })
    >>> result.ips[0].address
    IPv4Interface('10.1.0.5/16')
    >>> result.interfaces[result.ips[0].interface].name
    'eth0'
    >>> result
    Result(cni_version='1.1.0', interfaces=['eth0'], ips=['10.1.0.5/16'], routes=[])
    >>> result.convert("0.2.0").ip4.ip
    IPv4Interface('10.1.0.5/16')
    """

    def __init__(self, result: str | Mapping[str, Any]) -> None:
        self._text = result if isinstance(result, str) else _json.encode(result)

    def to_json(self) -> str:
        """Return the exact JSON of the result."""
        return self._text

    def to_dict(self) -> dict[str, Any]:
        """Return the result as Python objects: everything that is in its JSON."""
        return cast("dict[str, Any]", _json.decode(self._text))

    def convert(self, cni_version: str) -> Result:
        """Return the same result in another version of the CNI specification.

        To its own version a result converts unchanged; to another one, what that cannot say is left behind.

        Raises:
            InvalidResultError: the version is not known, or the result cannot be converted.
        """
        return Result(_libcni.result_convert(self._text, cni_version))

    @cached_property
    def _members(self) -> dict[str, Any]:
        return self.to_dict()

    @property
    def cni_version(self) -> str:
        """The version of the specification that this is a result of."""
        return str(self._members.get("cniVersion", ""))

    @cached_property
    def interfaces(self) -> tuple[Interface, ...]:
        """The interfaces. Their places count: an element that a plugin left ``null`` has an empty name."""
        return tuple(interface_of(member or {}) for member in self._members.get("interfaces") or ())

    @cached_property
    def ips(self) -> tuple[IPConfig, ...]:
        """The addresses."""
        members = self._members.get("ips") or ()
        return tuple(ip_config_of(member) for member in members if member and member.get("address"))

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The routes."""
        return routes_of(self._members)

    @cached_property
    def dns(self) -> DNS:
        """How names are to be resolved."""
        return dns_of(self._members.get("dns") or {})

    @property
    def ip4(self) -> LegacyIP | None:
        """The IPv4 address of a result of 0.1.0 or 0.2.0."""
        return _legacy_ip(self._members.get("ip4"))

    @property
    def ip6(self) -> LegacyIP | None:
        """The IPv6 address of a result of 0.1.0 or 0.2.0."""
        return _legacy_ip(self._members.get("ip6"))

    # Without a hash: results that are equal may be written in different ways.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return self._text == other._text or self._members == other._members

    def __repr__(self) -> str:
        interfaces = [interface.name for interface in self.interfaces]
        ips = [str(ip.address) for ip in self.ips]
        ips += [str(legacy.ip) for legacy in (self.ip4, self.ip6) if legacy]
        routes = [str(route.dst) for route in self.routes]
        return f"Result(cni_version={self.cni_version!r}, {interfaces=}, {ips=}, {routes=})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Result, (self._text,)


def interface_of(member: Mapping[str, Any]) -> Interface:
    """Return an interface of a result's JSON."""
    return Interface(
        name=member.get("name", ""),
        mac=member.get("mac", ""),
        mtu=member.get("mtu", 0),
        sandbox=member.get("sandbox", ""),
        socket_path=member.get("socketPath", ""),
        pci_id=member.get("pciID", ""),
    )


def ip_config_of(member: Mapping[str, Any]) -> IPConfig:
    """Return an address of a result's JSON."""
    return IPConfig(
        address=ipaddress.ip_interface(member["address"]),
        gateway=_address(member.get("gateway")),
        interface=member.get("interface"),
        version=member.get("version", ""),
    )


def routes_of(parent: Mapping[str, Any]) -> tuple[Route, ...]:
    """Return the routes of a result's JSON, or of a part of it; what says no destination is left out."""
    return tuple(_route(member) for member in parent.get("routes") or () if member and member.get("dst"))


def _route(member: dict[str, Any]) -> Route:
    return Route(
        # As the kernel does, whatever follows the prefix is ignored.
        dst=ipaddress.ip_network(member["dst"], strict=False),
        gw=_address(member.get("gw")),
        mtu=member.get("mtu", 0),
        advmss=member.get("advmss", 0),
        priority=member.get("priority", 0),
        table=member.get("table"),
        scope=member.get("scope"),
    )


def dns_of(member: Mapping[str, Any]) -> DNS:
    """Return the name servers of a result's JSON."""
    lists = {key: tuple(member.get(key) or ()) for key in ("nameservers", "search", "options")}
    return DNS(domain=member.get("domain", ""), **lists)


def _legacy_ip(member: dict[str, Any] | None) -> LegacyIP | None:
    if not member or not member.get("ip"):
        return None
    return LegacyIP(
        ip=ipaddress.ip_interface(member["ip"]),
        gateway=_address(member.get("gateway")),
        routes=routes_of(member),
    )


def _address(text: str | None) -> IPAddress | None:
    return ipaddress.ip_address(text) if text else None
