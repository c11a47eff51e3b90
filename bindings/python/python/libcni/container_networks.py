"""The networks of a container: loading, set-up, removal, readiness, watching, counters.

>>> networks = libcni.Networks(libcni.CNI(exec=canned, cache_dir=None), conf_dir="/nowhere", loopback=False)
>>> networks.status()
Traceback (most recent call last):
libcni.errors.NetworkNotFoundError: the networks are not ready: 0 of at least 1 are loaded
(configurations are in /nowhere, which does not exist)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from libcni import _json, _libcni, networks
from libcni._libcni import Context
from libcni.container import ContainerLike, NetworkResult, SetupResult, container_json
from libcni.networks import NetworksConfig, NetworkSourceLike
from libcni.operations import CNI
from libcni.results import Result
from libcni.runtime_conf import StrPath
from libcni.watch import NetworksWatch, config_of


@dataclass(frozen=True)
class OperationMetrics:
    """Counters and durations of one kind of operation.

    Attributes:
        total: how many there were.
        errors: how many of them failed.
        duration_seconds: how long all of them took together, in seconds.
        buckets: how many of them took at most so many seconds.
    """

    total: int
    errors: int
    duration_seconds: float
    buckets: Mapping[float, int]


class Networks:
    """The networks of a node, for any number of containers: what every runtime needs above :class:`CNI`.

    Loads the directory of configurations, attaches containers to all of its networks and detaches them again, adds the
    results up, tells whether the node is ready, and notices when the configuration changes. Free to be used by any
    number of threads at once. A call works with the networks as they are loaded when it begins; a load that fails
    changes nothing.

    A directory without networks, or that is not there, is no error here: :meth:`status` tells of it. Files in it that
    cannot be loaded are in :attr:`config`.

    Args:
        cni: the runtime that attaches containers, with its plugins in the process, if it has some.
        sources: where networks come from, in order; default: the first network of ``conf_dir``.
        conf_dir: the directory of network configurations; default ``/etc/cni/net.d``.
        interface_prefix: what the names of interfaces begin with. The networks are numbered in their order from 0,
            loopback left out.
        min_networks: how many must be loaded for a container to be set up, loopback included; default 1, and one more
            with ``loopback``.
        max_networks: how many are taken from a directory at most; 0 for all.
        loopback: whether ``lo`` is brought up before everything else.
        loopback_plugin: by whom: ``"program"``; ``"builtin"``, by this library; ``"auto"``, by the program where there
            is one.
        parallel: whether a container is attached to its networks at the same time, on threads that end with the call;
            else one after the other, as the specification asks.
        undo: whether a set-up that fails detaches the container again.
        undo_timeout: how long that may take, in seconds.
        check_netns: whether a set-up looks for the network namespace before it runs a plugin.

    Raises:
        InvalidArgumentError: an unknown key of a source, or a prefix that no interface's name can begin with.
        InvalidConfigError: a file or a configuration that a source names is wrong.
        CNIOSError: a file that a source names cannot be read.
    """

    def __init__(
        self,
        cni: CNI,
        *,
        sources: Iterable[NetworkSourceLike] = (),
        conf_dir: StrPath | None = None,
        interface_prefix: str = "eth",
        min_networks: int | None = None,
        max_networks: int = 0,
        loopback: bool = True,
        loopback_plugin: Literal["auto", "builtin", "program"] = "auto",
        parallel: bool = False,
        undo: bool = True,
        undo_timeout: float = 30,
        check_netns: bool = True,
    ) -> None:
        if not isinstance(cni, CNI):
            raise not_a_runtime(cni, "libcni.CNI")
        options: dict[str, Any] = {
            "confDir": conf_dir,
            "interfacePrefix": interface_prefix,
            "minNetworks": min_networks,
            "maxNetworks": max_networks,
            "loopback": loopback,
            "loopbackPlugin": loopback_plugin,
            "parallel": parallel,
            "undo": undo,
            "checkNetns": check_netns,
        }
        text = _json.encode_with_texts(options, {"sources": networks.sources_json(sources)})
        self._native = _libcni.Networks(cni._native, text, undo_timeout)

    @property
    def config(self) -> NetworksConfig:
        """The networks as they are loaded now, and the files that could not be."""
        return config_of(self._native.config())

    def load(self, sources: Iterable[NetworkSourceLike] | None = None) -> NetworksConfig:
        """Load the networks again, from other sources if some are given, and return them.

        Calls that run go on with what they began with. On failure everything stays as it was.

        Raises:
            CNIError: as for the class.
        """
        text = None if sources is None else networks.sources_json(sources)
        return config_of(self._native.load(text))

    def setup(
        self, container: ContainerLike, *, timeout: float | None = None, context: Context | None = None
    ) -> SetupResult:
        """Attach a container to its networks, loopback first, and return what it got.

        Everything that can be wrong with the container is looked at before the first plugin runs. When a network fails,
        or Ctrl-C or ``context`` ends the call, the container is detached from what this call attached it to, unless
        ``undo`` is off.

        Args:
            container: the container and its network namespace.
            timeout: how long the call may take, in seconds, undoing not counted. The earliest of this and the context's
                counts, and for each network the timeout of the ``CNI``.
            context: for cancellation from another thread, and for trace ids.

        Raises:
            NetworkNotFoundError: too few networks are loaded, or not one that the container asks for.
            InvalidArgumentError: the id or the name of an interface is wrong; the network namespace is not there (then
                ``code`` is 8).
            InvalidResultError: a plugin returned an address of an interface that is not in its result.
            CNIError: the class of the first network that failed. ``causes`` has an error for each, and those of
                undoing.
        """
        text, of_networks = self._native.setup((context, timeout), container_json(container))
        return SetupResult(text, (NetworkResult(name, ifname, Result(result)) for name, ifname, result in of_networks))

    def check(self, container: ContainerLike, *, timeout: float | None = None, context: Context | None = None) -> None:
        """CHECK of every network of a container; goes on after failures.

        Args:
            container: the container, as it was set up.
            timeout: how long the call may take, in seconds.
            context: for cancellation from another thread, and for trace ids.

        Raises:
            CNIError: the class of the first network that failed; ``causes`` has an error for each.
        """
        self._native.check((context, timeout), container_json(container))

    def remove(self, container: ContainerLike, *, timeout: float | None = None, context: Context | None = None) -> None:
        """Detach a container from its networks, in the reverse order of the set-up; goes on after failures.

        Each network is deleted with the configuration that it was set up with, also when it is not loaded any more.
        What is detached already is fine, and so is an empty ``netns``.

        Args:
            container: the container, as it was set up. When its network namespace is gone, the id alone is enough.
            timeout: how long the call may take, in seconds.
            context: for cancellation from another thread, and for trace ids.

        Raises:
            CNIError: the class of the first network that failed; ``causes`` has an error for each. Those can be tried
                again.
        """
        self._native.remove((context, timeout), container_json(container))

    def status(self, *, timeout: float | None = None, context: Context | None = None) -> None:
        """Return when containers can be set up: enough networks are loaded, and their plugins are ready (STATUS).

        Args:
            timeout: how long the call may take, in seconds.
            context: for cancellation from another thread, and for trace ids.

        Raises:
            NetworkNotFoundError: too few networks are loaded; the text has the files that could not be.
            CNIError: the class of the first network that is not ready; ``causes`` has an error for each.
        """
        self._native.status((context, timeout))

    def watch(self, *, debounce: float = 0.1) -> NetworksWatch:
        """Begin to watch the configuration and the plugin directories; see :class:`NetworksWatch`.

        Args:
            debounce: how long it must be quiet before the networks are loaded again, in seconds. Under a storm of
                changes they are after ten times as long.

        Raises:
            CNIOSError: there is no descriptor or no watch to be had; the text names the limit.
        """
        return NetworksWatch(self._native.watch(debounce))

    def metrics(self) -> dict[str, OperationMetrics]:
        """Return counters and durations of the calls so far, by operation.

        Of whole calls: ``set_up_pod``, ``tear_down_pod``, ``check_pod``, ``get_pod_network_status``; of single
        networks: ``add``, ``del``, ``check``, ``status``.
        """
        return {name: _metrics(counts) for name, counts in _json.decode(self._native.metrics()).items()}

    def prometheus(self) -> str:
        """Return the same in the text format of Prometheus, version 0.0.4.

        The names are ``network_plugin_operations_total``, ``network_plugin_operations_errors_total`` and
        ``network_plugin_operations_duration_seconds``; the label is ``operation_type``.
        """
        return self._native.prometheus()


def not_a_runtime(value: object, expected: str) -> TypeError:
    """Return the error of networks that are made of something else."""
    return TypeError(f"cni is {type(value).__module__}.{type(value).__name__}: expected a {expected}")


def _metrics(counts: dict[str, Any]) -> OperationMetrics:
    buckets = {float(end): count for end, count in counts["buckets"].items()}
    ordered = dict(sorted(buckets.items()))
    return OperationMetrics(counts["total"], counts["errors"], counts["durationSeconds"], ordered)
