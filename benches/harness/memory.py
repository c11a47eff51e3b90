"""Whether the memory of the host shows in what a plugin's run costs it."""

from __future__ import annotations

from harness.attach import trivial_network
from harness.driver import Driver
from harness.run import Run, scratch
from harness.series import Series

MEBIBYTES = 4096
#: Where the figures do not matter.
SMOKE = 64


def scene(run: Run) -> None:
    """Each contestant twice, once with much memory touched: ADD and DEL of one bare plugin, in turn."""
    mebibytes = SMOKE if run.smoke else MEBIBYTES
    with scratch() as directory:
        settings = trivial_network(directory, "bare", 1).settings()
        for name in run.among(("floor", "fork", "abi", "python", "go", "original")):
            # A fork copies the tables of a million pages.
            operations, rounds = (
                (1, min(run.rounds, 7)) if name == "fork" else (run.operations(20, least=5), run.rounds)
            )
            run.say(f"host with {mebibytes} MiB touched: {name}")
            series = run.record(
                Series(f"ADD and DEL by {name}, of a host with memory touched", {"MiB": mebibytes}, "ns")
            )
            small = Driver(run.commands[name], {**settings, "cache": directory / name})
            large = Driver(run.commands[name], {**settings, "cache": directory / f"{name}-large"})
            with small, large:
                large.ask(f"ballast {mebibytes}")
                for round_ in range(-1, rounds):
                    for which, driver in (("small", small), ("large", large)):
                        elapsed = sum(driver.ask(f"{command} {operations} 1")["ns"] for command in ("ADD", "DEL"))
                        if round_ >= 0:
                            series.put(which, elapsed / operations)
