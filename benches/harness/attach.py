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


def calls(run: Run) -> None:
    """The cached result: a call that runs no plugin, to see what the languages add."""
    parameters: dict[str, Any] = {}
    run.say("RESULT: the cached result")
    operations = run.operations(200, least=20)
    with scratch() as directory:
        network = trivial_network(directory, "bare", 1)
        series = run.record(Series("RESULT", parameters, "ns"))
        with run.drivers(ALL, directory, network.settings()) as drivers:
            drivers.pop("vfork", None)
            for driver in drivers.values():
                driver.ask(f"ADD {operations} 1")
            for round_ in range(-1, run.rounds):
                for name, driver in drivers.items():
                    answer = driver.ask(f"RESULT {operations} 1")
                    if round_ >= 0:
                        series.put(name, answer["ns"] / operations)


def disk(run: Run) -> None:
    """The cache on a disk, flushed and not, by one caller and by eight. The original never flushes."""
    for threads in (1, 8):
        for durable in (False, True):
            scene(run, "bare", 1, threads, 4 * threads, ("floor", "abi", "original"), on_disk=True, durable=durable)


def throughput(run: Run) -> None:
    """Several callers at once."""
    for threads in (2, 8, 64):
        scene(run, "bare", 1, threads, max(32, threads * 2))
