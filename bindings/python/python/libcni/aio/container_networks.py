"""The networks of a container, as coroutines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from libcni import container_networks
from libcni._libcni import Context
from libcni.aio.call import run
from libcni.aio.operations import CNI
from libcni.aio.watch import NetworksWatch
from libcni.container import ContainerLike, SetupResult
from libcni.container_networks import OperationMetrics
from libcni.networks import NetworksConfig, NetworkSourceLike
from libcni.runtime_conf import StrPath


class Networks:
    """:class:`libcni.Networks` for asyncio: the same arguments, and the same methods, as coroutines where they wait.

    Each call runs on a thread of its own, as those of :class:`CNI`; cancelling a task that waits for one ends the
    plugins first. The networks are loaded for the first time when the object is made, on the thread that makes it.
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
            raise container_networks.not_a_runtime(cni, "libcni.aio.CNI")
        self._networks = container_networks.Networks(
            cni._cni,
            sources=sources,
            conf_dir=conf_dir,
            interface_prefix=interface_prefix,
            min_networks=min_networks,
            max_networks=max_networks,
            loopback=loopback,
            loopback_plugin=loopback_plugin,
            parallel=parallel,
            undo=undo,
            undo_timeout=undo_timeout,
            check_netns=check_netns,
        )

    @property
    def config(self) -> NetworksConfig:
        """See :attr:`libcni.Networks.config`."""
        return self._networks.config

    async def load(self, sources: Iterable[NetworkSourceLike] | None = None) -> NetworksConfig:
        """See :meth:`libcni.Networks.load`."""
        return await run(None, lambda _: self._networks.load(sources))

    async def setup(
        self, container: ContainerLike, *, timeout: float | None = None, context: Context | None = None
    ) -> SetupResult:
        """See :meth:`libcni.Networks.setup`."""
        return await run(context, lambda bounds: self._networks.setup(container, timeout=timeout, context=bounds))

    async def check(
        self, container: ContainerLike, *, timeout: float | None = None, context: Context | None = None
    ) -> None:
        """See :meth:`libcni.Networks.check`."""
        return await run(context, lambda bounds: self._networks.check(container, timeout=timeout, context=bounds))

    async def remove(
        self, container: ContainerLike, *, timeout: float | None = None, context: Context | None = None
    ) -> None:
        """See :meth:`libcni.Networks.remove`."""
        return await run(context, lambda bounds: self._networks.remove(container, timeout=timeout, context=bounds))

    async def status(self, *, timeout: float | None = None, context: Context | None = None) -> None:
        """See :meth:`libcni.Networks.status`."""
        return await run(context, lambda bounds: self._networks.status(timeout=timeout, context=bounds))

    def watch(self, *, debounce: float = 0.1) -> NetworksWatch:
        """See :meth:`libcni.Networks.watch`."""
        return NetworksWatch(self._networks.watch(debounce=debounce))

    def metrics(self) -> dict[str, OperationMetrics]:
        """See :meth:`libcni.Networks.metrics`."""
        return self._networks.metrics()

    def prometheus(self) -> str:
        """See :meth:`libcni.Networks.prometheus`."""
        return self._networks.prometheus()
