"""bench.json: a run, to be read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.series import Series
from harness.table import bound
from harness.targets import Target

FORMAT = 1


def write(
    path: Path, machine: dict[str, str], settings: dict[str, Any], series: list[Series], targets: list[Target]
) -> None:
    """Write every value of every round; times are in ns, sizes in bytes."""
    record = {
        "format": FORMAT,
        "machine": machine,
        "settings": settings,
        "targets": [
            {
                "target": target.text,
                "bound": bound(target),
                "median": target.measured.median,
                "quartiles": [target.measured.low, target.measured.high],
                "where": target.where,
                "met": target.met,
            }
            for target in targets
        ],
        "series": [
            {
                "scene": one.scene,
                "parameters": one.parameters,
                "unit": one.unit,
                "values": {name: [round(value, 2) for value in values] for name, values in one.values.items()},
            }
            for one in series
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


def read(path: Path) -> tuple[dict[str, str], dict[str, Any], list[Series]]:
    """The machine, the settings and the series of a run."""
    record = json.loads(path.read_text())
    if record["format"] != FORMAT:
        raise ValueError(f"{path}: format {record['format']}, not {FORMAT}")
    series = [Series(one["scene"], one["parameters"], one["unit"], one["values"]) for one in record["series"]]
    return record["machine"], record["settings"], series
