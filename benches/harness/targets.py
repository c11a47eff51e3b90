"""What libcni is to reach, and whether this run shows it. Every target is a ratio or a difference within one run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from harness.series import Series, Spread


@dataclass(frozen=True)
class Target:
    """A bound for a median, which holds when it holds in the scene where it is worst."""

    text: str
    at_most: bool
    bound: float
    #: "x" for ratios.
    unit: str
    measured: Spread
    #: The scene where it is worst.
    where: str

    @property
    def met(self) -> bool:
        median = self.measured.median
        return median <= self.bound if self.at_most else median >= self.bound


def find(series: Iterable[Series], scene: str, unit: str, /, **parameters: Iterable[Any]) -> list[Series]:
    """The series of scenes that begin so, where each parameter has one of the given values."""

    def fits(one: Series) -> bool:
        same = all(one.parameters.get(name) in values for name, values in parameters.items())
        return one.scene.startswith(scene) and one.unit == unit and same

    return [one for one in series if fits(one)]


@dataclass
class Sheet:
    """The targets that a run has figures for."""

    series: list[Series]
    targets: list[Target] = field(default_factory=list)

    def find(self, scene: str, unit: str = "ns", /, **parameters: Iterable[Any]) -> list[Series]:
        return find(self.series, scene, unit, **parameters)

    def at_most(self, bound: float, text: str, found: list[Series], ours: str, base: str) -> None:
        """The ratio to another contestant, worst where it is largest."""
        self._judge(text, True, bound, "x", found, (ours, base), lambda one: one.ratio(ours, base))

    def at_least(self, bound: float, text: str, found: list[Series], base: str, ours: str) -> None:
        """How many times faster, or less, it is than another contestant, worst where that is smallest."""
        self._judge(text, False, bound, "x", found, (base, ours), lambda one: one.ratio(base, ours))

    def beyond(
        self, bound: float, text: str, found: list[Series], ours: str, base: str, unit: str, scale: float
    ) -> None:
        """The difference to another contestant."""
        compare: Callable[[Series], Spread] = lambda one: one.difference(ours, base).times(1 / scale)  # noqa: E731
        self._judge(text, True, bound, unit, found, (ours, base), compare)

    def value(self, bound: float, text: str, found: list[Series], unit: str, scale: float) -> None:
        """A value of the library's own."""
        name = "library"
        self._judge(text, True, bound, unit, found, (name,), lambda one: one.spread(name).times(1 / scale))

    def _judge(
        self,
        text: str,
        at_most: bool,
        bound: float,
        unit: str,
        found: list[Series],
        needs: tuple[str, ...],
        measure: Callable[[Series], Spread],
    ) -> None:
        measured = [(measure(one), one.where()) for one in found if set(needs) <= set(one.values)]
        if measured:
            worst = (max if at_most else min)(measured, key=lambda pair: pair[0].median)
            self.targets.append(Target(text, at_most, bound, unit, *worst))


ONE: dict[str, Iterable[Any]] = {"threads": (1,), "cache": ("tmpfs",)}
MANY: dict[str, Iterable[Any]] = {"threads": (2, 8, 64), "cache": ("tmpfs",)}
COMMANDS = ("ADD", "CHECK", "DEL")


def all_of(series: list[Series]) -> list[Target]:
    sheet = Sheet(series)
    for command in COMMANDS:
        _operation(sheet, command)
    for what in ("parse a list", "derive a request", "parse a result", "convert a result"):
        sheet.at_least(10, f"{what}: speed, beside the original", sheet.find(what), "original", "core")
        allocations = sheet.find(what, "allocations")
        sheet.at_most(0.1, f"{what}: allocations, beside the original", allocations, "core", "original")
    memory = sheet.find("ADD and DEL by abi")
    sheet.at_most(1.1, "a host with 4 GiB touched, beside a small one", memory, "large", "small")
    for what in ("container", "network", "all"):
        found = sheet.find(f"attachments: {what}")
        sheet.at_most(1.5, f"attachments, {what}: time, beside the floor", found, "abi", "floor")
    opened = sheet.find("a container among", "calls")
    sheet.beyond(10, "attachments, container: files opened, beyond the floor", opened, "abi", "floor", "files", 1)
    durable = sheet.find("ADD", cache=("disk, durable",), threads=(8,))
    sheet.at_least(0.95, "durable ADD: throughput of 8 callers, beside the floor", durable, "floor", "abi")
    _library(sheet)
    _languages(sheet)
    return sheet.targets


def _operation(sheet: Sheet, command: str) -> None:
    wall, cpu, busy = sheet.find(command, **ONE), sheet.find(command, "cpuNs", **ONE), sheet.find(command, **MANY)
    many = "throughput of 2 to 64 callers"
    sheet.at_most(1.05, f"{command}: time, beside the floor", wall, "abi", "floor")
    sheet.at_most(0.95, f"{command}: time, beside the floor (aim)", wall, "abi", "floor")
    sheet.at_least(0.95, f"{command}: {many}, beside the floor", busy, "floor", "abi")
    sheet.at_most(1.25, f"{command}: own CPU, beside the floor", cpu, "abi", "floor")
    sheet.at_least(1.5, f"{command}: speed, beside the original", wall, "original", "abi")
    sheet.at_least(2.3, f"{command}: {many}, beside the original", busy, "original", "abi")
    sheet.at_most(0.2, f"{command}: own CPU, beside the original", cpu, "abi", "original")


def _library(sheet: Sheet) -> None:
    sheet.value(0.8, "libcni.so, stripped", sheet.find("libcni.so", "bytes"), "MB", 1e6)
    sheet.value(0.5, "dlopen", sheet.find("dlopen"), "ms", 1e6)
    sheet.value(0, "threads of its own", sheet.find("threads", "count"), "threads", 1)
    resident = sheet.find("resident memory", "bytes")
    sheet.beyond(1, "resident memory, more after 1,000 operations", resident, "worked", "loaded", "MB", 1e6)
    inside = sheet.find("ADD of one plugin, nothing kept")
    sheet.beyond(
        15, "a plugin in the process, beyond the library's own work", inside, "inside", "ready-made", "us", 1e3
    )


def _languages(sheet: Sheet) -> None:
    light = [one for command in COMMANDS for one in sheet.find(command, plugin=("bare",), plugins=(1,), **ONE)]
    for language, bound in (("python", 60), ("go", 15)):
        sheet.beyond(bound, f"{language}: ADD, CHECK, DEL, beyond the C ABI", light, language, "abi", "us", 1e3)
        cached = sheet.find("RESULT")
        sheet.beyond(bound, f"{language}: the cached result, beyond the C ABI", cached, language, "abi", "us", 1e3)
