"""The entrance: python3 benches/harness [--scenes a,b] [--rounds N] [--quick] [--contestants a,b] [--out DIR]"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import attach, build, cached, library, memory, micro, real, table  # noqa: E402
from harness.paths import BUILT  # noqa: E402
from harness.run import CONTESTANTS, Run  # noqa: E402

SCENES = {
    "latency": attach.latency,
    "throughput": attach.throughput,
    "memory": memory.scene,
    "micro": micro.scene,
    "listing": cached.listing,
    "calls": attach.calls,
    "disk": attach.disk,
    "library": library.scene,
    "real": real.scene,
    "gc": cached.collecting,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="what libcni costs, beside the floor and the Go original")
    parser.add_argument("--scenes", default="", help=f"of {' '.join(SCENES)}; default: all")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--quick", action="store_true", help="a tenth of the operations")
    parser.add_argument("--contestants", default="", help=f"of {' '.join(CONTESTANTS)}; default: all")
    parser.add_argument("--out", type=Path, default=BUILT, help="where bench.json goes")
    return parser.parse_args()


def go_first() -> None:
    """Let this run, and all that it starts, go before whatever else the machine does, where that may be asked."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)


def chosen(given: str, known: list[str]) -> list[str]:
    wanted = given.replace(",", " ").split()
    for name in wanted:
        if name not in known:
            sys.exit(f"there is no {name}; there are: {' '.join(known)}")
    return [name for name in known if not wanted or name in wanted]


def main() -> None:
    given = arguments()
    go_first()
    build.plugins()
    commands = build.contestants(chosen(given.contestants, list(CONTESTANTS)))
    run = Run(commands, given.rounds, 0.1 if given.quick else 1)
    for name in chosen(given.scenes, list(SCENES)):
        SCENES[name](run)
    table.show(run)


if __name__ == "__main__":
    main()
