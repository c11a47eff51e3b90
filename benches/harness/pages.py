"""docs/performance: the results of a run, as a page with tables and charts. All of it is generated."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness import machine as machines
from harness import table
from harness.plot import NAMES, Chart
from harness.series import Series, Spread
from harness.targets import MANY, ONE, Target, find

#: A label, and the contestants' ratios.
Row = tuple[str, dict[str, Spread]]

CONVERSIONS = """A result is parsed, converted and printed: the time of the Rust core as a part of the original's,
and its allocations as a part of those."""

HEAD = """# Results

Written by `make bench PUBLISH=1`; do not change it by hand. What the contestants and the figures are, and where the
time goes, is told in [docs/performance.md](../performance.md). A value is a median, and a ratio the median of the
ratios within each round, with the quartiles: half of all rounds are within.
"""


def write(
    directory: Path, machine: dict[str, str], settings: dict[str, Any], series: list[Series], targets: list[Target]
) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, chart in charts(series, machines.short(machine)).items():
        if chart.rows:
            (directory / f"{name}.svg").write_text(chart.svg())
            written.append(f"![{chart.title}]({name}.svg)")
    parts = [
        HEAD,
        f"Machine: {machines.line(machine)}. {how(settings)}",
        "## Targets",
        target_table(targets),
        *written,
    ]
    parts += [
        "## Everything",
        *sections(series),
        "## Conversions",
        CONVERSIONS,
        conversions(series),
        "## System calls",
        calls(series),
    ]
    (directory / "results.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def how(settings: dict[str, Any]) -> str:
    """How the run was made."""
    quick = ", each with a tenth of the work" if settings["quick"] else ""
    realtime = ", under real-time scheduling, because the machine had other work" if settings["realtime"] else ""
    return f"{settings['rounds']} rounds{quick}{realtime}."


def target_table(targets: Iterable[Target]) -> str:
    rows = ["| target | bound | measured | in the scene where it is worst | |", "|---|---|---|---|---|"]
    for target in targets:
        cells = [target.text, table.bound(target), table.spread(target.measured), target.where, table.verdict(target)]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def sections(series: list[Series]) -> Iterable[str]:
    """A table for all series with the same contestants and unit."""
    groups: dict[tuple[str, ...], list[Series]] = {}
    for one in series:
        if not one.scene.startswith("convert") and one.unit != "calls":
            groups.setdefault((one.unit, *one.values), []).append(one)
    for (unit, base, *others), members in groups.items():
        name, scale = table.UNITS[unit]
        heads = [f"{base}, {name}".rstrip(", "), *(f"{other} / {base}" for other in others)]
        rows = ["| scene | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
        for one in members:
            cells = [
                table.number(one.spread(base).median / scale),
                *(table.spread(one.ratio(other, base)) for other in others),
            ]
            rows.append(f"| {one.where()} | " + " | ".join(cells) + " |")
        yield "\n".join(rows)


def conversions(series: list[Series]) -> str:
    """From each version to each: time and allocations of the Rust core, beside the original's."""
    cells: dict[tuple[str, str], list[str]] = {}
    versions: dict[str, None] = {}
    for one in find(series, "convert", "ns") + find(series, "convert", "allocations"):
        source, target = one.scene.split()[-3::2]
        versions[source] = None
        if {"core", "original"} <= set(one.values):
            cells.setdefault((source, target), []).append(table.number(one.ratio("core", "original").median))
    if not cells:
        return "Not part of this run."
    rows = [f"| from, to | {' | '.join(versions)} |", "|---" * (len(versions) + 1) + "|"]
    rows += [f"| {a} | {' | '.join(', '.join(cells[a, b]) for b in versions)} |" for a in versions]
    return "\n".join(rows)


def calls(series: list[Series]) -> str:
    """A table of the system calls, which are counts."""
    counted = [one for one in series if one.unit == "calls"]
    if not counted:
        return "strace was not there to count them."
    names = list(counted[0].values)
    rows = [f"| of one operation | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    rows += [
        f"| {one.where()} | {' | '.join(table.number(one.spread(name).median) for name in names)} |" for one in counted
    ]
    return "\n".join(rows)


def ratios(series: Series, base: str, names: Iterable[str] = tuple(NAMES)) -> dict[str, Spread]:
    return {name: series.ratio(name, base) for name in names if name in series.values and name != base}


def charts(series: list[Series], machine: str) -> dict[str, Chart]:
    def rows(found: Iterable[Series], label: str) -> list[Row]:
        return [
            (label.format(scene=one.scene, **one.parameters), ratios(one, "floor"))
            for one in found
            if "floor" in one.values
        ]

    def attachments(unit: str, label: str, **parameters: Any) -> list[Row]:
        commands = ("ADD", "CHECK", "DEL")
        return rows(
            [one for command in commands for one in find(series, command, unit, plugin=("bare",), **parameters)], label
        )

    against = "times the floor, on a logarithmic scale; left is better"
    singly = "{scene} of {plugins}"
    return {
        "latency": Chart(
            "Time of an operation, one caller",
            (f"{against}; 1 and 3 plugins without a C library", machine),
            attachments("ns", singly, **ONE),
        ),
        "throughput": Chart(
            "Time of an operation, many callers",
            (f"{against}; one plugin without a C library", machine),
            attachments("ns", "{scene}, {threads} callers", **MANY),
        ),
        "cpu": Chart(
            "Own CPU of an operation, one caller",
            (f"{against}; user and system, without the plugins'", machine),
            attachments("cpuNs", singly, **ONE),
        ),
        "cached": Chart(
            "Looking through remembered attachments",
            (f"{against}; the floor opens, reads and closes the files that match", machine),
            [
                (label.replace("attachments: ", ""), row)
                for label, row in rows(find(series, "attachments", "ns"), "{scene} of {files:,}")
            ],
        ),
        "json": Chart(
            "Parsing, deriving, converting, without a process",
            ("times the Go original, on a logarithmic scale; left is better", machine),
            [*_json_rows(series, "ns", "time"), *_json_rows(series, "allocations", "allocations")],
        ),
    }


def _json_rows(series: list[Series], unit: str, name: str) -> Iterable[Row]:
    for scene in ("parse a list", "derive a request", "parse a result"):
        for one in find(series, scene, unit):
            if "original" in one.values:
                yield f"{scene}: {name}", ratios(one, "original", ("core", "abi"))
    converted = [one for one in find(series, "convert", unit) if {"core", "original"} <= set(one.values)]
    if converted:
        medians = (one.ratio("core", "original").median for one in converted)
        yield f"convert, {len(converted)} pairs: {name}", {"core": Spread.of(medians)}
