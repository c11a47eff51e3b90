"""Where the time of an operation goes: the steps of the floor, the system calls, and the library's own work."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

from harness.attach import COMMANDS, trivial_network
from harness.driver import Driver
from harness.run import Run, scratch
from harness.series import Series


def times(run: Run) -> None:
    """The floor by its steps; libcni by what its plugins took, and without any process at all."""
    if not {"floor", "abi"} <= set(run.commands):
        return
    run.say("where the time goes")
    operations = run.operations(20, least=5)
    with scratch() as directory:
        settings = {**trivial_network(directory, "bare", 1).settings(), "events": True}
        floor = Driver(run.commands["floor"], {**settings, "cache": directory / "floor"})
        abi = Driver(run.commands["abi"], {**settings, "cache": directory / "abi"})
        alone = Driver(run.commands["abi"], {**settings, "cache": directory / "alone", "exec": "none", "events": False})
        steps = {command: run.record(Series(f"{command} by the floor, in steps", {}, "ns")) for command in COMMANDS}
        parts = {command: run.record(Series(f"{command} by the C ABI, in parts", {}, "ns")) for command in COMMANDS}
        with floor, abi, alone:
            for round_ in range(-1, run.rounds):
                for command in COMMANDS:
                    order = f"{command} {operations} 1"
                    lowest, told = floor.ask(order)["ns"], floor.ask("steps")
                    whole, without = abi.ask(order), alone.ask(order)["ns"]
                    if round_ < 0:
                        continue
                    for name, value in {"all": lowest, **told, "rest": lowest - sum(told.values())}.items():
                        steps[command].put(name, value / operations)
                    measured = {
                        "all": whole["ns"],
                        "plugin": whole["pluginNs"],
                        "rest": whole["ns"] - whole["pluginNs"],
                        "without a process": without,
                    }
                    for name, value in measured.items():
                        parts[command].put(name, value / operations)


def system_calls(run: Run) -> None:
    """The system calls of one operation, with those of the new process and of the plugin; they do not vary."""
    if shutil.which("strace") is None:
        run.say("left out: system calls, for which strace is not installed")
        return
    names = run.among(("floor", "abi"))
    run.say("system calls")
    for command in COMMANDS:
        counts = {name: _calls(run, name, command + " {} 1", prepared=command != "ADD") for name in names}
        _record(run, f"{command}: all system calls", {name: sum(counts[name].values()) for name in names})
        for call in sorted({call for counted in counts.values() for call in counted}):
            _record(run, f"{command}: {call}", {name: counts[name][call] for name in names})
    # Files that cannot match are not opened.
    opened = {name: _calls(run, name, "list container bench-0-7 {}", prepared=True)["openat"] for name in names}
    _record(run, f"a container among {MANY} attachments: openat", opened)


#: Operations of a short and of a long run.
FEW, MANY = 5, 25


def _record(run: Run, scene: str, counts: dict[str, int]) -> None:
    series = run.record(Series(scene, {}, "calls"))
    for name, count in counts.items():
        series.put(name, count)


def _calls(run: Run, name: str, order: str, prepared: bool) -> Counter[str]:
    """Those of one operation: what more operations make more, so that the start does not count."""
    few, many = (_traced(run, name, order.format(count), prepared) for count in (FEW, MANY))
    return Counter({call: (many[call] - few[call] + FEW) // (MANY - FEW) for call in many})


def _traced(run: Run, name: str, order: str, prepared: bool) -> Counter[str]:
    with scratch() as directory:
        settings = {**trivial_network(directory, "bare", 1).settings(), "cache": directory / "cache"}
        if prepared:
            with Driver(run.commands[name], settings) as driver:
                driver.ask(f"ADD {MANY} 1")
        log = directory / "calls"
        with Driver(["strace", "-f", "-qq", "-o", str(log), *run.commands[name]], settings) as driver:
            driver.ask(order)
        return _count(log)


def _count(log: Path) -> Counter[str]:
    begun = (re.match(r"\d+ +(\w+)\(", line) for line in log.read_text().splitlines())
    return Counter(match.group(1) for match in begun if match)
