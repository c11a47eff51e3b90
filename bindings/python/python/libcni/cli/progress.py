"""Telling of each plugin as it runs, on stderr."""

from __future__ import annotations

import argparse
import sys
from types import TracebackType

from libcni.events import Event

_GREEN, _RED, _PLAIN = "\033[32m", "\033[31m", "\033[0m"
#: To the begin of the line, which is erased.
_AGAIN = "\r\033[K"


class Progress:
    """One line for each plugin; on a terminal it is there while the plugin runs."""

    def __init__(self, parsed: argparse.Namespace) -> None:
        self._quiet = parsed.quiet
        self._terminal = sys.stderr.isatty()
        self._line_is_open = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._line_is_open:
            self._write("\n")

    def on_event(self, event: Event) -> None:
        """Tell of one event."""
        if self._quiet:
            return
        if event.event == "begin":
            if self._terminal:
                self._write(f"{event.command:<7} {event.plugin:<16} ...")
                self._line_is_open = True
        elif event.event == "end":
            self._end(event)
        else:
            self._write(f"{event.path}: {event.message}\n")

    def _end(self, event: Event) -> None:
        duration = f"{event.duration_ms or 0:>8.1f} ms"
        again = _AGAIN if self._terminal else ""
        outcome = f"{outcome_of(event):<9}"
        if self._terminal:
            outcome = f"{_GREEN if event.succeeded else _RED}{outcome}{_PLAIN}"
        self._write(f"{again}{event.command:<7} {event.plugin:<16} {outcome} {duration}\n")
        self._line_is_open = False
        for line in event.stderr.splitlines():
            self._write(f"        {line}\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def outcome_of(event: Event) -> str:
    """Return how a run ended, in a word or two."""
    if event.timed_out:
        return "timeout"
    if event.cancelled:
        return "cancelled"
    if event.succeeded:
        return "ok"
    if event.signal is not None:
        return f"signal {event.signal}"
    if event.exit_code is not None:
        return f"exit {event.exit_code}"
    return "failed" if event.not_started else "unknown"
