"""Write a plugin: a class with methods, which is a program and lives in a process without change.

>>> from libcni import plugin
>>> class Fixed(plugin.Plugin):
...     def add(self, request):
...         return {"ips": [{"address": request.config["ipam"]["address"]}]}
>>> cni = libcni.CNI(plugins={"fixed": Fixed()}, cache_dir=None)
>>> conf = {"type": "fixed", "ipam": {"address": "10.1.0.5/16"}}
>>> network = {"cniVersion": "1.1.0", "name": "demo", "plugins": [conf]}
>>> cni.add_network_list(network, {"container_id": "c1", "netns": "/run/netns/c1"}).ips[0].address
IPv4Interface('10.1.0.5/16')

As a program it is the same class and, at the end of the file, ``Fixed().main()``.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NoReturn, Union

from libcni import _json, _libcni
from libcni._libcni import Context, PluginRequest
from libcni.errors import CNIError, PluginError
from libcni.results import Result

#: What ``add`` returns: a result of any version; ``None`` is an empty one. A mapping without ``cniVersion`` is in the
#: version that was asked for.
ResultLike = Union[Result, Mapping[str, Any], str, None]

ALL_VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")


class Error(PluginError):
    """What a plugin raises: its error object.

    Args:
        code: 1 to 99 as the specification says, 100 and above as the plugin likes.
        msg: what failed, in a few words.
        details: why, if there is more to say.
    """

    def __init__(self, code: int, msg: str, details: str = "") -> None:
        super().__init__(f"{msg}; {details}" if details else msg)
        self.code: int = code
        self.msg: str = msg
        self.details: str = details

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.msg, self.details)


class Request:
    """What a plugin is asked, checked by the rules of the protocol.

    Attributes:
        command: ``"ADD"``, ``"CHECK"``, ``"DEL"``, ``"GC"`` or ``"STATUS"``.
        container_id: the container's id; may be empty in GC and STATUS.
        netns: the path of the network namespace; may be empty, and what it names may be gone, in DEL.
        ifname: the name of the interface in the container; may be empty in GC and STATUS.
        args: ``CNI_ARGS`` as it stands; :meth:`known_args` reads it.
        network_name: the network's name.
        cni_version: the version of the specification that the configuration is written in.
        config_text: the configuration as JSON text.
    """

    command: str
    container_id: str
    netns: str
    ifname: str
    args: str
    network_name: str
    cni_version: str
    config_text: str

    def __init__(self, command: str, native: PluginRequest) -> None:
        self.command = command
        self._native = native
        (
            self.container_id,
            self.netns,
            self.ifname,
            self.args,
            self.network_name,
            self.cni_version,
            self.config_text,
        ) = native.texts()

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration as Python objects."""
        config: dict[str, Any] = _json.decode(self.config_text)
        return config

    @property
    def stdin(self) -> bytes:
        """The configuration, byte for byte."""
        return self._native.stdin()

    @property
    def environment(self) -> dict[str, str]:
        """The environment. Inside a process it is not the process's own, but what the program would get."""
        return dict(self._native.environment())

    @property
    def plugin_dirs(self) -> list[str]:
        """The directories in which plugins are searched (``CNI_PATH``)."""
        return [os.fspath(dir) for dir in self._native.plugin_dirs()]

    @property
    def context(self) -> Context:
        """The context of the call: inside a process a long piece of work looks at its ``remaining`` time."""
        return self._native.context()

    def prev_result(self) -> Result | None:
        """Return the result of the plugin before this one (ADD) or of the attachment (CHECK, DEL).

        It is in the version of the configuration, whatever version it came in.
        """
        text = self._native.prev_result()
        return None if text is None else Result(text)

    def valid_attachments(self) -> list[tuple[str, str]] | None:
        """GC: return container id and interface of each valid attachment; ``None`` when the runtime does not tell."""
        return self._native.valid_attachments()

    def known_args(self, *names: str) -> dict[str, str]:
        """Return the arguments of ``CNI_ARGS`` with these names.

        Others are an error, unless ``IgnoreUnknown`` is among them and true.
        """
        return self._native.known_args(list(names))

    def log(self, line: str) -> None:
        """Write a line for people to stderr; inside a process, to the runtime's events and errors."""
        self._native.log(line)

    def delegate_add(self, plugin_type: str, config: Mapping[str, Any] | str) -> Result:
        """ADD by another plugin; a failure is followed by its DEL. What it raises can be passed on as it is."""
        text = self._delegate("ADD", plugin_type, config)
        return Result(text or "{}")

    def delegate_check(self, plugin_type: str, config: Mapping[str, Any] | str) -> None:
        """CHECK by another plugin."""
        self._delegate("CHECK", plugin_type, config)

    def delegate_del(self, plugin_type: str, config: Mapping[str, Any] | str) -> None:
        """DEL by another plugin."""
        self._delegate("DEL", plugin_type, config)

    def delegate_gc(self, plugin_type: str, config: Mapping[str, Any] | str) -> None:
        """GC by another plugin."""
        self._delegate("GC", plugin_type, config)

    def delegate_status(self, plugin_type: str, config: Mapping[str, Any] | str) -> None:
        """STATUS by another plugin."""
        self._delegate("STATUS", plugin_type, config)

    def _delegate(self, command: str, plugin_type: str, config: Mapping[str, Any] | str) -> str | None:
        text = config if isinstance(config, str) else _json.encode(config)
        return self._native.delegate(command, plugin_type, text)


