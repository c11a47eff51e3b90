"""A scene for tests: fake plugins that really run, a log of how they were called, a cache of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libcni
import pytest

ROOT = Path(__file__).resolve().parents[3]
PLUGIN_DIRS = [Path(dir) for dir in (*os.environ.get("CNI_PATH", "").split(":"), "/opt/cni/bin", "/usr/lib/cni") if dir]


@dataclass
class Call:
    """One call of a fake plugin."""

    plugin: str
    command: str
    stdin: str
    env: dict[str, str]

    @property
    def config(self) -> dict[str, Any]:
        return json.loads(self.stdin)


class Scene:
    def __init__(self, dir: Path, program: Path) -> None:
        self.dir, self._program = dir, program
        self.bin, self.log, self.cache, self.fifo = (dir / name for name in ("bin", "log", "cache", "fifo"))
        self.bin.mkdir()
        self.log.mkdir()

    def cni(self, **options: Any) -> libcni.CNI:
        return libcni.CNI(**self.options(**options))

    def aio(self, **options: Any) -> libcni.aio.CNI:
        return libcni.aio.CNI(**self.options(**options))

    def options(self, **options: Any) -> dict[str, Any]:
        return {"plugin_dirs": [self.bin], "cache_dir": self.cache, "durable": False} | options

    def plugin(self, type: str, **does: Any) -> dict[str, Any]:
        """A plugin object that logs its calls; ``does`` tells what it does for which command."""
        if not (self.bin / type).exists():
            shutil.copy(self._program, self.bin / type)
        return {"type": type, "fake": {"log": str(self.log), **does}}

    def network(self, *plugins: dict[str, Any], version: str = "1.1.0", **keys: Any) -> dict[str, Any]:
        return {"cniVersion": version, "name": "net", "plugins": list(plugins or [self.plugin("first")]), **keys}

    def hanging(self) -> dict[str, Any]:
        """A network whose plugin hangs in ADD, once it has told so through the FIFO."""
        if not self.fifo.exists():
            os.mkfifo(self.fifo)
        return self.network(self.plugin("hangs", ADD={"fifo": str(self.fifo), "hang": True}))

    def calls(self) -> list[Call]:
        calls = []
        for dir in sorted(self.log.iterdir(), key=lambda dir: int(dir.name)):
            read = {name: (dir / name).read_text() for name in ("plugin", "command", "stdin", "env")}
            env = dict(line.split("=", 1) for line in read.pop("env").splitlines() if "=" in line)
            calls.append(Call(env=env, **read))
        return calls

    def order(self) -> list[str]:
        return [f"{call.command} {call.plugin}" for call in self.calls()]


class Node:
    """A node with networks of fake plugins, and a container."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.conf_dir, self.netns = scene.dir / "net.d", scene.dir / "netns"
        self.conf_dir.mkdir()
        # Fake plugins do not look into it.
        self.netns.touch()
        self.container = libcni.Container("c1", self.netns)
        self.cni = scene.cni()

    def write(self, file: str, name: str, *, capabilities: Any = None, **does: Any) -> None:
        """A network of one plugin in a file of the directory."""
        plugin = self.scene.plugin("fake", **does)
        if capabilities is not None:
            plugin["capabilities"] = capabilities
        (self.conf_dir / file).write_text(json.dumps(self.scene.network(plugin) | {"name": name}))

    def networks(self, **options: Any) -> libcni.Networks:
        """All networks of the directory; options of the runtime go to the runtime."""
        return libcni.Networks(self.scene.cni(**self._runtime(options)), **self._all() | options)

    def aio(self, **options: Any) -> libcni.aio.Networks:
        return libcni.aio.Networks(self.scene.aio(**self._runtime(options)), **self._all() | options)

    def _runtime(self, options: dict[str, Any]) -> dict[str, Any]:
        return {name: options.pop(name) for name in ("plugins", "exec", "on_event") if name in options}

    def _all(self) -> dict[str, Any]:
        return {"conf_dir": self.conf_dir, "sources": [libcni.NetworkSource(load="all")], "loopback": False}

    def asked(self) -> list[str]:
        """Which networks were asked what, for which interface."""
        return [f"{call.command} {call.config['name']} {call.env['CNI_IFNAME']}" for call in self.scene.calls()]


class Running:
    """Waits in a thread of its own until the hanging plugin runs, does something, and waits until it is no more."""

    def __init__(self, fifo: Path, when_it_runs: Any) -> None:
        self._thread = threading.Thread(target=self._watch, args=(fifo, when_it_runs), daemon=True)
        self._thread.start()
        self.gone = False

    def _watch(self, fifo: Path, when_it_runs: Any) -> None:
        with fifo.open("rb") as running:
            when_it_runs()
            # End of file: no process has the other end any more.
            self.gone = running.read() == b""

    def is_gone(self) -> bool:
        self._thread.join(60)
        return self.gone


@pytest.fixture(scope="session")
def fake_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("fake") / "fake"
    sources = [ROOT / "tests/plugins/fake.c", ROOT / "examples/c/json.c"]
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-std=c11", "-O1", "-o", program, "-I", ROOT / "examples/c", *sources], check=True)
    return program


@pytest.fixture
def scene(tmp_path: Path, fake_plugin: Path) -> Scene:
    return Scene(tmp_path, fake_plugin)


@pytest.fixture
def node(scene: Scene) -> Node:
    return Node(scene)


@pytest.fixture
def rt() -> libcni.RuntimeConf:
    return libcni.RuntimeConf("c1", "/run/netns/c1")


@pytest.fixture(scope="session")
def real_plugins() -> Path:
    """The directory of the reference plugins; the test is skipped where there are none."""
    for dir in PLUGIN_DIRS:
        if os.access(dir / "bridge", os.X_OK) and os.access(dir / "host-local", os.X_OK):
            return dir
    pytest.skip("needs the reference plugins (Debian: containernetworking-plugins)")


@pytest.fixture(scope="session")
def namespaces() -> list[str]:
    """The command that runs another in private user, network and mount namespaces, as root there."""
    command = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    try:
        subprocess.run([*command, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine forbids private namespaces")
    if shutil.which("ip") is None:
        pytest.skip("needs the command ip (Debian: iproute2)")
    return command
