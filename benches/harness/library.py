"""The library itself: its size, its loading, and what it makes a process hold."""

from __future__ import annotations

from harness import build
from harness.attach import trivial_network
from harness.driver import Driver
from harness.run import Run, scratch
from harness.series import Series

OPERATIONS = 1000


def scene(run: Run) -> None:
    """Size, dlopen, and resident memory after loading and after 1,000 ADDs and DELs; each round is a new process."""
    if "abi" not in run.commands:
        return
    run.say("libcni.so: size, loading, memory")
    library = build.stripped()
    run.record(Series("libcni.so stripped", {}, "bytes")).put("library", library.stat().st_size)
    loading = run.record(Series("dlopen", {}, "ns"))
    resident = run.record(Series("resident memory", {}, "bytes"))
    private = run.record(Series("memory of its own", {}, "bytes"))
    threads = run.record(Series("threads", {}, "count"))
    operations = run.operations(OPERATIONS)
    command = build.load()
    with scratch() as directory:
        settings = {**trivial_network(directory, "bare", 1).settings(), "library": library}
        for _ in range(run.rounds):
            with Driver(command, {**settings, "cache": directory / "cache"}) as driver:
                loaded, after = driver.ask("loaded"), driver.ask("memory")
                driver.ask(f"ADD {operations} 1")
                driver.ask(f"DEL {operations} 1")
                end = driver.ask("memory")
            loading.put("library", loaded["ns"])
            threads.put("library", end["threads"] - 1)
            for series, key in ((resident, "rss"), (private, "private")):
                series.put("loaded", after[key] - loaded[key])
                series.put("worked", end[key] - loaded[key])
