"""Builds drivers and plugins. Contestants that cannot be had on this machine are left out, visibly."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.paths import BENCHES, BUILT, RELEASE, ROOT, TARGET

CC = os.environ.get("CC", "cc")
CARGO = os.environ.get("CARGO", "cargo")
GO = os.environ.get("GO", "go")
CFLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]
LIBCNI = [f"-I{ROOT / 'include'}", f"-L{RELEASE}", f"-Wl,-rpath,{RELEASE}", "-lcni"]
BARE = ["-nostdlib", "-static", "-fno-stack-protector", "-fno-builtin", "-fno-asynchronous-unwind-tables", "-no-pie"]


def run(command: Iterable[str | Path], directory: Path = BENCHES, **variables: str) -> None:
    """Run a command; when it fails, say what it said and end."""
    arguments = [str(word) for word in command]
    done = subprocess.run(arguments, cwd=directory, env={**os.environ, **variables}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")


def compile_c(output: Path, sources: Iterable[str], options: Iterable[str] = ()) -> Path:
    output.parent.mkdir(parents=True, exist_ok=True)
    run([CC, *CFLAGS, "-o", output, *sources, *options])
    return output


def plugins() -> None:
    """The trivial plugin, with a C library and without: <kind>/trivial."""
    compile_c(BUILT / "plugins/static/trivial", ["plugins/static.c"], ["-static", "-s"])
    compile_c(BUILT / "plugins/bare/trivial", ["plugins/bare.c"], [*BARE, "-s"])


def floor() -> list[str]:
    return [
        str(compile_c(BUILT / "floor", ["drivers/driver.c", "drivers/floor.c", "drivers/files.c", "drivers/listing.c"]))
    ]


def abi() -> list[str]:
    return [
        str(
            compile_c(
                BUILT / "abi", ["drivers/driver.c", "drivers/abi.c", "drivers/micro.c", "drivers/cached.c"], LIBCNI
            )
        )
    ]


def load() -> list[str]:
    return [str(compile_c(BUILT / "load", ["drivers/driver.c", "drivers/load.c"], [f"-I{ROOT / 'include'}"]))]


def stripped() -> Path:
    """libcni.so without symbols, as distributions ship it."""
    run(["strip", "--strip-unneeded", "-o", BUILT / "libcni.so", RELEASE / "libcni.so"])
    return BUILT / "libcni.so"


def core(smoke: bool) -> list[str]:
    """The Rust core, built as the library is; quickly, where the figures do not matter."""
    # In a directory of its own: with the core cargo makes a libcni.so, too, which is not that of `make lib`.
    profile = [] if smoke else ["--release", "--target-dir", str(TARGET / "rust")]
    arguments = [CARGO, "build", "--locked", "--bench", "core", *profile]
    run(arguments, ROOT)
    # Cargo names the program after a hash; it has to be asked.
    arguments.append("--message-format=json")
    told = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    messages = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    programs = [message["executable"] for message in messages if message.get("target", {}).get("name") == "core"]
    return [next(program for program in programs if program)]


def go_driver(name: str, tags: str) -> list[str] | None:
    if shutil.which(GO) is None:
        print(f"left out: {name}, which needs Go", file=sys.stderr)
        return None
    output = BUILT / name
    flags = ["-trimpath", "-buildvcs=false", f"-tags={tags}"]
    run([GO, "build", *flags, "-o", output, "."], BENCHES / "drivers/go", GOTOOLCHAIN="local", GOWORK="off")
    return [str(output)]


def python_driver() -> list[str] | None:
    """The wheel that `make wheel` built, in a virtual environment of its own."""
    wheels = sorted((TARGET / "wheels").glob("libcni-*.whl"))
    if not wheels:
        print("left out: python, whose wheel is not built (make wheel)", file=sys.stderr)
        return None
    environment = BUILT / "venv"
    interpreter = environment / "bin/python"
    installed = environment / "installed"
    if not installed.exists() or installed.stat().st_mtime < wheels[-1].stat().st_mtime:
        run([sys.executable, "-m", "venv", "--clear", environment])
        pip: list[str | Path] = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--no-deps", wheels[-1]])
        installed.touch()
    return [str(interpreter), str(BENCHES / "drivers/python.py")]


def contestants(names: Iterable[str], smoke: bool) -> dict[str, list[str]]:
    """The commands of the drivers, without those that cannot be had."""
    makers: dict[str, Callable[[], list[str] | None]] = {
        "floor": floor,
        "vfork": lambda: [*floor(), "spawn=vfork"],
        "fork": lambda: [*floor(), "spawn=fork"],
        "abi": abi,
        "core": lambda: core(smoke),
        "python": python_driver,
        "go": lambda: go_driver("go", "binding,libcni_dev"),
        "original": lambda: go_driver("original", ""),
    }
    made = {name: makers[name]() for name in names}
    return {name: command for name, command in made.items() if command is not None}
