"""Network configurations: from files, directories, texts and Python objects.

>>> network = libcni.network_conf_from_bytes('{"name": "mynet", "plugins": [{"type": "bridge"}]}')
>>> network
<libcni.NetworkConfigList name='mynet' cni_version='' plugins='bridge'>
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Union

from libcni import _json, _libcni
from libcni._libcni import NetworkConfigList, PluginConfig
from libcni.results import Result
from libcni.runtime_conf import StrPath

if TYPE_CHECKING:
    from libcni.errors import CNIError

#: What calls take as a network: what the functions here return, Python objects, JSON as text or bytes, or the path of a
#: ``.conflist`` file. A ``str`` is a path when it contains a ``/`` or ends in ``.conflist``, and does not begin with
#: ``{``.
NetworkLike = Union[NetworkConfigList, Mapping[str, Any], str, bytes, bytearray, "os.PathLike[str]"]
#: What calls take as one plugin's configuration: the same, for one plugin (``.conf``).
PluginLike = Union[PluginConfig, Mapping[str, Any], str, bytes, bytearray, "os.PathLike[str]"]


@dataclass(frozen=True)
class LoadedNetworks:
    """What :func:`load_network_confs` found.

    Attributes:
        networks: the networks, each with its file, in file name order.
        errors: the files that could not be loaded, each with why.
    """

    networks: tuple[tuple[str, NetworkConfigList], ...]
    errors: tuple[tuple[str, CNIError], ...]


@dataclass(frozen=True)
class NetworkSource:
    """A place that networks come from: a directory, a file, or a configuration.

    Exactly one of ``dir`` (or ``load`` alone), ``conf_file``, ``conf_list_file``, ``conf`` and ``conf_list`` is given.

    Attributes:
        dir: a directory, in place of the one of the :class:`Networks`.
        load: how many of its networks: ``"default"``, the first one, or ``"all"``.
        conf_file: the path of a file with one plugin's configuration.
        conf_list_file: the path of a file with a list.
        conf: one plugin's configuration, as what the functions here return, Python objects, or JSON as text or bytes.
        conf_list: a list, in the same forms.
        index: the number in the interface's name, for a source of one network; default: its place among all networks.
    """

    dir: StrPath | None = None
    load: Literal["default", "all"] | None = None
    conf_file: StrPath | None = None
    conf_list_file: StrPath | None = None
    conf: PluginConfig | Mapping[str, Any] | str | bytes | None = None
    conf_list: NetworkConfigList | Mapping[str, Any] | str | bytes | None = None
    index: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the source in the shape of the C ABI."""
        members = {
            "dir": self.dir,
            "load": self.load,
            "confFile": self.conf_file,
            "confListFile": self.conf_list_file,
            "conf": _configuration(self.conf),
            "confList": _configuration(self.conf_list),
            "index": self.index,
        }
        return {name: value for name, value in members.items() if value is not None}


#: What a :class:`Networks` takes as a source: a :class:`NetworkSource`, or a dict with the names of its attributes or
#: of the C ABI.
NetworkSourceLike = Union[NetworkSource, Mapping[str, Any]]

_SOURCE_NAMES = {"conf_file": "confFile", "conf_list_file": "confListFile", "conf_list": "confList"}


@dataclass(frozen=True)
class LoadedNetwork:
    """A network as it was loaded.

    Attributes:
        name: the network's name.
        ifname: the interface that containers get, unless they ask for another one.
        path: the file that it comes from; ``None`` when it comes from none.
        is_loopback: whether it is the loopback network of the option ``loopback``.
        conf_list: its configuration with the drop-in plugins; ``conf_list.to_json()`` is the exact text.
    """

    name: str
    ifname: str
    path: str | None
    is_loopback: bool
    conf_list: NetworkConfigList

    @property
    def plugins(self) -> tuple[PluginConfig, ...]:
        """The network's plugins, in the order of ADD."""
        return self.conf_list.plugins


@dataclass(frozen=True)
class NetworksConfig:
    """The networks that are loaded at a time. A later load makes a new one.

    Attributes:
        conf_dir: the directory of network configurations.
        interface_prefix: what the names of interfaces begin with.
        plugin_dirs: where plugins are searched, in order.
        generation: counts the loads that changed something, from 1.
        networks: the networks, in the order in which containers are attached to them.
        errors: the files that could not be loaded, each with why. One that was loaded before and is broken now is here,
            too, while its network stays as it was.
    """

    conf_dir: str
    interface_prefix: str
    plugin_dirs: tuple[str, ...]
    generation: int
    networks: tuple[LoadedNetwork, ...]
    errors: tuple[tuple[str, CNIError], ...]


def conf_files(dir: StrPath, extensions: Iterable[str] = (".conflist", ".conf", ".json")) -> list[str]:
    """Return the files of a directory, not below it, with one of these extensions, in file name order.

    A missing directory has none.

    >>> libcni.conf_files("/nowhere")
    []
    """
    return [os.fspath(path) for path in _libcni.conf_files(dir, list(extensions))]


def load_network_conf(dir: StrPath, name: str) -> NetworkConfigList:
    """Return the network of that name in a directory, such as ``/etc/cni/net.d``.

    It is looked for in the ``.conflist`` files first, then in the ``.conf`` and ``.json`` files. Drop-in plugins in
    ``<dir>/<name>/`` are part of it.

    Raises:
        NetworkNotFoundError: there is none; files that could not be loaded are among its ``causes``.
    """
    return _libcni.load_network_conf(dir, name)


