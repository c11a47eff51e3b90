"""What libcni is to reach, and whether this run shows it. Every target is a ratio or a difference within one run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.series import Series, Spread


@dataclass(frozen=True)
class Measured:
    spread: Spread
    #: Which of several scenes it is: the one that is worst.
    where: str


@dataclass(frozen=True)
class Target:
    """A bound for a median."""

    text: str
    #: How the figures are to be read: "x" is a ratio.
    unit: str
    bound: float
    at_most: bool
    measured: Measured

    @property
    def met(self) -> bool:
        median = self.measured.spread.median
        return median <= self.bound if self.at_most else median >= self.bound


Compare = Callable[[Series], Spread]


@dataclass
class Results:
    """The series of a run."""

    series: list[Series]

    def find(self, scene: str, unit: str, **parameters: Any) -> list[Series]:
        def fits(series: Series) -> bool:
            same = all(series.parameters.get(name) in values for name, values in parameters.items())
            return series.scene.startswith(scene) and series.unit == unit and same

        return [series for series in self.series if fits(series)]

    def worst(self, found: Iterable[Series], needs: tuple[str, ...], compare: Compare, at_most: bool) -> Measured | None:
        """The worst median among series that have all these contestants."""
        measured = [Measured(compare(series), series.where()) for series in found if set(needs) <= set(series.values)]
        if not measured:
            return None
        return (max if at_most else min)(measured, key=lambda one: one.spread.median)


ONE = {"threads": (1,), "cache": ("tmpfs",)}
MANY = {"threads": (2, 8, 64), "cache": ("tmpfs",)}
COMMANDS = ("ADD", "CHECK", "DEL")


def over(contestant: str, base: str) -> Compare:
    return lambda series: series.ratio(contestant, base)


def beyond(contestant: str, base: str, scale: float) -> Compare:
    return lambda series: series.difference(contestant, base).times(1 / scale)


def of(contestant: str, scale: float) -> Compare:
    return lambda series: series.spread(contestant).times(1 / scale)


def all_of(results: Results) -> list[Target]:
    return [target for target in _candidates(results) if target is not None]


def _candidates(results: Results) -> Iterator[Target | None]:
    def target(
        text: str, found: list[Series], needs: tuple[str, ...], compare: Compare, bound: float, at_most: bool = True, unit: str = "x"
    ) -> Target | None:
        measured = results.worst(found, needs, compare, at_most)
        return measured and Target(text, unit, bound, at_most, measured)

    for command in COMMANDS:
        wall, cpu = results.find(command, "ns", **ONE), results.find(command, "cpuNs", **ONE)
        busy = results.find(command, "ns", **MANY)
        yield target(f"{command}: time, beside the floor", wall, ("abi", "floor"), over("abi", "floor"), 1.05)
        yield target(f"{command}: time, beside the floor (aim)", wall, ("abi", "floor"), over("abi", "floor"), 0.95)
        yield target(f"{command}: throughput of 2 to 64 callers, beside the floor", busy, ("abi", "floor"), over("floor", "abi"), 0.95, False)
        yield target(f"{command}: own CPU, beside the floor", cpu, ("abi", "floor"), over("abi", "floor"), 1.25)
        yield target(f"{command}: speed, beside the original", wall, ("abi", "original"), over("original", "abi"), 1.5, False)
        yield target(f"{command}: throughput of 2 to 64 callers, beside the original", busy, ("abi", "original"), over("original", "abi"), 2.3, False)
        yield target(f"{command}: own CPU, beside the original", cpu, ("abi", "original"), over("abi", "original"), 0.2)
    for what in ("parse a list", "derive a request", "parse a result", "convert a result"):
        pair = ("core", "original")
        yield target(f"{what}: speed, beside the original", results.find(what, "ns"), pair, over("original", "core"), 10, False)
        yield target(f"{what}: allocations, beside the original", results.find(what, "allocations"), pair, over("core", "original"), 0.1)
    memory = results.find("ADD and DEL by abi", "ns")
    yield target("a host with 4 GiB touched, beside a small one", memory, ("large", "small"), over("large", "small"), 1.1)
    for what in ("container", "network", "all"):
        found = results.find(f"attachments: {what}", "ns")
        yield target(f"attachments, {what}: time, beside the floor", found, ("abi", "floor"), over("abi", "floor"), 1.5)
    durable = results.find("ADD", "ns", cache=("disk, durable",), threads=(8,))
    yield target("durable ADD: throughput of 8 callers, beside the floor", durable, ("abi", "floor"), over("floor", "abi"), 0.95, False)
    one = ("library",)
    yield target("libcni.so, stripped", results.find("libcni.so", "bytes"), one, of("library", 1e6), 0.8, unit="MB")
    yield target("dlopen", results.find("dlopen", "ns"), one, of("library", 1e6), 0.5, unit="ms")
    yield target("threads of its own", results.find("threads", "count"), one, of("library", 1), 0, unit="threads")
    resident = results.find("resident memory", "bytes")
    yield target("resident memory, more after 1,000 operations", resident, ("worked", "loaded"), beyond("worked", "loaded", 1e6), 1, unit="MB")
    light = [series for command in COMMANDS for series in results.find(command, "ns", plugin=("bare",), plugins=(1,), **ONE)]
    for language, bound in (("python", 60), ("go", 15)):
        needs, compare = (language, "abi"), beyond(language, "abi", 1e3)
        yield target(f"{language}: ADD, CHECK, DEL, beyond the C ABI", light, needs, compare, bound, unit="us")
        yield target(f"{language}: the cached result, beyond the C ABI", results.find("RESULT", "ns"), needs, compare, bound, unit="us")
