"""The examples and the README's quickstart, with real plugins in private namespaces."""

import json
import os
import re
import subprocess
import sys

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
