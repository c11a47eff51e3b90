"""ADD, CHECK and DEL: the life of attachments, as many at once as there are threads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.driver import Driver
from harness.network import Network, trivial
from harness.paths import BUILT
from harness.run import ALL, Run, scratch
from harness.series import Series

COMMANDS = ("ADD", "CHECK", "DEL")


def lives(run: Run, drivers: dict[str, Driver], operations: int, threads: int, parameters: dict[str, Any]) -> None:
    """Rounds of ADD, CHECK and DEL of the same containers; in each the contestants take turns."""
    wall = {command: run.record(Series(command, parameters, "ns")) for command in COMMANDS}
    cpu = {command: run.record(Series(command, parameters, "cpuNs")) for command in COMMANDS}
    for round_ in range(-1, run.rounds):
        for command in COMMANDS:
            for name, driver in drivers.items():
                answer = driver.ask(f"{command} {operations} {threads}")
                # The first round warms up: code, files and directories are touched for the first time.
                if round_ >= 0:
                    wall[command].put(name, answer["ns"] / operations)
                    cpu[command].put(name, answer["cpuNs"] / operations)


def trivial_network(directory: Path, kind: str, plugins: int) -> Network:
    return trivial(directory, BUILT / "plugins" / kind, plugins)


def scene(
    run: Run,
    kind: str,
    plugins: int,
    threads: int,
    operations: int,
    names: Iterable[str] = ALL,
    on_disk: bool = False,
    durable: bool = False,
) -> None:
    cache = "disk, durable" if durable else "disk" if on_disk else "tmpfs"
    parameters = {"plugin": kind, "plugins": plugins, "threads": threads, "cache": cache}
    run.say(f"ADD, CHECK, DEL: {parameters}")
    with scratch(on_disk) as directory:
        network = trivial_network(directory, kind, plugins)
        with run.drivers(names, directory, {**network.settings(), "durable": durable}) as drivers:
            lives(run, drivers, run.operations(operations, threads), threads, parameters)


def latency(run: Run) -> None:
    """One caller: 1 and 3 plugins of each kind, cache on tmpfs."""
    for kind in ("bare", "static"):
        for plugins, operations in ((1, 10), (3, 5)):
            scene(run, kind, plugins, 1, operations)


def throughput(run: Run) -> None:
    """Several callers at once."""
    for threads in (2, 8, 64):
        scene(run, "bare", 1, threads, max(32, threads * 2))
