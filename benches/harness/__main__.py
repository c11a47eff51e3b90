"""The entrance: python3 benches/harness [--scenes a,b] [--rounds N] [--quick] [--contestants a,b] [--out DIR]"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import attach, build, cached, library, machine, memory, micro, pages, parts, real, record, table, targets
from harness.paths import BUILT, PAGES
from harness.run import CONTESTANTS, Run
from harness.series import Series

SCENES = {
    "latency": attach.latency,
    "throughput": attach.throughput,
    "memory": memory.scene,
    "micro": micro.scene,
    "inside": micro.inside,
    "parts": parts.times,
    "syscalls": parts.system_calls,
    "listing": cached.listing,
    "calls": attach.calls,
    "disk": attach.disk,
    "library": library.scene,
    "real": real.scene,
    "loopback": real.loopback,
    "gc": cached.collecting,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description="what libcni costs, beside the floor and the Go original"
    )
    parser.add_argument("--scenes", default="", help=f"of {' '.join(SCENES)}; default: all")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--quick", action="store_true", help="a tenth of the operations")
    parser.add_argument("--realtime", action="store_true", help="whatever else the machine does has to wait (root)")
    parser.add_argument("--smoke", action="store_true", help="only see that everything works: the figures mean nothing")
    parser.add_argument("--contestants", default="", help=f"of {' '.join(CONTESTANTS)}; default: all")
    parser.add_argument("--out", type=Path, default=BUILT / "bench.json", help="where every value goes")
    parser.add_argument("--read", type=Path, help="an earlier bench.json, in place of a run")
    parser.add_argument("--publish", type=Path, nargs="?", const=PAGES, help="write the page and the charts there")
    return parser.parse_args()


def go_first() -> None:
    """Let this run, and all that it starts, go before whatever else the machine does.

    A busy machine is measured as if it were quiet; but contestants are scheduled otherwise than programs usually are.
    """
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def chosen(given: str, known: list[str]) -> list[str]:
    wanted = given.replace(",", " ").split()
    for name in wanted:
        if name not in known:
            sys.exit(f"there is no {name}; there are: {' '.join(known)}")
    return [name for name in known if not wanted or name in wanted]


def measure(given: argparse.Namespace) -> tuple[dict[str, Any], list[Series]]:
    build.plugins()
    commands = build.contestants(chosen(given.contestants, list(CONTESTANTS)), given.smoke)
    scenes = chosen(given.scenes, list(SCENES))
    run = Run(commands, given.rounds, 0.01 if given.smoke else 0.1 if given.quick else 1, given.smoke)
    for name in scenes:
        SCENES[name](run)
    settings = {
        "rounds": given.rounds,
        "quick": given.quick or given.smoke,
        "realtime": given.realtime,
        "scenes": scenes,
        "contestants": list(commands),
    }
    return settings, [series for series in run.series if series.values]


def main() -> None:
    given = arguments()
    if given.realtime:
        go_first()
    if given.read:
        kind, settings, series = record.read(given.read)
    else:
        kind = machine.describe()
        settings, series = measure(given)
    reached = targets.all_of(series)
    table.show(series, reached)
    print(f"\non {machine.line(kind)}")
    if not given.read:
        record.write(given.out, kind, settings, series, reached)
        print(f"every value: {given.out}")
    if given.publish:
        pages.write(given.publish, kind, settings, series, reached)
        print(f"page and charts: {given.publish}")


if __name__ == "__main__":
    main()
