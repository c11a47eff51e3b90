"""The operations of a runtime on its networks, as coroutines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from libcni import operations
from libcni._libcni import Context
from libcni.aio.call import run
from libcni.attachments import Attachment, AttachmentKey, CachedConfig
from libcni.events import Event
from libcni.networks import NetworkLike, PluginLike
from libcni.operations import DEFAULT, Default, Env, ValidAttachment
from libcni.plugin import Plugin
from libcni.plugins import Exec, RenderedRequest, VersionInfo
from libcni.results import Result
from libcni.runtime_conf import RuntimeConfLike, StrPath


class CNI:
    """:class:`libcni.CNI` for asyncio: the same arguments, and the same methods as coroutines.

    Each call runs on a thread of its own, which begins in the namespaces of the event loop's thread; an
    ``asyncio.Semaphore`` bounds how many run at once. Cancelling a task that waits for a call cancels the call: the
    plugin and its process group are ended, and only then the task goes on.

    ``on_event`` and the methods of ``exec`` are plain callables, called on the thread of the call.
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
        self._cni = operations.CNI(
            plugin_dirs,
            cache_dir,
            timeout,
            rollback,
            locking,
            env,
            on_event,
            exec,
            kill_grace=kill_grace,
            max_output_bytes=max_output_bytes,
            rollback_timeout=rollback_timeout,
            preflight=preflight,
            durable=durable,
            plugins=plugins,
            builtins=builtins,
        )

    async def add_network_list(
        self,
        network: NetworkLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> Result:
        """See :meth:`libcni.CNI.add_network_list`."""
        return await run(
            context,
            lambda bounds: self._cni.add_network_list(network, runtime_conf, timeout=timeout, context=bounds),
        )

    async def check_network_list(
        self,
        network: NetworkLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """See :meth:`libcni.CNI.check_network_list`."""
        return await run(
            context,
            lambda bounds: self._cni.check_network_list(network, runtime_conf, timeout=timeout, context=bounds),
        )

    async def del_network_list(
        self,
        network: NetworkLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """See :meth:`libcni.CNI.del_network_list`."""
        return await run(
            context,
            lambda bounds: self._cni.del_network_list(network, runtime_conf, timeout=timeout, context=bounds),
        )

    async def get_network_list_cached_result(
        self, network: NetworkLike, runtime_conf: RuntimeConfLike
    ) -> Result | None:
        """See :meth:`libcni.CNI.get_network_list_cached_result`."""
        return await run(None, lambda _: self._cni.get_network_list_cached_result(network, runtime_conf))

    async def get_network_list_cached_config(
        self, network: NetworkLike, runtime_conf: RuntimeConfLike
    ) -> CachedConfig | None:
        """See :meth:`libcni.CNI.get_network_list_cached_config`."""
        return await run(None, lambda _: self._cni.get_network_list_cached_config(network, runtime_conf))

    async def validate_network_list(
        self, network: NetworkLike, *, timeout: float | None = None, context: Context | None = None
    ) -> list[str]:
        """See :meth:`libcni.CNI.validate_network_list`."""
        return await run(
            context, lambda bounds: self._cni.validate_network_list(network, timeout=timeout, context=bounds)
        )

    async def gc_network_list(
        self,
        network: NetworkLike,
        valid_attachments: Iterable[ValidAttachment] | None,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """See :meth:`libcni.CNI.gc_network_list`."""
        return await run(
            context,
            lambda bounds: self._cni.gc_network_list(network, valid_attachments, timeout=timeout, context=bounds),
        )

    async def get_status_network_list(
        self, network: NetworkLike, *, timeout: float | None = None, context: Context | None = None
    ) -> None:
        """See :meth:`libcni.CNI.get_status_network_list`."""
        return await run(
            context,
            lambda bounds: self._cni.get_status_network_list(network, timeout=timeout, context=bounds),
        )

    async def add_network(
        self,
        conf: PluginLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> Result:
        """See :meth:`libcni.CNI.add_network`."""
        return await run(
            context, lambda bounds: self._cni.add_network(conf, runtime_conf, timeout=timeout, context=bounds)
        )

    async def check_network(
        self,
        conf: PluginLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """See :meth:`libcni.CNI.check_network`."""
        return await run(
            context,
            lambda bounds: self._cni.check_network(conf, runtime_conf, timeout=timeout, context=bounds),
        )

    async def del_network(
        self,
        conf: PluginLike,
        runtime_conf: RuntimeConfLike,
        *,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> None:
        """See :meth:`libcni.CNI.del_network`."""
        return await run(
            context, lambda bounds: self._cni.del_network(conf, runtime_conf, timeout=timeout, context=bounds)
        )

    async def get_network_cached_result(self, conf: PluginLike, runtime_conf: RuntimeConfLike) -> Result | None:
        """See :meth:`libcni.CNI.get_network_cached_result`."""
        return await run(None, lambda _: self._cni.get_network_cached_result(conf, runtime_conf))

    async def get_network_cached_config(self, conf: PluginLike, runtime_conf: RuntimeConfLike) -> CachedConfig | None:
        """See :meth:`libcni.CNI.get_network_cached_config`."""
        return await run(None, lambda _: self._cni.get_network_cached_config(conf, runtime_conf))

    async def validate_network(
        self, conf: PluginLike, *, timeout: float | None = None, context: Context | None = None
    ) -> list[str]:
        """See :meth:`libcni.CNI.validate_network`."""
        return await run(context, lambda bounds: self._cni.validate_network(conf, timeout=timeout, context=bounds))

    async def get_cached_attachments(
        self,
        container_id: str | None = None,
        *,
        network_name: str | None = None,
        ifname: str | None = None,
    ) -> list[Attachment]:
        """See :meth:`libcni.CNI.get_cached_attachments`."""
        return await run(
            None,
            lambda _: self._cni.get_cached_attachments(container_id, network_name=network_name, ifname=ifname),
        )

    async def del_cached_attachments(
        self,
        container_id: str | None = None,
        *,
        network_name: str | None = None,
        ifname: str | None = None,
        everything: bool = False,
        timeout: float | None = None,
        context: Context | None = None,
    ) -> list[AttachmentKey]:
        """See :meth:`libcni.CNI.del_cached_attachments`."""
        return await run(
            context,
            lambda bounds: self._cni.del_cached_attachments(
                container_id,
                network_name=network_name,
                ifname=ifname,
                everything=everything,
                timeout=timeout,
                context=bounds,
            ),
        )

    async def get_version_info(
        self, plugin_type: str, *, timeout: float | None = None, context: Context | None = None
    ) -> VersionInfo:
        """See :meth:`libcni.CNI.get_version_info`."""
        return await run(
            context, lambda bounds: self._cni.get_version_info(plugin_type, timeout=timeout, context=bounds)
        )

    async def render_network_list(
        self, command: str, network: NetworkLike, runtime_conf: RuntimeConfLike
    ) -> list[RenderedRequest]:
        """See :meth:`libcni.CNI.render_network_list`."""
        return await run(None, lambda _: self._cni.render_network_list(command, network, runtime_conf))