class Plugin:
    """A plugin. Its methods get a :class:`Request`; what they raise is the error object of the protocol.

    An :class:`Error` is told as it is, and so is what a delegate raised. Any other exception has the code 999, its
    text and its type, with the traceback on stderr. Inside a process the methods are called on the threads of the
    callers, also at the same time.

    Attributes:
        supported_versions: the versions of the specification that it can be asked in.
        about: what the program prints when a person starts it: its name and version.
    """

    supported_versions: Iterable[str] = ALL_VERSIONS
    about: str = ""

    def add(self, request: Request) -> ResultLike:
        """Attach the container; the result may have any version."""
        raise NotImplementedError

    def check(self, request: Request) -> object:
        """Raise when the attachment is not as it should be."""

    def delete(self, request: Request) -> object:
        """Undo ``add``. What is gone already is deleted."""

    def gc(self, request: Request) -> object:
        """Remove what belongs to none of :meth:`Request.valid_attachments`."""

    def status(self, request: Request) -> object:
        """Raise an :class:`Error` with the code 50 or 51 when ``add`` would not work."""

    def main(self) -> NoReturn:
        """Be the program: read the environment and stdin, print the result or the error object, exit."""
        sys.exit(_libcni.plugin_main(PluginAdapter(self)))


class PluginAdapter:
    """What the core calls, for a plugin of its user: texts in and out."""

    about: str
    supported_versions: list[str]

    def __init__(self, plugin: object) -> None:
        if not isinstance(plugin, Plugin):
            msg = f"{plugin!r} is no libcni.plugin.Plugin"
            raise TypeError(msg)
        self._plugin = plugin
        self.about = plugin.about
        self.supported_versions = list(plugin.supported_versions)

    def call(self, command: str, native: PluginRequest) -> tuple[str | None, tuple[int, str, str] | None, str]:
        """Run a command: the result, or code, message and details; and words for stderr."""
        method = {"DEL": "delete"}.get(command, command.lower())
        try:
            answer = getattr(self._plugin, method)(Request(command, native))
            return (_text(answer) if command == "ADD" else None), None, ""
        except PluginError as error:
            return None, (error.code, error.msg or str(error), error.details), ""
        except CNIError as error:
            return None, (error.code or 999, error.msg or str(error), error.details), ""
        except Exception as error:  # whatever it is: the protocol has a place for it
            text = str(error) or type(error).__name__
            return None, (999, text, type(error).__name__), traceback.format_exc()


def _text(result: ResultLike) -> str | None:
    if isinstance(result, Result):
        return result.to_json()
    if result is None or isinstance(result, str):
        return result
    return _json.encode(result)
