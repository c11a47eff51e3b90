"""Watching the configuration of networks in an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType

from libcni import watch
from libcni.aio.call import run
from libcni.watch import NetworksChange


class NetworksWatch:
    """:class:`libcni.NetworksWatch` for asyncio: an asynchronous iterator of changes.

    It ends when it is closed::

        with networks.watch() as watch:
            async for change in watch:
                print([network.name for network in change.config.networks])

    One task at a time waits. Between changes it waits for the descriptor alone; files are read on a thread that ends at
    once. A change that came while a task was cancelled is for the next one that waits.
    """

    def __init__(self, native: watch.NetworksWatch) -> None:
        self._watch = native
        self._changes: deque[NetworksChange] = deque()
        self._busy = False
        self._waiting: tuple[asyncio.AbstractEventLoop, int, asyncio.Future[None]] | None = None

    async def wait(self) -> NetworksChange:
        """Wait for the next change, and return it.

        Raises:
            CNIOSError: as for :meth:`libcni.NetworksWatch.dispatch`.
            RuntimeError: another task waits.
            ValueError: the watch is closed, or was meanwhile.
        """
        change = await self._next()
        if change is None:
            msg = "the watch is closed"
            raise ValueError(msg)
        return change

    def close(self) -> None:
        """End the watch, and the wait of a task. A second call does nothing."""
        # Before the descriptor is closed, whose number the loop must not watch any more.
        self._wake()
        self._watch.close()

    @property
    def closed(self) -> bool:
        """Whether the watch was closed."""
        return self._watch.closed

    def __aiter__(self) -> AsyncIterator[NetworksChange]:
        return self

    async def __anext__(self) -> NetworksChange:
        change = await self._next()
        if change is None:
            raise StopAsyncIteration
        return change

    def __enter__(self) -> NetworksWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def _next(self) -> NetworksChange | None:
        if self._busy:
            msg = "another task waits for the next change already"
            raise RuntimeError(msg)
        self._busy = True
        try:
            while not self._changes and not self.closed:
                if not await run(None, lambda _: self._dispatch()):
                    await self._readable()
            return None if self.closed else self._changes.popleft()
        finally:
            self._busy = False

    def _dispatch(self) -> bool:
        try:
            change = self._watch.dispatch()
        except ValueError:
            # Closed since the thread began.
            if self.closed:
                return True
            raise
        if change is not None:
            self._changes.append(change)
        return change is not None

    async def _readable(self) -> None:
        if self.closed:
            return
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        self._waiting = (loop, self._watch.fileno(), ready)
        loop.add_reader(self._watch.fileno(), self._wake)
        try:
            await ready
        finally:
            self._wake()

    def _wake(self) -> None:
        if self._waiting is None:
            return
        (loop, descriptor, ready), self._waiting = self._waiting, None
        loop.remove_reader(descriptor)
        if not ready.done():
            ready.set_result(None)
