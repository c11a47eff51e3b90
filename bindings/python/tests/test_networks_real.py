"""The networks of a container, with the reference plugins, each test in private namespaces."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import libcni
import pytest
from conftest import ROOT

#: The tests by their names, as they run inside.
INSIDE = {}


def in_namespaces(test):
    """Run a test in a process of its own that is root of private user, mount and network namespaces."""
    INSIDE[test.__name__] = test

    def outside(namespaces, real_plugins, tmp_path, arguments):
        command = [*namespaces, sys.executable, __file__, test.__name__, tmp_path, real_plugins, json.dumps(arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    outside.__name__ = test.__name__
    outside.__doc__ = test.__doc__
    return outside


@pytest.fixture
def arguments(request):
    """What a parametrized test gets inside."""
    return getattr(request, "param", [])


def parametrize(*values):
    return pytest.mark.parametrize("arguments", [[value] for value in values], indirect=True, ids=map(str, values))


class Host:
    """A private host: its files in memory, its network namespaces in /run/netns."""

    def __init__(self, dir: Path, plugins: Path) -> None:
        self.dir, self.plugins = dir, plugins
        for place in ("/run", "/etc"):
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
        self.ip("link", "set", "lo", "up")
        self.conf_dir = Path("/etc/cni/net.d")
        self.conf_dir.mkdir(parents=True)
        self.leases, self.cache = dir / "leases", dir / "cache"
        self.container = self.new_container("c1")
        self.events: list[libcni.Event] = []

    def ip(self, *arguments: str) -> str:
        command = ["ip", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def new_container(self, name: str) -> libcni.Container:
        self.ip("netns", "add", name)
        return libcni.Container(name, f"/run/netns/{name}")

    def bridge(self, name: str, subnet: str, *plugins: dict[str, object]) -> None:
        """A bridge network of that name in a file."""
        ipam = {"type": "host-local", "ranges": [[{"subnet": subnet}]], "dataDir": str(self.leases)}
        bridge = {"type": "bridge", "bridge": f"br-{name}", "isGateway": True, "ipam": ipam}
        conflist = {"cniVersion": "1.0.0", "name": name, "plugins": [bridge, *plugins]}
        (self.conf_dir / f"{name}.conflist").write_text(json.dumps(conflist))

    def cni(self, plugin_dirs: list[Path] | None = None) -> libcni.CNI:
        on_event = self.events.append
        return libcni.CNI(plugin_dirs or [self.plugins], self.cache, durable=False, on_event=on_event)

    def networks(self, cni: libcni.CNI | None = None, **options: object) -> libcni.Networks:
        return libcni.Networks(cni or self.cni(), sources=[libcni.NetworkSource(load="all")], **options)

    def without_loopback(self) -> Path:
        """A plugin directory as it is on hosts that lack the program."""
        bin = self.dir / "bin"
        bin.mkdir()
        for type in ("bridge", "host-local", "tuning"):
            (bin / type).symlink_to(self.plugins / type)
        return bin

    def addresses(self, container: str) -> dict[str, list[str]]:
        """The addresses of the interfaces that are up in a container."""
        return {
            link["ifname"]: [f"{ip['local']}/{ip['prefixlen']}" for ip in link["addr_info"] if ip["family"] == "inet"]
            for link in json.loads(self.ip("-n", container, "-j", "addr", "show"))
            if "UP" in link["flags"]
        }

    def left_behind(self) -> list[str]:
        """What there is of attachments: interfaces, leases, cache files."""
        return [link["ifname"] for link in json.loads(self.ip("-j", "link", "show", "type", "veth"))] + self.files()

    def files(self) -> list[str]:
        """The leases and cache files of attachments."""
        leases = [path.name for path in self.leases.glob("*/*") if path.name[0].isdigit()]
        cached = [path.name for path in (self.cache / "results").glob("*")]
        return leases + cached


@parametrize("serial program", "serial builtin", "parallel auto", "parallel auto-without-program")
@in_namespaces
def test_a_container_is_attached_checked_and_removed(host, how):
    order, loopback = how.split()
    host.bridge("blue", "10.89.1.0/24", {"type": "tuning", "mtu": 1400})
    host.bridge("red", "10.89.2.0/24")
    cni = host.cni([host.without_loopback()] if "without" in loopback else None)
    networks = host.networks(cni, parallel=order == "parallel", loopback_plugin=loopback.split("-")[0])
    networks.status()
    result = networks.setup(host.container, timeout=60)
    assert [(of.network, of.ifname) for of in result.results] == [
        ("cni-loopback", "lo"),
        ("blue", "eth0"),
        ("red", "eth1"),
    ]
    program = {"program", "auto"} & {loopback}
    path = str(host.plugins / "loopback") if program else "in-process:loopback"
    assert {event.path for event in host.events if (event.command, event.plugin) == ("ADD", "loopback")} == {path}
    told = {name: [str(ip.address) for ip in of.ips] for name, of in result.interfaces.items() if of.sandbox}
    assert told["lo"][0] == "127.0.0.1/8"
    assert (told["eth0"], told["eth1"]) == (["10.89.1.2/24"], ["10.89.2.2/24"])
    assert host.addresses("c1") == {"lo": ["127.0.0.1/8"], "eth0": told["eth0"], "eth1": told["eth1"]}
    eth0 = result.interfaces["eth0"]
    assert (str(eth0.ips[0].gateway), eth0.sandbox, eth0.network) == ("10.89.1.1", "/run/netns/c1", "blue")
    assert len(eth0.mac.split(":")) == 6
    networks.check(host.container)
    host.ip("-n", "c1", "link", "del", "eth1")
    with pytest.raises(libcni.PluginError) as missing:
        networks.check(host.container)
    assert [cause.attachment.ifname for cause in missing.value.causes] == ["eth1"]
    networks.remove(host.container)
    assert host.left_behind() == []
    assert host.addresses("c1") == {}


@in_namespaces
def test_a_container_whose_namespace_is_gone_is_removed(host):
    host.bridge("blue", "10.89.1.0/24")
    networks = host.networks()
    networks.setup(host.container)
    assert len(host.left_behind()) == 4
    host.ip("netns", "del", "c1")
    networks.remove(libcni.Container("c1"))
    # Its interfaces are the kernel's, which takes them away in its own time.
    assert host.files() == []


@parametrize(False, True)
@in_namespaces
def test_a_failed_set_up_leaves_nothing_behind(host, parallel):
    host.bridge("blue", "10.89.1.0/24")
    # One address, which is the gateway's.
    host.bridge("full", "10.89.2.0/30")
    networks = host.networks(parallel=parallel)
    other = host.new_container("other")
    networks.setup(other)
    before = sorted(host.left_behind())
    with pytest.raises(libcni.PluginError, match="no IP addresses available") as failed:
        networks.setup(host.container)
    assert [cause.attachment.network_name for cause in failed.value.causes] == ["full"]
    assert sorted(host.left_behind()) == before
    assert host.addresses("c1") == {}
    networks.remove(other)
    assert host.left_behind() == []


@in_namespaces
def test_the_documentation_shows_what_works(host):
    host.bridge("blue", "10.89.1.0/24")
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/NETWORKS.md").read_text(), re.DOTALL)
    assert len(blocks) == 1
    names = {"cni": host.cni()}
    exec(compile(blocks[0], "NETWORKS.md", "exec"), names)
    assert str(names["result"].interfaces["eth0"].ips[0].address) == "10.89.1.2/24"
    assert host.left_behind() == []


if __name__ == "__main__":
    _, name, dir, plugins, given = sys.argv
    os.environ["PYTHONWARNINGS"] = "error"
    INSIDE[name](Host(Path(dir), Path(plugins)), *json.loads(given))
