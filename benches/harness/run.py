"""A run: what the scenes share."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.driver import Driver
from harness.paths import BUILT
from harness.series import Series

#: Who there is, in the order of their turns.
CONTESTANTS = ("floor", "vfork", "fork", "abi", "core", "python", "go", "original")
#: Who takes part where nothing else is said.
ALL = ("floor", "vfork", "abi", "python", "go", "original")


@dataclass
class Run:
    """The settings of a run, and what it has measured so far."""

    commands: dict[str, list[str]]
    rounds: int
    #: How much is done in one turn, beside the usual: a quick run does less.
    scale: float
    #: Whether this is only to see that everything works.
    smoke: bool = False
    series: list[Series] = field(default_factory=list)

    def among(self, names: Iterable[str]) -> list[str]:
        """Those of them that take part."""
        return [name for name in names if name in self.commands]

    def operations(self, usual: int, least: int = 1) -> int:
        return max(least, round(usual * self.scale))

    def record(self, series: Series) -> Series:
        self.series.append(series)
        return series

    @contextmanager
    def drivers(
        self, names: Iterable[str], cache: Path, settings: dict[str, Any], **own: dict[str, Any]
    ) -> Iterator[dict[str, Driver]]:
        """Start the contestants, each with a cache directory of its own."""
        with ExitStack() as stack:
            started = {}
            for name in self.among(names):
                given = {**settings, "cache": cache / name, **own.get(name, {})}
                started[name] = stack.enter_context(Driver(self.commands[name], given))
            yield started

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def scratch(on_disk: bool = False) -> Iterator[Path]:
    """A directory that is removed afterwards: in memory, or where the build is."""
    place = BUILT if on_disk else Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="libcni-bench-", dir=place) as directory:
        yield Path(directory)
