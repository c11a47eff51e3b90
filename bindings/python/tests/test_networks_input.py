"""What can be wrong with a node and its containers: each has its exception and its message, and nothing is attached."""

import os
import threading

import libcni
import pytest
from libcni import plugin
from test_networks import write_in_process


class Attaches(plugin.Plugin):
    """A plugin in the process without anything to say."""

    def add(self, request):
        return {"cniVersion": "1.1.0"}

    def check(self, request):
        pass

    def delete(self, request):
        pass


def nothing_is_attached(node):
    return node.asked() == [] and node.scene.cni().get_cached_attachments() == []


@pytest.mark.parametrize("missing", [False, True], ids=["an empty directory", "no directory"])
def test_a_directory_without_networks_says_what_is_missing(node, missing):
    why = "which does not exist" if missing else r"which has no \.conflist, \.conf or \.json file"
    networks = node.networks(conf_dir=node.conf_dir / "missing" if missing else node.conf_dir)
    for call in (networks.status, lambda: networks.setup(node.container), lambda: networks.check(node.container)):
        with pytest.raises(libcni.NetworkNotFoundError, match=why):
            call()
    assert nothing_is_attached(node)


def test_a_second_file_with_one_network_is_left_out(node):
    node.write("1.conflist", "a")
    node.write("2.conflist", "a")
    networks = node.networks()
    ((path, error),) = networks.config.errors
    first, second = (str(node.conf_dir / name) for name in ("1.conflist", "2.conflist"))
    assert (path, error.status) == (second, "INVALID_CONFIG")
    assert str(error) == f'{second} is left out: the network "a" is already that of {first}'
    networks.setup(node.container)
    assert node.asked() == ["ADD a eth0"]


def test_a_thousand_networks(node):
    write_in_process(node, [f"n{at:03}" for at in range(1000)])
    inside = {"inside": Attaches()}
    too_long = node.networks(plugins=inside, interface_prefix="thirteen-byte", parallel=True)
    with pytest.raises(
        libcni.InvalidArgumentError, match=r'network "n100": interface "thirteen-byte100".*less than 16'
    ):
        too_long.setup(node.container)
    with pytest.raises(libcni.InvalidArgumentError, match='network "n100" is not ready: interface "thirteen-byte100"'):
        too_long.status()
    assert nothing_is_attached(node)
    networks = node.networks(plugins=inside, parallel=True)
    result = networks.setup(node.container)
    assert [(of.network, of.ifname) for of in result.results] == [(f"n{at:03}", f"eth{at}") for at in range(1000)]
    with pytest.raises(libcni.NetworkNotFoundError, match=r"n000, n001, .*, and 980 more\)"):
        networks.setup(libcni.Container("c2", node.netns, networks=["other"]))
    networks.remove(node.container)
    assert nothing_is_attached(node)


def test_files_vanish_while_they_are_read(node):
    node.write("1.conflist", "a")
    node.write("9.conflist", "z")
    node.write("elsewhere", "m")
    here, there = node.conf_dir / "5.conflist", node.conf_dir / "elsewhere"
    networks = node.networks()
    stop = threading.Event()

    def come_and_go():
        while not stop.is_set():
            os.rename(there, here)
            os.rename(here, there)

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(300):
            config = networks.load()
            assert config.errors == ()
            assert [network.name for network in config.networks] in (["a", "z"], ["a", "m", "z"])
    finally:
        stop.set()
        thread.join()
    with pytest.raises(libcni.CNIOSError, match=f"error reading {here}"):
        networks.load([libcni.NetworkSource(conf_list_file=here)])
    assert nothing_is_attached(node)


def test_a_network_namespace_that_is_not_there(node):
    node.write("1.conflist", "a")
    networks = node.networks()
    with pytest.raises(libcni.InvalidArgumentError, match="the network namespace /run/netns/gone does not exist"):
        networks.setup(libcni.Container("c1", "/run/netns/gone"))
    with pytest.raises(libcni.InvalidArgumentError, match="netns is empty"):
        networks.setup(libcni.Container("c1"))
    assert nothing_is_attached(node)


def test_another_thing_than_a_runtime(node):
    with pytest.raises(TypeError, match=r"cni is builtins\.str: expected a libcni\.CNI$"):
        libcni.Networks("/etc/cni/net.d")
    with pytest.raises(TypeError, match=r"cni is libcni\.aio\.operations\.CNI: expected a libcni\.CNI$"):
        libcni.Networks(node.scene.aio())
    with pytest.raises(TypeError, match=r"cni is libcni\.operations\.CNI: expected a libcni\.aio\.CNI$"):
        libcni.aio.Networks(node.scene.cni())
