"""The exceptions: one class for each status of the library, all of them :class:`CNIError`.

>>> try:
...     libcni.load_network_conf("/nowhere", "mynet")
... except libcni.NetworkNotFoundError as error:
...     print(error.status, "-", error)
NETWORK_NOT_FOUND - no net configurations found in /nowhere
"""

from __future__ import annotations

import json
from typing import Any, cast

from libcni import _json
from libcni.attachments import AttachmentKey
from libcni.results import Result


class CNIError(Exception):
    """A call of libcni failed. ``str()`` gives the text for people, the attributes everything that is known.

    Attributes:
        status: the kind of failure, by its name in the C ABI: ``"PLUGIN_NOT_FOUND"``.
        status_number: the same as the number that the C ABI returns: ``-4``.
        code: the CNI error code: 1 to 99 of the specification, 100 and above the plugin's own, 0 none.
        msg: ``msg`` of the plugin's error object.
        details: ``details`` of the plugin's error object.
        plugin: the type of the plugin.
        index: the plugin's place in its list.
        path: the plugin's program, or the file that the error is about.
        command: the CNI command: ``"ADD"``, ``"DEL"``, ...
        exit_code: the plugin's exit code.
        signal: the signal that ended the plugin.
        timed_out: whether the plugin was ended because the deadline passed.
        stderr: the end of what the plugin wrote to stderr.
        stdout: the end of what the plugin wrote to stdout.
        duration_ms: how long the plugin ran, in milliseconds.
        result: what the plugins returned, when only what came after (writing the cache) failed.
        attachment: the attachment that the error is about.
        causes: the errors that this one joins, or that followed from it (a failed rollback).
    """

    status: str = "INTERNAL"
    status_number: int = -15
    code: int = 0
    msg: str = ""
    details: str = ""
    plugin: str | None = None
    index: int | None = None
    path: str | None = None
    command: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    timed_out: bool = False
    stderr: str = ""
    stdout: str = ""
    duration_ms: int | None = None
    result: Result | None = None
    attachment: AttachmentKey | None = None
    causes: tuple[CNIError, ...] = ()

    _text: str | None = None

    def to_json(self) -> str:
        """Return everything that is known, as the JSON object of ``libcni_error_json``."""
        return self._text or _json.encode({"status": self.status, "message": str(self)})

    def to_dict(self) -> dict[str, Any]:
        """Return everything that is known, in the shape of :meth:`to_json`."""
        return cast("dict[str, Any]", _json.decode(self.to_json()))

    def __reduce__(self) -> tuple[Any, ...]:
        result = None if self.result is None else self.result.to_json()
        return from_json, (self.to_json(), result)


class InvalidArgumentError(CNIError, ValueError):
    """An argument is wrong: an unknown key, a bad container id or interface name."""

    status = "INVALID_ARGUMENT"
    status_number = -1


class InvalidConfigError(CNIError, ValueError):
    """A network configuration is wrong."""

    status = "INVALID_CONFIG"
    status_number = -2


class NetworkNotFoundError(CNIError, LookupError):
    """No network of that name was found in the configuration directory."""

    status = "NETWORK_NOT_FOUND"
    status_number = -3


class PluginNotFoundError(CNIError, LookupError):
    """No plugin program of that name was found in the plugin directories."""

    status = "PLUGIN_NOT_FOUND"
    status_number = -4


class PluginError(CNIError):
    """A plugin ran and failed. ``code``, ``msg`` and ``details`` are what it said, ``stderr`` what it wrote."""

    status = "PLUGIN"
    status_number = -5


class IncompatibleVersionError(CNIError):
    """A plugin does not support the version of the configuration."""

    status = "INCOMPATIBLE_VERSION"
    status_number = -6


class InvalidResultError(CNIError, ValueError):
    """A plugin succeeded, but what it printed is not a valid result; or a result cannot be converted."""

    status = "INVALID_RESULT"
    status_number = -7


class CNIOSError(CNIError, OSError):
    """A system call failed: a file, a pipe, a process that could not be started."""

    status = "IO"
    status_number = -8


class CacheError(CNIError):
    """The cache of attachments could not be read or written. After an ADD, ``result`` is what it returned."""

    status = "CACHE"
    status_number = -9


class NotAddedError(CNIError, LookupError):
    """There is no remembered attachment to work on."""

    status = "NOT_ADDED"
    status_number = -10


class CNITimeoutError(CNIError, TimeoutError):
    """The deadline passed. The plugin that ran was ended, with its process group."""

    status = "TIMEOUT"
    status_number = -11


class CancelledError(CNIError):
    """The call was cancelled through its :class:`Context`. The plugin that ran was ended, with its process group."""

    status = "CANCELLED"
    status_number = -12


class CheckNotSupportedError(CNIError):
    """The configuration's version is older than CHECK (0.4.0)."""

    status = "CHECK_NOT_SUPPORTED"
    status_number = -13


class CallbackError(CNIError):
    """A method of the ``exec`` object failed. ``__cause__`` is what it raised."""

    status = "CALLBACK"
    status_number = -14


class InternalError(CNIError):
    """A defect of libcni."""

    status = "INTERNAL"
    status_number = -15


#: The exceptions, in the order of their numbers.
ALL: tuple[type[CNIError], ...] = (
    InvalidArgumentError,
    InvalidConfigError,
    NetworkNotFoundError,
    PluginNotFoundError,
    PluginError,
    IncompatibleVersionError,
    InvalidResultError,
    CNIOSError,
    CacheError,
    NotAddedError,
    CNITimeoutError,
    CancelledError,
    CheckNotSupportedError,
    CallbackError,
    InternalError,
)

_CLASSES = {exception.status: exception for exception in ALL}


def from_json(text: str, result: str | None = None, cause: BaseException | None = None) -> CNIError:
    """Return the exception of an error object; with the exact text of its result, and what a callback raised."""
    error = _from_facts(json.loads(text, parse_int=_number))
    error._text = text
    if result is not None:
        error.result = Result(result)
    if cause is not None:
        _set_cause(error, cause)
    return error


#: Where Python refuses to make an integer of a text.
_MANY_DIGITS = 4300


def _number(digits: str) -> float:
    """Return the number: an error must not be lost for what a plugin returned before it."""
    return int(digits) if len(digits) < _MANY_DIGITS else float(digits)


def _from_facts(facts: dict[str, Any]) -> CNIError:
    error = _CLASSES.get(facts["status"], CNIError)(facts.get("message", ""))
    error._text = json.dumps(facts)
    for key, name in _ATTRIBUTES.items():
        if key in facts:
            setattr(error, name, facts[key])
    if "attachment" in facts:
        error.attachment = AttachmentKey.from_dict(facts["attachment"])
    error.causes = tuple(_from_facts(cause) for cause in facts.get("causes", ()))
    return error


#: The keys of the error object that become attributes as they are.
_ATTRIBUTES = {
    "status": "status",
    "code": "code",
    "msg": "msg",
    "details": "details",
    "plugin": "plugin",
    "index": "index",
    "path": "path",
    "command": "command",
    "exitCode": "exit_code",
    "signal": "signal",
    "timedOut": "timed_out",
    "stderr": "stderr",
    "stdout": "stdout",
    "durationMs": "duration_ms",
}


def _set_cause(error: CNIError, cause: BaseException) -> bool:
    """Set the cause where the callback's failure is: the error itself, or one that it is made of."""
    if error.status == CallbackError.status:
        error.__cause__ = cause
        return True
    return any(_set_cause(part, cause) for part in error.causes)
