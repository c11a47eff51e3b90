"""``python -m libcni``, in the manner of cnitool."""

import hashlib
import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, Running
from libcni import errors

NETNS = "/run/netns/c1"
CONTAINER_ID = "cnitool-" + hashlib.sha512(NETNS.encode()).digest()[:10].hex()


class Command:
    def __init__(self, scene):
        self.scene = scene
        self.confs = scene.dir / "net.d"
        self.confs.mkdir()
        self.env = os.environ | {"CNI_PATH": str(scene.bin), "NETCONFPATH": str(self.confs)}

    def network(self, network, name="net.conflist"):
        (self.confs / name).write_text(json.dumps(network))

    def arguments(self, *arguments):
        return [sys.executable, "-W", "error", "-m", "libcni", *arguments]

    def run(self, command, *arguments, code=0, **env):
        arguments = self.arguments(command, "--cache-dir", self.scene.cache, *arguments)
        done = subprocess.run(arguments, env=self.env | env, capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr, sep="\n")
        assert done.returncode == code
        return done


@pytest.fixture
def command(scene):
    command = Command(scene)
    command.network(scene.network(scene.plugin("first", ADD={"stdout": RESULT}), scene.plugin("second")))
    return command


RESULT = {
    "cniVersion": "1.1.0",
    "interfaces": [{"name": "br0"}, {"name": "eth0", "sandbox": NETNS, "mac": "00:11:22:33:44:55", "mtu": 1400}],
    "ips": [{"address": "10.1.0.5/16", "gateway": "10.1.0.1", "interface": 1}],
    "routes": [{"dst": "0.0.0.0/0", "gw": "10.1.0.1"}],
    "dns": {"nameservers": ["10.1.0.1", "10.1.0.2"], "domain": "local"},
    "own": 2**70,
}


def test_it_attaches_checks_and_detaches(command, scene):
    assert json.loads(command.run("add", "net", NETNS, "--json").stdout) == RESULT
    command.run("check", "net", NETNS)
    command.run("del", "net", NETNS)
    assert scene.order() == ["ADD first", "ADD second", "CHECK first", "CHECK second", "DEL second", "DEL first"]
    assert {call.env["CNI_CONTAINERID"] for call in scene.calls()} == {CONTAINER_ID}


def test_results_are_tables(command):
    assert (
        command.run("add", "net", NETNS).stdout
        == """\
INTERFACE  MAC                MTU   SANDBOX
br0        -                  -     -
eth0       00:11:22:33:44:55  1400  /run/netns/c1

ADDRESS      GATEWAY   INTERFACE
10.1.0.5/16  10.1.0.1  eth0

ROUTE      VIA       MTU  PRIORITY
0.0.0.0/0  10.1.0.1  -    -

DNS         VALUE
nameserver  10.1.0.1 10.1.0.2
domain      local
"""
    )


def test_the_environment_is_that_of_cnitool(command, scene):
    command.network(scene.network(scene.plugin("first") | {"capabilities": {"mac": True}}))
    command.run("add", "net", "netns/../c1", CNI_IFNAME="net1", CNI_ARGS="A=1;B=2", CAP_ARGS='{"mac": "x"}')
    (call,) = scene.calls()
    absolute = os.path.abspath("c1")
    id = "cnitool-" + hashlib.sha512(absolute.encode()).digest()[:10].hex()
    names = ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS")
    assert [call.env[name] for name in names] == [id, absolute, "net1", "A=1;B=2"]
    assert call.config["runtimeConfig"] == {"mac": "x"}
    command.run("del", "net", "//run/netns/c1", "--ifname", "net2", CNI_IFNAME="net1")
    last = scene.calls()[-1].env
    assert [last[name] for name in names[:3]] == [CONTAINER_ID, NETNS, "net2"]
    assert 'invalid CNI_ARGS pair "A"' in command.run("add", "net", NETNS, code=1, CNI_ARGS="A").stderr
    wrong = command.run("add", "net", NETNS, "--json", code=1, CNI_ARGS="A")
    assert json.loads(wrong.stdout)["status"] == "INVALID_ARGUMENT"
    assert "invalid CAP_ARGS" in command.run("add", "net", NETNS, code=1, CAP_ARGS="[]").stderr


def test_networks_may_be_files(command):
    command.run("add", str(command.confs / "net.conflist"), NETNS)


def test_exit_codes_are_those_of_the_c_header(command, scene):
    header = (ROOT / "include/libcni.h").read_text()
    numbers = dict(re.findall(r"LIBCNI_ERR_(\w+) (-\d+)", header))
    assert {each.status: str(each.status_number) for each in errors.ALL} == numbers


