"""What was measured, and how two contestants compare."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spread:
    """A median with its quartiles: half of all values lie between them."""

    median: float
    low: float
    high: float

    def times(self, factor: float) -> Spread:
        return Spread(self.median * factor, self.low * factor, self.high * factor)

    @staticmethod
    def of(values: Iterable[float]) -> Spread:
        ordered = sorted(values)
        if len(ordered) == 1:
            return Spread(ordered[0], ordered[0], ordered[0])
        low, median, high = statistics.quantiles(ordered, n=4, method="inclusive")
        return Spread(median, low, high)


@dataclass
class Series:
    """One quantity of one scene: a value of each contestant for each round.

    Values of one round were measured right after each other, so ratios are taken within a round: what disturbs the
    machine for longer than that disturbs both.
    """

    scene: str
    parameters: dict[str, Any]
    #: "ns", "cpuNs", "allocations", "bytes"; always for one operation.
    unit: str
    values: dict[str, list[float]] = field(default_factory=dict)

    def put(self, contestant: str, value: float) -> None:
        self.values.setdefault(contestant, []).append(value)

    def spread(self, contestant: str) -> Spread:
        return Spread.of(self.values[contestant])

    def ratio(self, contestant: str, base: str) -> Spread:
        return Spread.of(a / b for a, b in zip(self.values[contestant], self.values[base]))

    def difference(self, contestant: str, base: str) -> Spread:
        return Spread.of(a - b for a, b in zip(self.values[contestant], self.values[base]))

    def where(self) -> str:
        """The scene and its parameters, for people."""
        return ", ".join([self.scene, *(_words(name, value) for name, value in self.parameters.items())])


def _words(name: str, value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,} {name[:-1] if value == 1 and name.endswith('s') else name}"
    return f"{value} {name}"
