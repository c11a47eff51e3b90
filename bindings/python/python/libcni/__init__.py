"""Attach containers to networks: the runtime side of the Container Network Interface (CNI).

>>> cni = libcni.CNI(plugin_dirs=["/usr/lib/cni"], timeout=30)
>>> container = libcni.RuntimeConf("c1", "/run/netns/c1", ifname="eth0")
>>> network = libcni.network_conf_from_bytes('{"cniVersion": "1.1.0", "name": "mynet", "plugins": [{"type": "ptp"}]}')

``cni.add_network_list(network, container)`` then runs the plugins of the network, remembers the attachment, and
returns a :class:`Result`; ``cni.del_network_list(network, container)`` undoes it. :class:`Networks` does it for all
networks of a node at once. :mod:`libcni.aio` has the same as coroutines, and ``python -m libcni`` as a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libcni import errors, plugin
from libcni._libcni import Context, NetworkConfigList, PluginConfig, __version__
from libcni.attachments import Attachment, AttachmentKey, CachedConfig
from libcni.container import (
    Container,
    ContainerLike,
    ContainerNetwork,
    ContainerNetworkLike,
    InterfaceResult,
    NetworkResult,
    SetupResult,
)
from libcni.container_networks import Networks, OperationMetrics
from libcni.errors import (
    CacheError,
    CallbackError,
    CancelledError,
    CheckNotSupportedError,
    CNIError,
    CNIOSError,
    CNITimeoutError,
    IncompatibleVersionError,
    InternalError,
    InvalidArgumentError,
    InvalidConfigError,
    InvalidResultError,
    NetworkNotFoundError,
    NotAddedError,
    PluginError,
    PluginNotFoundError,
)
from libcni.events import Event
from libcni.networks import (
    LoadedNetwork,
    LoadedNetworks,
    NetworkLike,
    NetworksConfig,
    NetworkSource,
    NetworkSourceLike,
    PluginLike,
    conf_files,
    conf_list_from_conf,
    inject_conf,
    load_network_conf,
    load_network_confs,
    network_conf_from_bytes,
    network_conf_from_file,
    plugin_conf_from_bytes,
    plugin_conf_from_file,
    result_convert,
)
from libcni.operations import CNI, DEFAULT, Env, ValidAttachment
from libcni.plugins import (
    CompletedRun,
    Exec,
    ExecAnswer,
    ExecRequest,
    FindRequest,
    PluginFinder,
    PluginRunner,
    RenderedRequest,
    VersionInfo,
)
from libcni.results import DNS, Interface, IPConfig, LegacyIP, Result, Route
from libcni.runtime_conf import RuntimeConf, RuntimeConfLike
from libcni.watch import NetworksChange, NetworksWatch

if TYPE_CHECKING:
    from libcni import aio

__all__ = [
    "CNI",
    "DEFAULT",
    "DNS",
    "Attachment",
    "AttachmentKey",
    "CNIError",
    "CNIOSError",
    "CNITimeoutError",
    "CacheError",
    "CachedConfig",
    "CallbackError",
    "CancelledError",
    "CheckNotSupportedError",
    "CompletedRun",
    "Container",
    "ContainerLike",
    "ContainerNetwork",
    "ContainerNetworkLike",
    "Context",
    "Env",
    "Event",
    "Exec",
    "ExecAnswer",
    "ExecRequest",
    "FindRequest",
    "IPConfig",
    "IncompatibleVersionError",
    "Interface",
    "InterfaceResult",
    "InternalError",
    "InvalidArgumentError",
    "InvalidConfigError",
    "InvalidResultError",
    "LegacyIP",
    "LoadedNetwork",
    "LoadedNetworks",
    "NetworkConfigList",
    "NetworkLike",
    "NetworkNotFoundError",
    "NetworkResult",
    "NetworkSource",
    "NetworkSourceLike",
    "Networks",
    "NetworksChange",
    "NetworksConfig",
    "NetworksWatch",
    "NotAddedError",
    "OperationMetrics",
    "PluginConfig",
    "PluginError",
    "PluginFinder",
    "PluginLike",
    "PluginNotFoundError",
    "PluginRunner",
    "RenderedRequest",
    "Result",
    "Route",
    "RuntimeConf",
    "RuntimeConfLike",
    "SetupResult",
    "ValidAttachment",
    "VersionInfo",
    "__version__",
    "aio",
    "conf_files",
    "conf_list_from_conf",
    "errors",
    "inject_conf",
    "load_network_conf",
    "load_network_confs",
    "network_conf_from_bytes",
    "network_conf_from_file",
    "plugin",
    "plugin_conf_from_bytes",
    "plugin_conf_from_file",
    "result_convert",
]


def __getattr__(name: str) -> Any:
    """Import :mod:`libcni.aio` when it is used: asyncio takes a program longer than everything else here."""
    if name != "aio":
        msg = f"module 'libcni' has no attribute {name!r}"
        raise AttributeError(msg)
    import importlib

    return importlib.import_module("libcni.aio")
