"""The machine that a run was made on, by its kind: no names, no paths."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Processor"):
            return value.strip()
    return platform.machine()


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _version(*command: str) -> str:
    """The first version number that a program tells, or "none"."""
    if shutil.which(command[0]) is None:
        return "none"
    told = subprocess.run(command, capture_output=True, text=True).stdout
    found = re.search(r"\d+\.\d+(\.\d+)?", told)
    return found.group() if found else "unknown"


def describe() -> dict[str, str]:
    virtual = "hypervisor" in Path("/proc/cpuinfo").read_text()
    return {
        "processor": f"{_cpu_model()}, {os.cpu_count()} cores{', virtual machine' if virtual else ''}",
        "memory": f"{_memory_gib()} GiB",
        # The release of a distribution's own build may carry a name: the numbers are enough.
        "kernel": f"Linux {'.'.join(re.findall(r'[0-9]+', platform.release())[:3])}",
        "C library": " ".join(platform.libc_ver()),
        "rustc": _version(os.environ.get("RUSTC", "rustc"), "--version"),
        "go": _version(os.environ.get("GO", "go"), "version"),
        "python": platform.python_version(),
        "cc": _version(os.environ.get("CC", "cc"), "--version"),
    }


#: What says by itself what it is.
PLAIN = ("processor", "memory", "kernel", "C library")


def short(machine: dict[str, str]) -> str:
    """The machine in a few words."""
    return "; ".join(machine[key] for key in PLAIN[:3])


def line(machine: dict[str, str]) -> str:
    """The machine with the compilers and interpreters."""
    return "; ".join(value if key in PLAIN else f"{key} {value}" for key, value in machine.items())
