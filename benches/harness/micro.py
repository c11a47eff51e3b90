"""What is done without a process: parsing, deriving, converting. In time and in allocations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.driver import Driver
from harness.run import Run, scratch
from harness.series import Series

VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
#: The first one is what the others are compared with.
NAMES = ("original", "core", "abi")

BRIDGE: dict[str, Any] = {
    "type": "bridge",
    "bridge": "cni0",
    "isGateway": True,
    "ipMasq": True,
    "hairpinMode": True,
    "promiscMode": False,
    "capabilities": {"mac": True, "ips": True},
    "ipam": {
        "type": "host-local",
        "ranges": [
            [{"subnet": "10.22.0.0/16", "rangeStart": "10.22.0.10", "gateway": "10.22.0.1"}],
            [{"subnet": "3ffe:ffff:0:01ff::/64"}],
        ],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}],
        "dataDir": "/run/cni/networks",
    },
    "dns": {"nameservers": ["10.22.0.1"]},
}
OTHERS: list[dict[str, Any]] = [
    {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}},
    {"type": "firewall", "backend": "iptables", "iptablesAdminChainName": "CNI-ADMIN"},
    {"type": "tuning", "mac": "0a:58:0a:16:00:05", "mtu": 1450, "sysctl": {"net.core.somaxconn": "500"}},
]


def result(version: str) -> dict[str, Any]:
    """The same attachment as a result of that version."""
    dns = {"nameservers": ["10.22.0.1"], "domain": "example.org", "search": ["example.org"]}
    if version in ("0.1.0", "0.2.0"):
        return {
            "cniVersion": version,
            "ip4": {"ip": "10.22.0.5/16", "gateway": "10.22.0.1", "routes": [{"dst": "0.0.0.0/0", "gw": "10.22.0.1"}]},
            "ip6": {"ip": "3ffe:ffff:0:1ff::5/64", "gateway": "3ffe:ffff:0:1ff::1", "routes": [{"dst": "::/0"}]},
            "dns": dns,
        }
    four: dict[str, Any] = {"interface": 2, "address": "10.22.0.5/16", "gateway": "10.22.0.1"}
    six: dict[str, Any] = {"interface": 2, "address": "3ffe:ffff:0:1ff::5/64", "gateway": "3ffe:ffff:0:1ff::1"}
    if version < "1.0.0":
        four, six = {"version": "4", **four}, {"version": "6", **six}
    return {
        "cniVersion": version,
        "interfaces": [
            {"name": "cni0", "mac": "0a:58:0a:16:00:01"},
            {"name": "veth3f8e2a10", "mac": "0a:58:0a:16:00:02"},
            {"name": "eth0", "mac": "0a:58:0a:16:00:05", "sandbox": "/run/netns/bench"},
        ],
        "ips": [four, six],
        "routes": [{"dst": "0.0.0.0/0", "gw": "10.22.0.1"}, {"dst": "::/0"}],
        "dns": dns,
    }


def write_samples(directory: Path) -> None:
    """The files that core/quantities.rs names."""
    rt = {
        "containerId": "bench",
        "netns": "/run/netns/bench",
        "ifName": "eth0",
        "capabilityArgs": {"mac": "0a:58:0a:16:00:05", "ips": ["10.22.0.5/16"]},
        "prevResult": result("1.0.0"),
    }
    head = {"cniVersion": "1.0.0", "name": "bench"}
    samples: dict[str, Any] = {
        "list.json": {**head, "plugins": [BRIDGE, *OTHERS]},
        "one.json": {**head, "plugins": [BRIDGE]},
        "rt.json": rt,
        **{f"result-{version}.json": result(version) for version in VERSIONS},
    }
    for name, sample in samples.items():
        (directory / name).write_text(json.dumps(sample))


def inside(run: Run) -> None:
    """ADD of a plugin that lives in the process, beside one that is an answer ready-made: what is left is its own."""
    if "core" not in run.commands:
        return
    run.say("a plugin inside the process")
    count = run.operations(300, least=20)
    with scratch() as directory:
        write_samples(directory)
        time = run.record(Series("ADD of one plugin, nothing kept", {}, "ns"))
        allocations = run.record(Series("ADD of one plugin, nothing kept", {}, "allocations"))
        with Driver(run.commands["core"], {"samples": directory}) as driver:
            for round_ in range(-1, run.rounds):
                for name, quantity in (("ready-made", "add"), ("inside", "add-inside")):
                    answer = driver.ask(f"micro {quantity} {count}")
                    if round_ >= 0:
                        time.put(name, answer["ns"] / count)
                        allocations.put(name, answer["allocations"])


def scene(run: Run) -> None:
    """List parse, request derivation, result parse, and the conversion from every version to every version."""
    quantities = {"list": "parse a list", "request": "derive a request", "result": "parse a result"}
    quantities |= {f"convert-{a}-{b}": f"convert a result from {a} to {b}" for a in VERSIONS for b in VERSIONS}
    run.say(f"{len(quantities)} quantities without a process")
    with scratch() as directory:
        write_samples(directory)
        # The abi's renders ask the file system for the plugin; it only has to be there.
        (directory / "bridge").touch(mode=0o755)
        settings = {"samples": directory, "list": directory / "list.json", "plugins": directory}
        with run.drivers(NAMES, directory, settings) as drivers:
            for quantity, text in quantities.items():
                time = run.record(Series(text, {}, "ns"))
                allocations = run.record(Series(text, {}, "allocations"))
                count = run.operations(50 if quantity.startswith("convert") else 200, least=10)
                for round_ in range(-1, run.rounds):
                    for name, driver in drivers.items():
                        if name == "abi" and quantity == "result":
                            continue
                        answer = driver.ask(f"micro {quantity} {count}")
                        if round_ >= 0:
                            time.put(name, answer["ns"] / count)
                            if "allocations" in answer:
                                allocations.put(name, answer["allocations"])
