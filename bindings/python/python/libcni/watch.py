"""Watching the configuration of networks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

from libcni import _libcni
from libcni._libcni import Context
from libcni.networks import LoadedNetwork, NetworksConfig


@dataclass(frozen=True)
class NetworksChange:
    """What a :class:`NetworksWatch` noticed.

    Attributes:
        config: the networks that are loaded now, and the files that could not be.
        networks_changed: whether these are others than before.
        plugins_changed: whether something changed in the plugin directories.
    """

    config: NetworksConfig
    networks_changed: bool
    plugins_changed: bool


class NetworksWatch:
    """Watches the configuration of a :class:`Networks`, and loads the networks again when it changed.

    Made by :meth:`Networks.watch`. It is an iterator of changes, each as it comes, and ends when it is closed::

        with networks.watch() as watch:
            for change in watch:
                print([network.name for network in change.config.networks])

    In an event loop :meth:`fileno` is what to wait for, and :meth:`dispatch` what to call then. There is no thread: who
    watches goes on calling one of these. What changed between the last load and the making of the watch is noticed,
    too. A file that is broken keeps the network that it had and is among the errors, until it is good again or gone.
    """

    def __init__(self, native: _libcni.Watch) -> None:
        self._native = native

    def fileno(self) -> int:
        """Return the descriptor that is readable when :meth:`dispatch` has something to do. Only wait for it.

        Raises:
            ValueError: the watch is closed.
        """
        return self._native.fileno()

    def dispatch(self) -> NetworksChange | None:
        """Go on with what happened, without waiting; return what changed, ``None`` while there is nothing to tell.

        Raises:
            CNIOSError: a new directory cannot be watched. The next call tries again.
            ValueError: the watch is closed.
        """
        return _change_of(self._native.dispatch())

    def wait(self, *, timeout: float | None = None, context: Context | None = None) -> NetworksChange:
        """Wait for the next change, and return it.

        Args:
            timeout: how long to wait, in seconds.
            context: for cancellation from another thread.

        Raises:
            CNITimeoutError: nothing changed in that time.
            CancelledError: the context was cancelled.
            CNIOSError: as for :meth:`dispatch`.
            ValueError: the watch is closed, or was meanwhile.
        """
        change = _change_of(self._native.wait((context, timeout)))
        if change is None:
            msg = "the watch is closed"
            raise ValueError(msg)
        return change

    def close(self) -> None:
        """End the watch, and the waits that run on other threads. A second call does nothing."""
        self._native.close()

    @property
    def closed(self) -> bool:
        """Whether the watch was closed."""
        return self._native.is_closed

    def __iter__(self) -> Iterator[NetworksChange]:
        return self

    def __next__(self) -> NetworksChange:
        change = None if self.closed else _change_of(self._native.wait((None, None)))
        if change is None:
            raise StopIteration
        return change

    def __enter__(self) -> NetworksWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def config_of(native: _libcni._Config) -> NetworksConfig:
    """Return what the core tells of the networks that are loaded."""
    conf_dir, prefix, plugin_dirs, generation, networks, errors = native
    return NetworksConfig(
        os.fspath(conf_dir),
        prefix,
        tuple(map(os.fspath, plugin_dirs)),
        generation,
        tuple(
            LoadedNetwork(conf_list.name, ifname, None if path is None else os.fspath(path), is_loopback, conf_list)
            for conf_list, ifname, path, is_loopback in networks
        ),
        tuple((os.fspath(path), error) for path, error in errors),
    )


def _change_of(native: tuple[_libcni._Config, bool, bool] | None) -> NetworksChange | None:
    if native is None:
        return None
    config, networks, plugins = native
    return NetworksChange(config_of(config), networks, plugins)