def load_network_confs(dir: StrPath) -> LoadedNetworks:
    """Return every network of a directory. A file that cannot be loaded hides no other."""
    networks, errors = _libcni.load_network_confs(dir)
    return LoadedNetworks(
        tuple((os.fspath(path), network) for path, network in networks),
        tuple((os.fspath(path), error) for path, error in errors),
    )


def network_conf_from_file(path: StrPath) -> NetworkConfigList:
    """Return the network of a ``.conflist`` file, with the drop-in plugins beside it.

    Raises:
        InvalidConfigError: a file is wrong; the error names it.
        CNIOSError: a file cannot be read.
    """
    return _libcni.network_conf_from_file(path)


def network_conf_from_bytes(data: str | bytes | bytearray) -> NetworkConfigList:
    """Return the network of the text of a ``.conflist`` file.

    Raises:
        InvalidConfigError: it is wrong; the error names the key, the plugin's index, or line and column.

    >>> libcni.network_conf_from_bytes("{}")
    Traceback (most recent call last):
    libcni.errors.InvalidConfigError: error parsing configuration list: no name
    """
    return _libcni.network_conf_from_bytes(_bytes(data))


def plugin_conf_from_file(path: StrPath) -> PluginConfig:
    """Return one plugin's configuration of a ``.conf`` file."""
    return _libcni.plugin_conf_from_file(path)


def plugin_conf_from_bytes(data: str | bytes | bytearray) -> PluginConfig:
    """Return one plugin's configuration of the text of a ``.conf`` file."""
    return _libcni.plugin_conf_from_bytes(_bytes(data))


def conf_list_from_conf(conf: PluginLike) -> NetworkConfigList:
    """Return the network that has this one plugin, with the plugin's name and version.

    >>> libcni.conf_list_from_conf({"cniVersion": "1.0.0", "name": "lo", "type": "loopback"})
    <libcni.NetworkConfigList name='lo' cni_version='1.0.0' plugins='loopback'>
    """
    return _libcni.conf_list_from_conf(plugin(conf))


def inject_conf(conf: PluginLike, values: Mapping[str, Any]) -> PluginConfig:
    """Return one plugin's configuration with values put in, last; the rest keeps its place and its text.

    >>> libcni.inject_conf('{"type": "bridge", "mtu": 9000}', {"mtu": 1400}).to_json()
    '{"type":"bridge","mtu":1400}'
    """
    return _libcni.inject_conf(plugin(conf), _json.encode(values))


def result_convert(result: Result | Mapping[str, Any] | str, cni_version: str) -> Result:
    """Return a result in another version of the CNI specification; see :meth:`Result.convert`."""
    return (result if isinstance(result, Result) else Result(result)).convert(cni_version)


def sources_json(sources: Iterable[NetworkSourceLike]) -> str:
    """Return what the core takes as sources. It refuses unknown keys, and names them."""
    if isinstance(sources, (str, bytes, Mapping, NetworkSource)):
        msg = f"sources is {type(sources).__name__}: expected several, as in [libcni.NetworkSource(load='all')]"
        raise TypeError(msg)
    return _json.encode([_source(source) for source in sources])


def _source(source: NetworkSourceLike) -> dict[str, Any]:
    if isinstance(source, NetworkSource):
        return source.to_dict()
    members = {_SOURCE_NAMES.get(name, name): value for name, value in dict(source).items()}
    return members | {name: _configuration(members[name]) for name in ("conf", "confList") if name in members}


def _configuration(value: object) -> object:
    """Return what the core takes in a source; a text is the exact text of a configuration."""
    if isinstance(value, (NetworkConfigList, PluginConfig)):
        return value.to_json()
    return value.decode() if isinstance(value, (bytes, bytearray)) else value


def network(value: NetworkLike) -> NetworkConfigList:
    """Return what the core takes as a network."""
    if isinstance(value, NetworkConfigList):
        return value
    path = _path(value)
    if path is not None:
        return _libcni.network_conf_from_file(path)
    return _libcni.network_conf_from_bytes(_text_of(value, "network", "NetworkConfigList"))


def plugin(value: PluginLike, *, named: bool = False) -> PluginConfig:
    """Return what the core takes as one plugin's configuration; ``named``: only name and version count."""
    if isinstance(value, PluginConfig):
        return value
    path = _path(value)
    if path is not None:
        return _libcni.plugin_conf_from_file(path)
    return _libcni.plugin_conf_from_bytes(_text_of(value, "conf", "PluginConfig"), named)


def _path(value: object) -> StrPath | None:
    if isinstance(value, os.PathLike):
        return value
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        return value if "/" in value or value.endswith((".conflist", ".conf", ".json")) else None
    return None


def _text_of(value: object, what: str, type_name: str) -> bytes:
    if isinstance(value, (str, bytes, bytearray)):
        return _bytes(value)
    if isinstance(value, Mapping):
        return _json.encode(value).encode()
    msg = f"{what} is {type(value).__name__}: expected {type_name}, a mapping, JSON as str or bytes, or a path"
    raise TypeError(msg)


def _bytes(data: str | bytes | bytearray) -> bytes:
    return data.encode() if isinstance(data, str) else bytes(data)
