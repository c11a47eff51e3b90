"""Plugins written in Python: in this process, and as programs; alone, delegating, and with real plugins."""

import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys

import libcni
import pytest
from conftest import ROOT
from libcni import plugin

EXAMPLES = ROOT / "examples/python/plugins"
ADDRESSES = [{"address": "10.1.0.5/24", "gateway": "10.1.0.1"}]


def example(name, class_name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, class_name)()


def install(dir, name, type):
    """Puts an example there as a program, for the interpreter of the tests."""
    program = dir / type
    program.write_text((EXAMPLES / f"{name}.py").read_text().replace("/usr/bin/env python3", sys.executable, 1))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def run(program, command, config, **env):
    stdin = config if isinstance(config, (str, bytes)) else json.dumps(config)
    stdin = stdin.encode() if isinstance(stdin, str) else stdin
    env = {
        "PATH": os.environ["PATH"],
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": "c1",
        "CNI_NETNS": "/n",
        "CNI_IFNAME": "eth0",
        "CNI_PATH": "/opt",
        **env,
    }
    done = subprocess.run([program], input=stdin, env=env, capture_output=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr.decode()


class Seen(plugin.Plugin):
    """Keeps what it is asked."""

    supported_versions = ("0.4.0", "1.0.0", "1.1.0")

    def __init__(self):
        self.requests = []

    def add(self, request):
        self.requests.append(request)
        return {"ips": [{"address": "10.1.0.5/24"}]}

    delete = check = status = gc = lambda self, request: self.requests.append(request)


def network(*plugins, version="1.1.0"):
    return {"cniVersion": version, "name": "net", "plugins": list(plugins)}


def test_a_plugin_in_the_process_gets_what_its_program_would_get(scene, rt):
    seen, events = Seen(), []
    cni = scene.cni(plugins={"seen": seen}, on_event=events.append, env={"A": "b"})
    net = network({"type": "seen", "key": 2**70})
    rt = {"container_id": "c1", "netns": "/run/netns/c1", "args": [["IgnoreUnknown", "1"], ["IP", "10.1.0.9/24"]]}
    result = cni.add_network_list(net, rt, timeout=60)
    assert (str(result.ips[0].address), result.cni_version) == ("10.1.0.5/24", "1.1.0")
    cni.check_network_list(net, rt)
    cni.get_status_network_list(net)
    cni.gc_network_list(net, [("c1", "eth0")])
    cni.del_network_list(net, rt)
    assert [request.command for request in seen.requests] == ["ADD", "CHECK", "STATUS", "GC", "DEL"]
    add, check, _, gc, delete = seen.requests
    assert (add.container_id, add.netns, add.ifname) == ("c1", "/run/netns/c1", "eth0")
    assert (add.network_name, add.cni_version, add.config["key"]) == ("net", "1.1.0", 2**70)
    assert json.loads(add.stdin) == json.loads(add.config_text) == add.config
    assert (add.environment["A"], add.environment["CNI_COMMAND"]) == ("b", "ADD")
    assert add.plugin_dirs == [str(scene.bin)]
    assert add.known_args("IP") == {"IP": "10.1.0.9/24"}
    assert 0 < add.context.remaining <= 60
    assert (add.prev_result(), check.prev_result().to_dict()) == (None, result.to_dict())
    assert delete.prev_result().ips == result.ips
    assert gc.valid_attachments() == [("c1", "eth0")]
    assert [event.path for event in events][:2] == ["in-process:seen"] * 2
    assert cni.get_version_info("seen").supported_versions == ("0.4.0", "1.0.0", "1.1.0")
    with pytest.raises(libcni.PluginError, match="incompatible CNI versions"):
        cni.add_network_list(network({"type": "seen"}, version="0.3.1"), rt)


class Fails(plugin.Plugin):
    def __init__(self, error):
        self.error = error

    def add(self, request):
        request.log("on the way")
        raise self.error

    delete = add


@pytest.mark.parametrize(
    ("error", "code", "msg", "details"),
    [
        (plugin.Error(111, "no", "at all"), 111, "no", "at all"),
        (ValueError("wrong"), 999, "wrong", "ValueError"),
        (KeyError(), 999, "KeyError", "KeyError"),
    ],
)
def test_what_a_plugin_raises_is_the_error_object(scene, rt, error, code, msg, details):
    with pytest.raises(libcni.PluginError) as raised:
        scene.cni(plugins={"fails": Fails(error)}).add_network_list(network({"type": "fails"}), rt)
    assert (raised.value.code, raised.value.msg, raised.value.details) == (code, msg, details)
    assert raised.value.stderr.startswith("on the way")
    assert ("Traceback" in raised.value.stderr) == (code == 999)


def test_what_ends_the_program_ends_the_call(scene, rt):
    with pytest.raises(KeyboardInterrupt):
        scene.cni(plugins={"fails": Fails(KeyboardInterrupt())}).add_network_list(network({"type": "fails"}), rt)


@pytest.mark.parametrize("answer", ["nonsense", '{"ips": [{"address": "x"}]}', '{"cniVersion": "9.9.9"}'])
def test_a_result_that_is_none_is_an_error(scene, rt, answer):
    class Wrong(plugin.Plugin):
        def add(self, request):
            return answer

    with pytest.raises(libcni.PluginError) as raised:
        scene.cni(plugins={"wrong": Wrong()}).add_network_list(network({"type": "wrong"}), rt)
    assert raised.value.code == 999


def test_only_plugins_are_plugins():
    with pytest.raises(TypeError, match=r"is no libcni\.plugin\.Plugin"):
        libcni.CNI(plugins={"x": object()})


def test_delegation_reaches_plugins_in_the_process_first_and_programs_second(scene, rt):
    seen = Seen()
    cni = scene.cni(plugins={"meta": example("meta", "Meta"), "seen": seen})
    net = network({"type": "meta", "delegate": {"type": "seen", "own": 1}})
    assert str(cni.add_network_list(net, rt).ips[0].address) == "10.1.0.5/24"
    cni.del_network_list(net, rt)
    assert [request.command for request in seen.requests] == ["ADD", "DEL"]
    assert (seen.requests[0].config["own"], seen.requests[0].network_name) == (1, "net")
    program = scene.plugin("program", ADD={"stdout": {"code": 117, "msg": "busy"}, "exit": 1})
    with pytest.raises(libcni.PluginError) as raised:
        cni.add_network_list(network({"type": "meta", "delegate": program}), rt)
    assert (raised.value.code, raised.value.msg) == (117, "busy")
    # The DEL after a failed delegated ADD.
    assert scene.order() == ["ADD program", "DEL program"]


def test_a_program_speaks_the_protocol(tmp_path):
    install(tmp_path, "fixed_ip", "fixed-ip")
    program = tmp_path / "fixed-ip"
    config = {"cniVersion": "0.4.0", "name": "net", "type": "bridge", "ipam": {"addresses": ADDRESSES}}
    code, result, _ = run(program, "ADD", config)
    assert (code, result["cniVersion"], result["ips"][0]["version"]) == (0, "0.4.0", "4")
    assert run(program, "ADD", config, CNI_ARGS="IP=10.1.0.7/24")[1]["ips"][0]["address"] == "10.1.0.7/24"
    assert run(program, "DEL", config)[:2] == (0, None)
    assert run(program, "ADD", config | {"ipam": {}})[:2] == (
        1,
        {"code": 7, "msg": "no address: neither in ipam.addresses nor as IP in CNI_ARGS"},
    )
    assert run(program, "VERSION", "")[1]["supportedVersions"][-1] == "1.1.0"
    assert run(program, "ADD", config, CNI_IFNAME="")[:2] == (
        1,
        {"code": 4, "msg": "required env variables [CNI_IFNAME] missing"},
    )
    assert run(program, "ADD", b"\xff{")[0] == 1
    about = run(program, "", "")
    assert about[0] == 0
    assert "fixed-ip IPAM plugin" in about[2]


@pytest.mark.parametrize("inside", [True, False])
def test_one_source_is_a_program_and_lives_in_the_process(tmp_path, scene, rt, inside):
    plugins = {"fixed-ip": example("fixed_ip", "FixedIp")} if inside else {}
    if not inside:
        install(scene.bin, "fixed_ip", "fixed-ip")
    cni = scene.cni(plugins=plugins)
    net = network({"type": "fixed-ip", "ipam": {"addresses": ADDRESSES}})
    result = cni.add_network_list(net, rt)
    cni.del_network_list(net, rt)
    assert result.to_dict() == {"cniVersion": "1.1.0", "ips": ADDRESSES}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The Go original's command."""
    go = shutil.which(os.environ.get("GO", "go"))
    if go is None:
        pytest.skip("needs Go")
    program = tmp_path_factory.mktemp("original") / "cnitool"
    env = os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
    package = "github.com/containernetworking/cni/cnitool"
    build = [go, "build", "-buildvcs=false", "-o", program, package]
    built = subprocess.run(build, cwd=ROOT / "tests/oracle", env=env, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        pytest.skip(f"the original cannot be built: {built.stderr}")
    return program


def test_the_original_runs_all_three_with_a_real_bridge(tmp_path, original, real_plugins, namespaces):
    bin = tmp_path / "bin"
    bin.mkdir()
    for name, type in [("fixed_ip", "fixed-ip"), ("link_mtu", "link-mtu"), ("meta", "meta")]:
        install(bin, name, type)
    bridge = {"type": "bridge", "bridge": "py0", "ipam": {"type": "fixed-ip", "addresses": ADDRESSES}}
    net = network({"type": "meta", "delegate": bridge}, {"type": "link-mtu", "mtu": 1400}, version="1.0.0")
    (tmp_path / "net.conflist").write_text(json.dumps(net))
    script = f"""
        set -e
        mount -t tmpfs none /run && mkdir -p /run/netns && mount -t tmpfs none /var/lib
        ip netns add c1
        export CNI_PATH={bin}:{real_plugins} NETCONFPATH={tmp_path}
        {original} add net /run/netns/c1 > {tmp_path}/result
        {original} check net /run/netns/c1
        ip -n c1 -o addr show dev eth0; ip -n c1 -o link show dev eth0
        {original} del net /run/netns/c1
        ! ip -n c1 link show dev eth0
    """
    done = subprocess.run([*namespaces, "bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "10.1.0.5/24" in done.stdout
    assert "mtu 1400" in done.stdout
    assert json.loads((tmp_path / "result").read_text())["ips"][0]["address"] == "10.1.0.5/24"
