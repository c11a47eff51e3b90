"""The tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from harness.series import Series, Spread
from harness.targets import Target

#: The name of a unit for people, and by what its values are divided.
UNITS = {
    "ns": ("us", 1e3),
    "cpuNs": ("us of own CPU", 1e3),
    "allocations": ("allocations", 1.0),
    "bytes": ("KiB", 1024.0),
    "count": ("", 1.0),
    "calls": ("calls", 1.0),
}
WIDTH = 44


def number(value: float) -> str:
    """With three digits that count."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 or value == int(value) else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def spread(value: Spread) -> str:
    if value.low == value.high:
        return number(value.median)
    return f"{number(value.median)} [{number(value.low)} {number(value.high)}]"


def verdict(target: Target) -> str:
    return "met" if target.met else "not met"


def bound(target: Target) -> str:
    return f"{'<=' if target.at_most else '>='} {target.bound:g} {target.unit}"


def counted(series: Series) -> str:
    """A series of whole numbers, where ratios say little."""
    values = ", ".join(f"{name} {number(series.spread(name).median)}" for name in series.values)
    return f"{series.where()}: {values}"


def block(series: Series) -> str:
    """A series: the medians, and the ratios to the contestant that comes first."""
    if series.unit == "calls":
        return counted(series)
    unit, scale = UNITS[series.unit]
    base, *others = series.values
    first = f"{series.where()}: {unit}" + (f", and times {base}" if others else "")
    lines = [first.rstrip(": "), f"    {base:10} {number(series.spread(base).median / scale):>12}"]
    for name in others:
        median = series.spread(name).median / scale
        lines.append(f"    {name:10} {number(median):>12}   {spread(series.ratio(name, base))}")
    return "\n".join(lines)


def show(series: Iterable[Series], targets: Iterable[Target]) -> None:
    for one in series:
        # Which calls they are is told by the page.
        if (
            one.unit != "calls"
            or not one.scene.startswith(("ADD", "CHECK", "DEL"))
            or one.scene.endswith("all system calls")
        ):
            print(block(one))
    targets = list(targets)
    if not targets:
        return
    print("\ntargets: the median of all rounds with its quartiles, in the scene where it is worst")
    for target in targets:
        print(f"  {verdict(target):8} {bound(target):12} {spread(target.measured):24} {target.text}: {target.where}")
