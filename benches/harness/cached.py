"""Many remembered attachments: looking through them, and collecting them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.driver import Driver
from harness.network import Network, trivial
from harness.paths import BUILT
from harness.run import Run, scratch
from harness.series import Series

NAMES = ("floor", "abi", "original")
NETWORKS = 100


def fill(network: Network, cache: Path, files: int) -> None:
    """Write attachments of many networks: `net<i % 100>`, container `c<i>`."""
    results = cache / "results"
    results.mkdir(mode=0o700, parents=True)
    head, middle = network.requests.read_text().splitlines()[:2]
    directory = os.open(results, os.O_RDONLY)
    for index in range(files):
        name = f"net{index % NETWORKS}"
        text = f"{head}c{index}{middle.replace(json.dumps('bench'), json.dumps(name))}{{}}}}"
        file = os.open(f"{name}-c{index}-eth0", os.O_WRONLY | os.O_CREAT, 0o600, dir_fd=directory)
        os.write(file, text.encode())
        os.close(file)
    os.close(directory)


def listing(run: Run) -> None:
    """1,000, 10,000 and 100,000 files: the attachments of a container, of a network of a hundred, and all."""
    for files in (1000, 10_000, 100_000):
        files = run.operations(files, least=100)
        with scratch() as directory:
            network = trivial(directory, BUILT / "plugins/bare", 1)
            fill(network, directory / "cache", files)
            own = {name: {"cache": directory / "cache"} for name in NAMES}
            with run.drivers(NAMES, directory, network.settings(), **own) as drivers:
                for what, matching in (
                    (f"container c{files // 2}", 1),
                    ("network net7", files // NETWORKS),
                    ("all", files),
                ):
                    run.say(f"attachments of {what} among {files}")
                    series = run.record(
                        Series(f"attachments: {what.split()[0]}", {"files": files, "matching": matching}, "ns")
                    )
                    look(run, series, drivers, what, max(1, 2000 // files), matching)


def look(run: Run, series: Series, drivers: dict[str, Driver], what: str, count: int, matching: int) -> None:
    # Ten thousand files are enough work to even out what disturbs them.
    rounds = run.rounds if series.parameters["files"] < 10_000 else min(run.rounds, 9)
    for round_ in range(-1, rounds):
        for name, driver in drivers.items():
            answer = driver.ask(f"list {what} {count}")
            if answer["found"] != matching:
                raise RuntimeError(f"{name} found {answer['found']} attachments of {what}, not {matching}")
            if round_ >= 0:
                series.put(name, answer["ns"] / count)


def collecting(run: Run) -> None:
    """GC of a network with 100,000 attachments, 1,000 of them valid, by plugins that take no time."""
    files, valid, rounds = run.operations(100_000), run.operations(1000), min(run.rounds, 7)
    names = run.among(NAMES)
    with scratch() as directory:
        network = trivial(directory, BUILT / "plugins/bare", 1)
        settings = {**network.settings(), "exec": "none"}
        series = run.record(Series("GC without plugins", {"files": files, "valid": valid}, "ns"))
        with run.drivers(names, directory, settings) as drivers:
            for round_ in range(rounds):
                run.say(f"GC of {files} attachments, {valid} of them valid: round {round_ + 1} of {rounds}")
                for name in names:
                    with Driver(run.commands["floor"], {**settings, "cache": directory / name}) as filler:
                        filler.ask(f"fill {files}")
                    series.put(name, drivers[name].ask(f"gc {valid}")["ns"])
                    left = len(os.listdir(directory / name / "results"))
                    if left != valid:
                        raise RuntimeError(f"{name} left {left} attachments, not {valid}")
