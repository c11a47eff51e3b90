"""The operations of a runtime on its networks."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Union

from libcni import _json, _libcni, networks
from libcni import runtime_conf as runtime
from libcni._libcni import Context
from libcni.attachments import Attachment, AttachmentKey, CachedConfig
from libcni.events import Event, observer
from libcni.networks import NetworkLike, PluginLike
from libcni.plugin import Plugin, PluginAdapter
from libcni.plugins import Exec, ExecAdapter, RenderedRequest, VersionInfo
from libcni.results import Result
from libcni.runtime_conf import RuntimeConfLike, StrPath

#: What plugins get of the environment: all of it, ``PATH`` alone, the variables with these names, or exactly these.
Env = Union[Literal["inherit", "clean"], Iterable[str], Mapping[str, str]]
#: An attachment that is still valid: as it was remembered, its key, ``(container_id, ifname)``, or a dict.
ValidAttachment = Union[Attachment, AttachmentKey, tuple[str, str], Mapping[str, Any]]


class Default:
    """The type of :data:`DEFAULT`."""

    def __repr__(self) -> str:
        return "libcni.DEFAULT"


#: The directory of the core: ``/var/lib/cni``, or what a runtime configuration says.
DEFAULT = Default()


class CNI:
    """A CNI runtime: attaches containers to networks, remembers how, checks, deletes and collects the attachments.

    Immutable, and free to be used by any number of threads at once. A call runs its plugins on the calling thread,
    whose namespaces they inherit, and releases the GIL meanwhile. Ctrl-C ends the plugin that runs, with its process
    group, before ``KeyboardInterrupt`` is raised.

    Args:
        plugin_dirs: where plugins are searched, in order; default ``$CNI_PATH``, else ``/opt/cni/bin``.
        cache_dir: where attachments are remembered; default ``/var/lib/cni``. ``None`` keeps nothing on disk: CHECK
            and DEL then take the result of ADD from ``RuntimeConf.prev_result``, or do without.
        timeout: how long each call may take, in seconds.
        rollback: whether a failed ADD is followed by a DEL of the whole list.
        locking: whether operations on one attachment wait for each other, across processes.
        env: what plugins get of the environment: ``"inherit"``, ``"clean"`` (``PATH`` alone), names to keep, or a
            mapping that is the environment. Read when a call begins, so other threads may change ``os.environ``.
        on_event: called with an :class:`Event` at the begin and at the end of each plugin's run, on the thread of
            the call.
        exec: an object that finds plugins, runs them, or both; see :class:`PluginFinder` and :class:`PluginRunner`.
        kill_grace: the seconds between SIGTERM and SIGKILL for a plugin that is being ended; default 1.
        max_output_bytes: the most that is kept of a plugin's stdout, and of its stderr; default 16 MiB.
        rollback_timeout: how long the DEL after a failed ADD may take, in seconds; default 30.
        preflight: whether ADD finds every plugin, and the cache writable, before the first plugin runs.
        durable: whether cache files are flushed to the disk before a call returns.
        plugins: plugins that live in this process, by their types: asked before programs, and before ``exec``.
        builtins: plugins of the library itself that live in this process: ``"loopback"``.

    >>> cni = libcni.CNI(plugin_dirs=["/usr/lib/cni"], cache_dir=None, timeout=30)
    >>> cni.get_version_info("no-such-plugin")
    Traceback (most recent call last):
    libcni.errors.PluginNotFoundError: failed to find plugin "no-such-plugin" in path [/usr/lib/cni]
    """

    def __init__(
        self,
        plugin_dirs: Iterable[StrPath] | None = None,
        cache_dir: StrPath | Default | None = DEFAULT,
        timeout: float | None = None,
        rollback: bool = False,
        locking: bool = True,
        env: Env = "inherit",
        on_event: Callable[[Event], object] | None = None,
        exec: Exec | None = None,
        *,
        kill_grace: float | None = None,
        max_output_bytes: int | None = None,
        rollback_timeout: float | None = None,
        preflight: bool = True,
        durable: bool = True,
        plugins: Mapping[str, Plugin] | None = None,
        builtins: Iterable[str] = (),
    ) -> None:
        if isinstance(plugin_dirs, (str, bytes)):
            msg = "plugin_dirs is one path: expected several, as in ['/usr/lib/cni']"
            raise TypeError(msg)
        options: dict[str, Any] = {
            "pluginDirs": None if plugin_dirs is None else list(plugin_dirs),
            "timeoutMs": _milliseconds("timeout", timeout),
            "killGraceMs": _milliseconds("kill_grace", kill_grace),
            "maxOutputBytes": max_output_bytes,
            "env": env if isinstance(env, (str, Mapping)) else list(env),
            "rollback": rollback,
            "rollbackTimeoutMs": _milliseconds("rollback_timeout", rollback_timeout),
            "preflight": preflight,
            "locking": locking,
            "durable": durable,
            "builtins": list(builtins),
        }
        if not isinstance(cache_dir, Default):
            options["cacheDir"] = cache_dir
        self._native = _libcni.Cni(
            _json.encode(options),
            None if exec is None else ExecAdapter(exec),
            None if on_event is None else observer(on_event),
            [(type, PluginAdapter(plugin)) for type, plugin in (plugins or {}).items()],
        )

    def add_network_list(
        self,
        network: NetworkLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> Result:
        """ADD: attach a container to a network, plugin by plugin, and remember the attachment.

        Args:
            network: the network; see :data:`NetworkLike`.
            runtime_conf: the container, its network namespace and its interface.
            timeout: how long the call may take, in seconds. The earliest of this, the runtime's and the context's
                counts.
            context: for cancellation from another thread, and for trace ids.

        Raises:
            PluginError: a plugin failed. What ran before it stays, unless the runtime has ``rollback``.
            CacheError: the attachment could not be remembered; the error has the result.
            CNIError: anything else that goes wrong, see :mod:`libcni.errors`.
        """
        text = self._native.add_network_list((context, timeout), *_list(network, runtime_conf))
        return Result(text)

    def check_network_list(
        self,
        network: NetworkLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """CHECK: ask every plugin whether the attachment is as it should be.

        Raises:
            CheckNotSupportedError: the network's version is below 0.4.0.
            NotAddedError: there is no remembered attachment.
            PluginError: a plugin says that it is not.
        """
        self._native.check_network_list((context, timeout), *_list(network, runtime_conf))

    def del_network_list(
        self,
        network: NetworkLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """DEL: undo an attachment, from the last plugin to the first, and forget it.

        Deleting what is not there succeeds. After a failure the attachment is still remembered, so that DEL can be
        tried again.

        Raises:
            PluginError: a plugin failed.
        """
        self._native.del_network_list((context, timeout), *_list(network, runtime_conf))

    def get_network_list_cached_result(self, network: NetworkLike, runtime_conf: RuntimeConfLike) -> Result | None:
        """Return the remembered result of an ADD in the network's version; ``None`` when there is none.

        Only ``name`` and ``cniVersion`` of the network count. No plugin runs.

        Raises:
            CacheError: the cache cannot be read, or its entry is of no use.
        """
        text = self._native.get_network_list_cached_result(*_list(network, runtime_conf))
        return None if text is None else Result(text)

    def get_network_list_cached_config(
        self, network: NetworkLike, runtime_conf: RuntimeConfLike
    ) -> CachedConfig | None:
        """Return the remembered configuration of an ADD; ``None`` when there is none. No plugin runs.

        Raises:
            CacheError: the cache cannot be read, or its entry is of no use.
        """
        return _cached_config(self._native.get_network_list_cached_config(*_list(network, runtime_conf)))

    def validate_network_list(
        self, network: NetworkLike, *, timeout: float | None = None, context: Context | None = None
    ) -> list[str]:
        """Check that every plugin can be found and supports the network's version; return the enabled capabilities.

        Raises:
            CNIError: the first failure's class; ``causes`` has all of them.
        """
        return self._native.validate_network_list((context, timeout), networks.network(network))

    def gc_network_list(
        self,
        network: NetworkLike,
        valid_attachments: Iterable[ValidAttachment] | None,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """GC: delete the remembered attachments of a network that are not valid any more.

        From version 1.1.0, every plugin then removes what belongs to none of the valid ones.

        Args:
            network: the network.
            valid_attachments: all attachments that are to stay. ``[]`` makes every one stale; ``None`` does too, and
                leaves the plugins without a list to compare with. Compute it while no ADD of the network runs.
            timeout: how long the call may take, in seconds.
            context: for cancellation from another thread, and for trace ids.

        Raises:
            CNIError: the first failure's class; every step is tried, and ``causes`` has all failures.
        """
        valid = None if valid_attachments is None else [_valid(attachment) for attachment in valid_attachments]
        args = _json.encode({"validAttachments": valid})
        self._native.gc_network_list((context, timeout), networks.network(network), args)

    def get_status_network_list(
        self, network: NetworkLike, *, timeout: float | None = None, context: Context | None = None
    ) -> None:
        """STATUS: ask every plugin whether it is ready for ADD. Below version 1.1.0 nothing runs.

        Raises:
            PluginError: one is not: code 50, not available; 51, and existing containers may have limited connectivity.
        """
        self._native.get_status_network_list((context, timeout), networks.network(network))

    def add_network(
        self,
        conf: PluginLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> Result:
        """ADD with one plugin on its own, under its own name and version; see :meth:`add_network_list`."""
        return Result(self._native.add_network((context, timeout), *_single(conf, runtime_conf)))

    def check_network(
        self,
        conf: PluginLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """CHECK with one plugin on its own; see :meth:`check_network_list`."""
        self._native.check_network((context, timeout), *_single(conf, runtime_conf))

    def del_network(
        self,
        conf: PluginLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """DEL with one plugin on its own; see :meth:`del_network_list`."""
        self._native.del_network((context, timeout), *_single(conf, runtime_conf))

    def get_network_cached_result(self, conf: PluginLike, runtime_conf: RuntimeConfLike) -> Result | None:
        """Return the remembered result of :meth:`add_network`; ``None`` when there is none."""
        text = self._native.get_network_cached_result(*_single(conf, runtime_conf, named=True))
        return None if text is None else Result(text)

    def get_network_cached_config(self, conf: PluginLike, runtime_conf: RuntimeConfLike) -> CachedConfig | None:
        """Return the remembered configuration of :meth:`add_network`; ``None`` when there is none."""
        return _cached_config(self._native.get_network_cached_config(*_single(conf, runtime_conf, named=True)))

    def validate_network(
        self, conf: PluginLike, *, timeout: float | None = None, context: Context | None = None
    ) -> list[str]:
        """Check one plugin on its own; see :meth:`validate_network_list`."""
        return self._native.validate_network((context, timeout), networks.plugin(conf))

    def get_cached_attachments(
        self,
        container_id: str | None = None,
        *,
        network_name: str | None = None,
        ifname: str | None = None,
    ) -> list[Attachment]:
        """Return the remembered attachments that match all that is given; without arguments, all of them.

        Raises:
            CacheError: the cache cannot be read.
        """
        found = _json.decode(self._native.get_cached_attachments(_filter(container_id, network_name, ifname)))
        return [Attachment.from_dict(members) for members in found]

    def del_cached_attachments(
        self,
        container_id: str | None = None,
        *,
        network_name: str | None = None,
        ifname: str | None = None,
        everything: bool = False,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> list[AttachmentKey]:
        """DEL of every remembered attachment that matches, with the configuration and the arguments of its ADD.

        Goes on after errors. Nobody deletes everything by leaving the arguments out: that takes ``everything=True``.

        Returns:
            what was deleted.

        Raises:
            CNIError: the first failure's class; ``causes`` has all of them, each with its ``attachment``.
        """
        given = (container_id, network_name, ifname) != (None, None, None)
        if given == everything:
            msg = "expected container_id, network_name or ifname, or else everything=True"
            raise TypeError(msg)
        text = _filter(container_id, network_name, ifname)
        report = _json.decode(self._native.del_cached_attachments((context, timeout), text))
        return [AttachmentKey.from_dict(entry["attachment"]) for entry in report]

    def get_version_info(
        self, plugin_type: str, *, timeout: float | None = None, context: Context | None = None
    ) -> VersionInfo:
        """Ask a plugin which versions of the CNI specification it supports.

        Raises:
            PluginNotFoundError: there is no such plugin.
        """
        info = _json.decode(self._native.get_version_info((context, timeout), plugin_type))
        return VersionInfo(info["cniVersion"], tuple(info["supportedVersions"]))

    def render_network_list(
        self, command: str, network: NetworkLike, runtime_conf: RuntimeConfLike
    ) -> list[RenderedRequest]:
        """Return what a command would run on a network, in the order of execution.

        The command is ``ADD``, ``CHECK``, ``DEL``, ``GC`` or ``STATUS``. Plugins are looked for, and the cache is
        read; nothing runs and nothing is written.
        """
        requests = self._native.render_network_list(command, *_list(network, runtime_conf))
        return [
            RenderedRequest(plugin, path, env, stdin.encode(), needs_prev_result)
            for plugin, path, env, stdin, needs_prev_result in requests
        ]


def _list(network: NetworkLike, runtime_conf: RuntimeConfLike) -> tuple[_libcni.NetworkConfigList, str]:
    return networks.network(network), runtime.runtime_conf_json(runtime_conf)


def _single(
    conf: PluginLike, runtime_conf: RuntimeConfLike, *, named: bool = False
) -> tuple[_libcni.PluginConfig, str]:
    return networks.plugin(conf, named=named), runtime.runtime_conf_json(runtime_conf)


def _cached_config(text: str) -> CachedConfig | None:
    members = _json.decode(text)
    if members is None:
        return None
    return CachedConfig(base64.b64decode(members["configBytes"]), runtime.from_dict(members["runtimeConf"]))


def _filter(container_id: str | None, network_name: str | None, ifname: str | None) -> str:
    return _json.encode({"containerId": container_id, "networkName": network_name, "ifName": ifname})


def _valid(attachment: ValidAttachment) -> Mapping[str, Any]:
    if isinstance(attachment, (Attachment, AttachmentKey)):
        return {"containerId": attachment.container_id, "ifName": attachment.ifname}
    if isinstance(attachment, tuple):
        container_id, ifname = attachment
        return {"containerId": container_id, "ifName": ifname}
    names = {"container_id": "containerId", "ifname": "ifName"}
    return {names.get(name, name): value for name, value in attachment.items()}


def _milliseconds(name: str, seconds: float | None) -> int | None:
    if seconds is None or seconds == math.inf:
        return None
    if not seconds >= 0:
        msg = f"{name} is {seconds}: expected seconds, 0 or more"
        raise ValueError(msg)
    return math.ceil(seconds * 1000)
