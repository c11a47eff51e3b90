"""What happens while an operation runs, for who wants to watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from libcni import _json


@dataclass(frozen=True)
class Event:
    """The begin or the end of one plugin's run; or a file of the cache that is of no use.

    Attributes:
        event: ``"begin"``, ``"end"`` or ``"cacheProblem"``.
        command: the CNI command: ``"ADD"``, ``"DEL"``, ...
        plugin: the plugin's type.
        path: its program; or the file of the cache.
        index: the plugin's place in its list.
        container_id: the container's id; empty for commands about no container.
        ifname: the interface's name; empty for commands about no container.
        pid: the process id; like all that follows, only at the end.
        duration_ms: how long the run took, in milliseconds.
        exit_code: the exit code.
        signal: the signal that ended the plugin.
        exit_unknown: whether nobody can tell how it ended.
        timed_out: whether the deadline ended it.
        cancelled: whether cancellation ended it.
        not_started: why it could not be started.
        stderr: what it wrote to stderr.
        message: what is wrong with the file of the cache.
        set_aside: where that file was moved, if it was.
    """

    event: str
    command: str = ""
    plugin: str = ""
    path: str = ""
    index: int | None = None
    container_id: str = ""
    ifname: str = ""
    pid: int | None = None
    duration_ms: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    exit_unknown: bool = False
    timed_out: bool = False
    cancelled: bool = False
    not_started: str | None = None
    stderr: str = ""
    message: str = ""
    set_aside: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the plugin ended well, as far as its exit code tells."""
        return self.event == "end" and self.exit_code == 0 and not (self.timed_out or self.cancelled)

    @classmethod
    def from_dict(cls, members: dict[str, Any]) -> Event:
        """Return the event of a JSON object of the C ABI. What a later version adds is ignored."""
        return cls(**{_NAMES[key]: value for key, value in members.items() if key in _NAMES})


_NAMES = {name: name for name in Event.__dataclass_fields__} | {
    "containerId": "container_id",
    "ifName": "ifname",
    "durationMs": "duration_ms",
    "exitCode": "exit_code",
    "exitUnknown": "exit_unknown",
    "timedOut": "timed_out",
    "notStarted": "not_started",
    "setAside": "set_aside",
}


def observer(on_event: Callable[[Event], object]) -> Callable[[str], None]:
    """Return what the core tells, for a callable that takes events."""

    def tell(text: str) -> None:
        on_event(Event.from_dict(_json.decode(text)))

    return tell
