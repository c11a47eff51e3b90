"""One call, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from libcni._libcni import Context

_T = TypeVar("_T")


async def run(context: Context | None, call: Callable[[Context], _T]) -> _T:
    """Run a call on a thread of its own, in a context that the cancellation of the task cancels."""
    bounds = Context() if context is None else context.child()
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    outcome: list[Callable[[], _T]] = []

    def work() -> None:
        try:
            answer = call(bounds)
        except BaseException as error:
            outcome.append(_raises(error))
        else:
            outcome.append(lambda: answer)
        # A loop that was closed meanwhile has nobody who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(ended.set_result, None)

    variables = contextvars.copy_context()
    threading.Thread(target=variables.run, args=(work,), name="libcni").start()
    cancelled: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.wait([ended])
        except asyncio.CancelledError as error:
            # The plugin is ended first. Whoever cancels again waits, too.
            bounds.cancel()
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return outcome[0]()


def _raises(error: BaseException) -> Callable[[], Any]:
    def raise_it() -> Any:
        raise error

    return raise_it
