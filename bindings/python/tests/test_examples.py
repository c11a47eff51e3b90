"""The examples and the README's quickstart, with real plugins in private namespaces."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT

EXAMPLES = ROOT / "examples/python"

#: The mount namespace is private: its own /run for network namespaces, its own /var/lib for the default cache.
SETUP = """
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
ip link set lo up
for box in one two three four; do ip netns add $box; done
"$@"
status=$?
echo "left behind: $(ls /var/lib/cni/results 2>/dev/null)"
exit $status
"""


@pytest.fixture
def network(tmp_path, real_plugins):
    def conflist(name, subnet):
        bridge = {
            "type": "bridge",
            "bridge": f"br-{name}",
            "isGateway": True,
            "ipam": {"type": "host-local", "ranges": [[{"subnet": subnet}]]},
        }
        file = tmp_path / f"{name}.conflist"
        file.write_text(json.dumps({"cniVersion": "1.0.0", "name": name, "plugins": [bridge]}))
        return file

    return conflist


@pytest.fixture
def run(namespaces, real_plugins):
    def run(*command, code=0):
        env = os.environ | {"CNI_PATH": str(real_plugins), "PYTHONWARNINGS": "error"}
        inside = [*namespaces, "sh", "-c", SETUP, "sh", sys.executable, *map(str, command)]
        done = subprocess.run(inside, env=env, capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr, sep="\n")
        assert done.returncode == code
        *lines, left = done.stdout.splitlines()
        assert left == "left behind: "
        return lines

    return run


def test_the_readme_shows_the_quickstart():
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert blocks[0] == (EXAMPLES / "quickstart.py").read_text()


def test_quickstart(run, network):
    file = network("demo", "10.89.0.0/24")
    assert run(EXAMPLES / "quickstart.py", file, "/run/netns/one") == ["10.89.0.2 in 10.89.0.0/24 by way of 10.89.0.1"]
    run(EXAMPLES / "quickstart.py", "/nowhere.conflist", "/run/netns/one", code=1)


def test_attach(run, network):
    files = [network("first", "10.89.1.0/24"), network("second", "10.89.2.0/24")]
    assert run(EXAMPLES / "attach.py", "/run/netns/one", *files) == [
        "eth0 first 10.89.1.2/24",
        "eth1 second 10.89.2.2/24",
        "detached eth0, eth1",
    ]


@pytest.mark.parametrize("example", ["parallel.py", "tasks.py"])
def test_many_at_once(run, network, example):
    names = ["one", "two", "three", "four"]
    lines = run(EXAMPLES / example, network("many", "10.89.3.0/24"), *(f"/run/netns/{name}" for name in names))
    attached = dict(line.split() for line in lines)
    assert attached.keys() == set(names)
    assert set(attached.values()) == {f"10.89.3.{n}/24" for n in range(2, 6)}


@pytest.mark.parametrize("example", ["parallel.py", "tasks.py"])
def test_many_at_once_with_one_that_fails(run, network, example):
    run(EXAMPLES / example, network("many", "10.89.3.0/24"), "/run/netns/one", "/run/netns/absent", code=1)


def test_attached_cleans_up_whatever_happens(run, network):
    file = network("with", "10.89.4.0/24")
    assert run(EXAMPLES / "attached.py", file, "/run/netns/one", "/bin/sh", "-c", "echo $ADDRESS") == ["10.89.4.2"]
    run(EXAMPLES / "attached.py", file, "/run/netns/one", "/bin/sh", "-c", "exit 3", code=3)
    run(EXAMPLES / "attached.py", file, "/run/netns/absent", "/bin/true", code=1)


def test_the_command_with_real_plugins(run, network):
    """ADD, list and DEL by ``python -m libcni``, in one shell."""
    script = (
        "import subprocess, sys\n"
        "for command in (['add', '--table', FILE, NETNS], ['check', FILE, NETNS], ['list'], ['del', FILE, NETNS]):\n"
        "    subprocess.run([sys.executable, '-m', 'libcni', *command, '-q'], check=True)\n"
    )
    file = network("demo", "10.89.5.0/24")
    lines = run("-c", script.replace("FILE", repr(str(file))).replace("NETNS", "'/run/netns/one'"))
    assert any(re.match(r"10\.89\.5\.2/24 +10\.89\.5\.1 +eth0", line) for line in lines)
    assert any(line.startswith("cnitool-") and line.endswith("/run/netns/one") for line in lines)


class Miniature:
    """The miniature runtime, with a directory of its own for what it writes down."""

    #: Ctrl-C is for the program, and what it left behind is told afterwards.
    AROUND = """
    trap : INT
    "$@"
    status=$?
    echo "left behind: $(ip -o link show type veth) $(grep miniature- /proc/self/mounts)"
    exit $status
    """

    def __init__(self, around, env, state):
        self.state, self.processes = state, []
        self.command = [*around, sys.executable, EXAMPLES / "runtime.py"]
        self.env = env | {"TMPDIR": str(state)}

    def start(self, *arguments):
        command = [*self.command, *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, env=self.env, start_new_session=True, **pipes)
        self.processes.append(process)
        return process

    def end(self):
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

    def interrupt(self, process):
        """Ctrl-C, as a terminal does it: to the whole group."""
        os.killpg(process.pid, signal.SIGINT)

    def until(self, process, told):
        """Read what it tells up to that."""
        assert any(line.startswith(told) for line in process.stderr)

    def attachments(self):
        return len(list(self.state.glob("miniature-*/cache/results/*-eth0")))

    def ends(self, process, code):
        """What it printed and told; nothing is left of it."""
        stdout, stderr = process.communicate()
        print(stdout, stderr, sep="\n")
        assert process.returncode == code
        assert list(self.state.iterdir()) == []
        assert stderr.count("nothing is left") == 1
        *lines, left = stdout.splitlines()
        assert left.split() == ["left", "behind:"]
        return lines, stderr


@pytest.fixture
def miniature(namespaces, real_plugins, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    around = [*namespaces, "sh", "-c", Miniature.AROUND, "sh"]
    env = os.environ | {"CNI_PATH": str(real_plugins), "PYTHONWARNINGS": "error"}
    miniature = Miniature(around, env, state)
    # A limit for a test that fails, in seconds: then nobody has to wait for what does not come.
    limit = threading.Timer(120, miniature.end)
    limit.start()
    yield miniature
    limit.cancel()
    miniature.end()


def rows(lines):
    assert lines[0].split() == ["CONTAINER", "INTERFACE", "ADDRESS", "GATEWAY", "MAC"]
    return [line.split() for line in lines[1:]]


def test_the_miniature_runtime_attaches_fifty_containers_and_removes_them(miniature):
    lines, _ = miniature.ends(miniature.start("--here"), 0)
    table = rows(lines)
    assert [row[:2] for row in table] == [[f"c{number:03}", "eth0"] for number in range(1, 51)]
    assert {row[2] for row in table} == {f"10.99.0.{number}/16" for number in range(2, 52)}
    assert {row[3] for row in table} == {"10.99.0.1"}
    assert len({row[4] for row in table}) == 50


def test_the_miniature_runtime_makes_namespaces_of_its_own(miniature):
    lines, _ = miniature.ends(miniature.start("--containers", 2), 0)
    assert [row[0] for row in rows(lines)] == ["c001", "c002"]


@pytest.fixture
def waiting(miniature, real_plugins, tmp_path):
    """Has the real plugins, where the containers of a pattern wait in ADD until a file is there."""

    def wait(pattern, condition):
        bin, go_on = tmp_path / "bin", tmp_path / "go on"
        bin.mkdir()
        (bin / "host-local").symlink_to(real_plugins / "host-local")
        waits = f"while [ ! -e '{go_on}' ]; do sleep 0.01; done"
        script = f"case $CNI_COMMAND-$CNI_CONTAINERID in ADD-{pattern}) {waits};; esac; exec {real_plugins}/bridge"
        (bin / "bridge").write_text(f"#!/bin/sh\n{script}\n")
        (bin / "bridge").chmod(0o755)
        miniature.env["CNI_PATH"] = str(bin)
        process = miniature.start("--here")
        deadline = time.monotonic() + 60
        while miniature.attachments() != condition:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return process, go_on

    return wait


def test_the_miniature_runtime_cleans_up_when_it_is_interrupted_in_the_middle(miniature, waiting):
    process, go_on = waiting("c0[345]*", 29)
    miniature.interrupt(process)
    miniature.until(process, "finishing")
    go_on.touch()
    lines, stderr = miniature.ends(process, 130)
    assert lines == []
    assert stderr.endswith("interrupted\n")


def test_a_second_interrupt_ends_the_plugins_of_the_miniature_runtime(miniature, waiting):
    process, _ = waiting("c030", 49)
    miniature.interrupt(process)
    miniature.until(process, "finishing")
    miniature.interrupt(process)
    miniature.ends(process, 130)


def test_the_miniature_runtime_holds_until_it_is_interrupted(miniature):
    process = miniature.start("--here", "--containers", 3, "--hold")
    miniature.until(process, "holding")
    assert miniature.attachments() == 3
    miniature.interrupt(process)
    lines, _ = miniature.ends(process, 0)
    assert len(rows(lines)) == 3


def test_the_miniature_runtime_tells_what_is_missing(miniature, tmp_path):
    miniature.env["CNI_PATH"] = str(tmp_path)
    process = miniature.start("--here")
    _, stderr = process.communicate()
    assert process.returncode == 1
    assert stderr.startswith("PLUGIN_NOT_FOUND: ")
    assert 'failed to find plugin "bridge"' in stderr
    assert list(miniature.state.iterdir()) == []
