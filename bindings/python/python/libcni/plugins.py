"""Running plugins another way, and what plugins are asked and answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Union

from libcni import _json
from libcni._libcni import Context


class CompletedRun(Protocol):
    """How a plugin's run ended: a ``subprocess.CompletedProcess``, or what looks like one."""

    @property
    def returncode(self) -> int:
        """The exit code; a negative one is the signal that ended the plugin."""

    @property
    def stdout(self) -> Any:
        """What the plugin wrote to stdout: bytes, text, or None."""

    @property
    def stderr(self) -> Any:
        """What the plugin wrote to stderr: bytes, text, or None."""


#: What ``exec_plugin`` returns: a ``CompletedProcess``; or what a plugin that succeeded printed, as bytes, text or a
#: mapping, ``None`` for nothing; or ``NotImplemented``.
ExecAnswer = Union[CompletedRun, bytes, str, Mapping[str, Any], None]


@dataclass(frozen=True)
class FindRequest:
    """Which plugin to find, and where.

    Attributes:
        command: what the plugin is going to be asked: ``"ADD"``, ``"DEL"``, ...
        plugin: the plugin's type.
        dirs: the directories, in order.
        context: the context of the call, for calls that the callback makes itself.
    """

    command: str
    plugin: str
    dirs: tuple[str, ...]
    context: Context


@dataclass(frozen=True)
class ExecRequest:
    """One run of a plugin.

    Attributes:
        command: what the plugin is asked: ``"ADD"``, ``"DEL"``, ...
        plugin: the plugin's type.
        path: its program.
        dirs: the directories in which plugins are searched.
        stdin: the whole stdin: the plugin's configuration.
        env: the whole environment of the plugin.
        context: the context of the call, for calls that the callback makes itself: it has the deadline, the
            cancellation, and the locks that the call holds. ``context.remaining`` is the time that is left.
    """

    command: str
    plugin: str
    path: str
    dirs: tuple[str, ...]
    stdin: bytes
    env: Mapping[str, str]
    context: Context

    def config(self) -> dict[str, Any]:
        """Return the plugin's configuration as Python objects."""
        config: dict[str, Any] = _json.decode(self.stdin.decode())
        return config


class PluginFinder(Protocol):
    """Finds the programs of plugins. It is called on the thread of the call, for concurrent calls at the same time."""

    def find_in_path(self, request: FindRequest) -> str | os.PathLike[str]:
        """Return the path of a plugin's program, or ``NotImplemented`` to have libcni find it."""


class PluginRunner(Protocol):
    """Runs plugins, in place of the processes that libcni starts.

    It is called on the thread of the call, for concurrent calls at the same time. What it raises becomes the
    ``__cause__`` of a :class:`CallbackError`.

    >>> class Canned:
    ...     def find_in_path(self, request):
    ...         return f"/canned/{request.plugin}"
    ...     def exec_plugin(self, request):
    ...         if request.command != "ADD":
    ...             return None
    ...         return {"cniVersion": "1.1.0", "ips": [{"address": "10.1.0.5/16"}]}
    >>> cni = libcni.CNI(exec=Canned(), cache_dir=None)
    >>> network = {"cniVersion": "1.1.0", "name": "demo", "plugins": [{"type": "any"}]}
    >>> cni.add_network_list(network, {"container_id": "c1", "netns": "/run/netns/c1"}).ips[0].address
    IPv4Interface('10.1.0.5/16')
    """

    def exec_plugin(self, request: ExecRequest) -> ExecAnswer:
        """Run a plugin and return how that ended, or ``NotImplemented`` to have libcni run it."""


#: What a ``CNI`` takes as ``exec``: an object with one of the methods, or both.
Exec = Union[PluginFinder, PluginRunner]


@dataclass(frozen=True)
class VersionInfo:
    """What a plugin says of the versions that it supports.

    Attributes:
        cni_version: the version of the specification in which the plugin answered.
        supported_versions: the versions in which it can be asked.
    """

    cni_version: str
    supported_versions: tuple[str, ...]


@dataclass(frozen=True)
class RenderedRequest:
    """What one plugin would be run with.

    Attributes:
        plugin: the plugin's type.
        path: its program.
        env: the variables of the protocol (``CNI_*``).
        stdin: its configuration, byte for byte.
        needs_prev_result: whether the run would also have a ``prevResult``, which only the plugins before it can tell.
    """

    plugin: str
    path: str
    env: Mapping[str, str]
    stdin: bytes
    needs_prev_result: bool = False

    def config(self) -> dict[str, Any]:
        """Return the plugin's configuration as Python objects."""
        config: dict[str, Any] = _json.decode(self.stdin.decode())
        return config

    def to_json(self) -> str:
        """Return the request as JSON, in the shape of the C ABI."""
        members: dict[str, Any] = {"plugin": self.plugin, "path": self.path, "env": self.env}
        if self.needs_prev_result:
            members["needsPrevResult"] = True
        return _json.encode_with_texts(members, {"stdin": self.stdin.decode()})


class ExecAdapter:
    """What the core calls, for an object of its user: plain values in and out, ``None`` for the default."""

    def __init__(self, exec_object: Exec) -> None:
        self._find = getattr(exec_object, "find_in_path", None)
        self._run = getattr(exec_object, "exec_plugin", None)
        if not callable(self._find) and not callable(self._run):
            msg = f"exec is {type(exec_object).__name__}: it has neither exec_plugin nor find_in_path"
            raise TypeError(msg)

    def find_in_path(self, command: str, plugin: str, dirs: list[os.PathLike[str]], context: Context) -> Any:
        """Find a program: its path, or None."""
        if self._find is None:
            return None
        found = self._find(FindRequest(command, plugin, tuple(map(os.fspath, dirs)), context))
        return None if found is NotImplemented else os.fspath(found)

    def exec_plugin(
        self,
        command: str,
        plugin: str,
        path: str,
        dirs: list[os.PathLike[str]],
        stdin: bytes,
        env: dict[str, str],
        context: Context,
    ) -> tuple[int, int, bytes, bytes] | None:
        """Run a plugin: exit code, signal, stdout and stderr, or None."""
        if self._run is None:
            return None
        request = ExecRequest(command, plugin, path, tuple(map(os.fspath, dirs)), stdin, env, context)
        answer = self._run(request)
        if answer is NotImplemented:
            return None
        if answer is None or isinstance(answer, (str, bytes, Mapping)):
            return 0, 0, _output(answer), b""
        code = answer.returncode
        return max(code, 0), max(-code, 0), _output(answer.stdout), _output(answer.stderr)


def _output(written: str | bytes | Mapping[str, Any] | None) -> bytes:
    if isinstance(written, Mapping):
        written = _json.encode(written)
    return written.encode() if isinstance(written, str) else bytes(written or b"")
