"""docs/performance: the results of a run, as a page with tables and charts. All of it is generated."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness import machine as machines
from harness import table
from harness.plot import NAMES, Chart
from harness.series import Series, Spread
from harness.targets import MANY, ONE, Results, Target

HEAD = """# Results

Written by `make bench PUBLISH=1`; do not change it by hand. What the contestants and the figures are, and where the time goes, is told
in [docs/performance.md](../performance.md). A value is a median, and a ratio the median of the ratios within each round, with the quartiles:
half of all rounds lie between them.
"""


def write(directory: Path, machine: dict[str, str], settings: dict[str, Any], series: list[Series], targets: list[Target]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    results = Results(series)
    written = []
    for name, chart in charts(results, machines.line(machine)).items():
        if chart.rows:
            (directory / f"{name}.svg").write_text(chart.svg())
            written.append(f"![{chart.title}]({name}.svg)")
    parts = [HEAD, f"Machine: {machines.line(machine)}. Rounds: {settings['rounds']}.", "## Targets", target_table(targets), *written]
    parts += ["## Everything", *sections(series)]
    (directory / "results.md").write_text("\n\n".join(part.strip() for part in parts) + "\n")


def target_table(targets: Iterable[Target]) -> str:
    rows = ["| target | bound | measured | in the scene where it is worst | |", "|---|---|---|---|---|"]
    for target in targets:
        measured = target.measured
        rows.append(f"| {target.text} | {table.bound(target)} | {table.spread(measured.spread)} | {measured.where} | {table.verdict(target)} |")
    return "\n".join(rows)


def sections(series: list[Series]) -> Iterable[str]:
    """A table for all series with the same contestants and unit; the conversions are told by their worst, above."""
    groups: dict[tuple[str, ...], list[Series]] = {}
    for one in series:
        if not one.scene.startswith("convert"):
            groups.setdefault((one.unit, *one.values), []).append(one)
    for (unit, base, *others), members in groups.items():
        name, scale = table.UNITS[unit]
        heads = [f"{base}, {name}".rstrip(", "), *(f"{other} / {base}" for other in others)]
        rows = ["| scene | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
        for one in members:
            cells = [table.number(one.spread(base).median / scale), *(table.spread(one.ratio(other, base)) for other in others)]
            rows.append(f"| {one.where()} | " + " | ".join(cells) + " |")
        yield "\n".join(rows)


def ratios(series: Series, base: str, names: Iterable[str] = tuple(NAMES)) -> dict[str, Spread]:
    return {name: series.ratio(name, base) for name in names if name in series.values and name != base}


def charts(results: Results, machine: str) -> dict[str, Chart]:
    def rows(found: Iterable[Series], label: str, base: str = "floor") -> list[tuple[str, dict[str, Spread]]]:
        return [(label.format(scene=one.scene, **one.parameters), ratios(one, base)) for one in found if base in one.values]

    def attachments(unit: str, **parameters: Any) -> list[Series]:
        return [one for command in ("ADD", "CHECK", "DEL") for one in results.find(command, unit, plugin=("bare",), **parameters)]

    singly = "{scene} of {plugins}"
    against = "times the floor, logarithmic; left is better"
    return {
        "latency": Chart("Time of an operation, one caller", (f"{against}; plugin without a C library", machine), rows(attachments("ns", **ONE), singly)),
        "throughput": Chart(
            "Time of an operation, many callers", (f"{against}; one plugin without a C library", machine), rows(attachments("ns", **MANY), "{scene}, {threads} threads")
        ),
        "cpu": Chart("Own CPU of an operation, one caller", (f"{against}; user and system, without the plugins", machine), rows(attachments("cpuNs", **ONE), singly)),
        "cached": Chart(
            "Looking through remembered attachments",
            (f"{against}; the floor opens, reads and closes the files that match", machine),
            rows([one for one in results.find("attachments", "ns")], "{scene} of {files:,}"),
        ),
        "json": Chart(
            "Parsing, deriving, converting, without a process",
            ("times the Go original, logarithmic; left is better", machine),
            [row for unit, name in (("ns", "time"), ("allocations", "allocations")) for row in _json_rows(results, unit, name)],
        ),
    }


def _json_rows(results: Results, unit: str, name: str) -> Iterable[tuple[str, dict[str, Spread]]]:
    for scene in ("parse a list", "derive a request", "parse a result"):
        for one in results.find(scene, unit):
            if "original" in one.values:
                yield f"{scene}: {name}", ratios(one, "original", ("core", "abi"))
    pairs = [one.ratio("core", "original").median for one in results.find("convert", unit) if {"core", "original"} <= set(one.values)]
    if pairs:
        yield f"convert, {len(pairs)} pairs: {name}", {"core": Spread.of(pairs)}
