"""The table on the terminal."""

from __future__ import annotations

from harness.run import Run
from harness.series import Series, Spread

UNITS = {"ns": ("us", 1000.0), "cpuNs": ("us of own CPU", 1000.0), "allocations": ("allocations", 1.0), "bytes": ("KiB", 1024.0), "count": ("count", 1.0)}


def ratio_text(ratio: Spread) -> str:
    return f"{ratio.median:.2f} [{ratio.low:.2f} {ratio.high:.2f}]"


def block(series: Series) -> str:
    unit, scale = UNITS[series.unit]
    names = list(series.values)
    base = names[0]
    out = [f"{series.label()}: {unit}, and times {base}"]
    for name in names:
        ratio = "" if name == base else ratio_text(series.ratio(name, base))
        out.append(f"    {name:10} {series.spread(name).median / scale:>10.1f}   {ratio}")
    return "\n".join(out)


def show(run: Run) -> None:
    for series in run.series:
        print(block(series))