def test_failures_have_the_exit_code_of_their_status(command, scene):
    bad = {"stdout": {"code": 50, "msg": "not now"}, "exit": 1}
    command.network(scene.network(scene.plugin("first", STATUS=bad)))
    failed = command.run("status", "net", code=5)
    assert failed.stderr.splitlines()[-1] == "libcni: not now"
    assert json.loads(command.run("status", "net", "--json", code=5).stdout)["code"] == 50
    command.run("check", "net", NETNS, code=10)
    command.run("add", "absent", NETNS, code=3)
    command.network({"cniVersion": "1.0.0", "name": "gone", "plugins": [{"type": "absent"}]}, "gone.conflist")
    command.run("add", "gone", NETNS, code=4)
    assert "usage:" in command.run("add", "net", code=1).stdout
    command.run("add", "net", NETNS, "--timeout", "-1", code=1)


def test_gc_keeps_what_is_said_to_be_valid(command, scene):
    for name in ("a", "b"):
        command.run("add", "net", f"/run/netns/{name}")
    count = lambda: len(list((scene.cache / "results").iterdir()))  # noqa: E731
    assert "which attachments are valid" in command.run("gc", "net", code=1).stderr
    command.run("gc", "net", "--keep", "/run/netns/a")
    assert count() == 1
    command.run("gc", "net", "/run/netns/a")
    assert count() == 0
    command.run("gc", "net", "--all")


def test_list_shows_networks_attachments_and_broken_files(command):
    (command.confs / "broken.conf").write_text("{")
    command.run("add", "net", NETNS)
    tables = command.run("list").stdout
    file = command.confs / "net.conflist"
    assert f"net      1.1.0    first second  {file}\n" in tables
    assert f"{CONTAINER_ID}  net      eth0       {NETNS}\n" in tables
    assert str(command.confs / "broken.conf") in tables
    listed = json.loads(command.run("list", "--json").stdout)
    assert [network["list"]["name"] for network in listed["networks"]] == ["net"]
    assert [attachment["containerId"] for attachment in listed["attachments"]] == [CONTAINER_ID]
    assert len(listed["errors"]) == 1


def test_validate_and_render_change_nothing(command, scene):
    assert json.loads(command.run("validate", "net", "--json").stdout) == {"capabilities": []}
    rendered = json.loads(command.run("render", "net", NETNS, "--json").stdout)
    assert [request["plugin"] for request in rendered] == ["first", "second"]
    assert rendered[1]["needsPrevResult"]
    assert f"CNI_NETNS={NETNS}\n" in command.run("render", "net", NETNS).stdout
    assert "CNI_COMMAND=DEL\n" in command.run("render", "net", NETNS, "--for", "del").stdout
    assert scene.calls() == []


def test_each_plugin_is_told_of_as_it_runs(command, scene):
    bad = scene.plugin("bad", ADD={"stderr": "out of addresses\n", "exit": 3})
    command.network(scene.network(scene.plugin("first"), bad))
    failed = command.run("add", "net", NETNS, code=5)
    lines = failed.stderr.splitlines()
    assert re.fullmatch(r"ADD     first            ok +\d+\.\d ms", lines[0])
    assert re.fullmatch(r"ADD     bad              exit 3 +\d+\.\d ms", lines[1])
    assert lines[2] == "        out of addresses"
    assert failed.stdout == ""
    assert "ADD " not in command.run("add", "net", NETNS, "--quiet", code=5).stderr


def test_on_a_terminal_a_plugin_shows_while_it_runs(command, scene):
    controller, terminal = pty.openpty()
    arguments = command.arguments("add", "--cache-dir", str(scene.cache), "net", NETNS)
    subprocess.run(arguments, env=command.env, stdout=terminal, stderr=terminal, check=True)
    os.close(terminal)
    shown = b""
    while chunk := _read(controller):
        shown += chunk
    os.close(controller)
    assert shown.startswith(b"ADD     first            ...\r\x1b[KADD     first            \x1b[32mok")
    assert b"\x1b[1mADDRESS" in shown


def _read(fd):
    try:
        return os.read(fd, 65536)
    except OSError:  # the other end of a terminal is closed
        return b""


def test_ctrl_c_ends_it(command, scene):
    command.network(scene.hanging())
    process = subprocess.Popen(
        command.arguments("add", "--cache-dir", str(scene.cache), "net", NETNS),
        env=command.env,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Running(scene.fifo, lambda: process.send_signal(signal.SIGINT))
    _, stderr = process.communicate()
    assert running.is_gone()
    assert process.returncode == 130
    assert stderr.splitlines()[-1] == "libcni: interrupted"


def test_help_tells_exit_codes_and_environment(command):
    help = subprocess.run(command.arguments("--help"), capture_output=True, text=True, check=True).stdout
    assert "NETCONFPATH" in help
    assert "4 PLUGIN_NOT_FOUND" in help
