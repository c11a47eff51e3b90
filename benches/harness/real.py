"""End to end: bridge with host-local, and portmap, as a node has them, on a host of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from harness import attach
from harness.driver import ENVIRONMENT, Driver
from harness.network import Network
from harness.run import Run, scratch
from harness.series import Series

NAMES = ("floor", "abi", "python", "go", "original")
#: portmap before 1.3 cannot check a container of one address family where iptables knows both.
COMMANDS = ("ADD", "DEL")
PLUGINS = ("bridge", "host-local", "portmap")
#: The driver's own network namespace is the host; the container's is at NETNS. Both end with the driver.
NETNS = "/run/netns/bench"
HOST = 'mount -t tmpfs tmpfs /run && ip netns add bench && ip link set lo up && exec "$@"'


def plugin_dir(plugins: tuple[str, ...]) -> Path | None:
    """Where this machine has the plugins."""
    places = [*os.environ.get("CNI_PATH", "").split(":"), "/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"]
    return next(
        (Path(place) for place in places if place and all((Path(place) / name).exists() for name in plugins)), None
    )


def why_not(plugins: tuple[str, ...], programs: tuple[str, ...]) -> str | None:
    """What the machine lacks for this."""
    if plugin_dir(plugins) is None:
        return f"the plugins {', '.join(plugins)} are not installed"
    for program in programs:
        if shutil.which(program, path=ENVIRONMENT["PATH"]) is None:
            return f"{program} is not installed"
    if subprocess.run(host(["true"]), env=ENVIRONMENT, capture_output=True).returncode != 0:
        return "no private network and mount namespace may be made (not root?)"
    return None


def host(command: list[str]) -> list[str]:
    """The command on a host of its own."""
    return ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", HOST, "sh", *command]


def chain(directory: Path) -> list[dict[str, Any]]:
    ipam = {"type": "host-local", "ranges": [[{"subnet": "10.99.0.0/16"}]], "dataDir": str(directory / "addresses")}
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False, "ipam": ipam}
    return [bridge, {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}}]


def loopback(run: Run) -> None:
    """The loopback plugin as a program beside the one inside the process: ADD, CHECK and DEL, the cache on tmpfs."""
    reason = why_not(("loopback",), ("ip", "unshare"))
    places = plugin_dir(("loopback",))
    if reason is not None or places is None or "abi" not in run.commands:
        run.say(f"left out: loopback: {reason or 'the C ABI does not take part'}")
        return
    run.say("loopback, as a program and inside the process, on its own and as the network of a container")
    on_its_own = {"program": {"builtin": ""}, "inside": {"builtin": "loopback"}}
    as_network = {"program": {"networks": "program"}, "inside": {"networks": "builtin"}}
    for scene, ways in (("loopback", on_its_own), ("networks: loopback", as_network)):
        loopback_by(run, scene, places, ways, abi=run.commands["abi"])


def loopback_by(run: Run, scene: str, places: Path, ways: dict[str, dict[str, str]], abi: list[str]) -> None:
    operations = run.operations(5)
    with scratch() as directory, ExitStack() as stack:
        network = Network(directory, "loopback", [{"type": "loopback"}], places, NETNS)
        drivers = {}
        for name, way in ways.items():
            settings = {**network.settings(), "cache": directory / name, **way}
            drivers[name] = stack.enter_context(Driver(host(abi), settings))
        wall = {command: run.record(Series(f"{scene}: {command}", {}, "ns")) for command in attach.COMMANDS}
        for round_ in range(-1, run.rounds):
            for command in attach.COMMANDS:
                for name, driver in drivers.items():
                    answer = driver.ask(f"{command} {operations} 1")
                    if round_ >= 0:
                        wall[command].put(name, answer["ns"] / operations)


def scene(run: Run) -> None:
    """ADD and DEL by every contestant; of the C ABI's, events tell the plugins' part."""
    reason = why_not(PLUGINS, ("ip", "iptables", "unshare"))
    places = plugin_dir(PLUGINS)
    if reason is not None or places is None:
        run.say(f"left out: the end-to-end scene: {reason}")
        return
    run.say("end to end: bridge, host-local, portmap")
    mappings = {"portMappings": [{"hostPort": 18080, "containerPort": 80, "protocol": "tcp"}]}
    with scratch() as directory, ExitStack() as stack:
        drivers = {}
        for name in run.among(NAMES):
            own = directory / name
            own.mkdir()
            network = Network(own, "real", chain(own), places, NETNS, mappings)
            settings = {**network.settings(), "cache": own / "cache", "events": name == "abi"}
            drivers[name] = stack.enter_context(Driver(host(run.commands[name]), settings))
        wall = {command: run.record(Series(f"end to end: {command}", {}, "ns")) for command in COMMANDS}
        parts = {command: run.record(Series(f"end to end: {command}: whose time", {}, "ns")) for command in COMMANDS}
        for round_ in range(-1, run.rounds):
            for command in COMMANDS:
                for name, driver in drivers.items():
                    answer = driver.ask(f"{command} 1 1")
                    if round_ < 0:
                        continue
                    wall[command].put(name, answer["ns"])
                    if name == "abi":
                        parts[command].put("all", answer["ns"])
                        parts[command].put("plugins", answer["pluginNs"])
                        parts[command].put("libcni", answer["ns"] - answer["pluginNs"])
