"""The networks of a container: loading, set-up, removal, results and errors, with plugins that keep a log."""

import asyncio
import json
import os
import pickle
import signal
import threading

import libcni
import pytest
from conftest import Running
from libcni import plugin


def in_result(ip, interface):
    return {
        "cniVersion": "1.1.0",
        "interfaces": [
            {"name": "veth0", "mac": "00:00:00:00:00:01"},
            {
                "name": "eth0",
                "mac": "00:00:00:00:00:02",
                "mtu": 1400,
                "sandbox": "/run/netns/x",
                "pciID": "0000:01",
                "socketPath": "/run/socket",
            },
        ],
        "ips": [{"address": ip, "gateway": "10.0.0.1", "interface": interface}],
        "routes": [{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}],
        "dns": {"nameservers": ["10.0.0.1"]},
    }


def test_networks_are_set_up_in_file_order_and_removed_in_reverse(node):
    node.write("20-b.conflist", "b")
    node.write("10-a.conflist", "a")
    networks = node.networks()
    assert [(network.name, network.ifname) for network in networks.config.networks] == [("a", "eth0"), ("b", "eth1")]
    result = networks.setup(node.container)
    assert [(of.network, of.ifname) for of in result.results] == [("a", "eth0"), ("b", "eth1")]
    networks.check(node.container)
    networks.status()
    networks.remove({"container_id": "c1"})
    asked = ["ADD a eth0", "ADD b eth1", "CHECK a eth0", "CHECK b eth1", "STATUS a ", "STATUS b ", "DEL b eth1"]
    assert node.asked() == [*asked, "DEL a eth0"]
    networks.remove(libcni.Container("c1"))
    metrics = networks.metrics()
    totals = {name: counts.total for name, counts in metrics.items()}
    assert totals == {
        "set_up_pod": 1,
        "tear_down_pod": 2,
        "check_pod": 1,
        "get_pod_network_status": 1,
        "add": 2,
        "del": 4,
        "check": 2,
        "status": 2,
    }


def test_what_is_loaded_has_types_and_the_exact_text(node):
    text = '{"cniVersion": "1.1.0", "name": "exact",  "plugins": [{"type": "fake", "ratio": 1.50}]}'
    (node.conf_dir / "1.conflist").write_text(text)
    (node.conf_dir / "2.conflist").write_text('{"cniVersion": "1.1.0", "na')
    (node.conf_dir / "3.conf").write_text('{"cniVersion": "1.0.0", "name": "exact", "type": "fake"}')
    config = node.networks(interface_prefix="net", loopback=True).config
    assert (config.conf_dir, config.interface_prefix, config.generation) == (str(node.conf_dir), "net", 1)
    assert config.plugin_dirs == (str(node.scene.bin),)
    loopback, network = config.networks
    assert (loopback.name, loopback.ifname, loopback.path, loopback.is_loopback) == ("cni-loopback", "lo", None, True)
    assert (network.name, network.ifname, network.is_loopback) == ("exact", "net0", False)
    assert network.path == str(node.conf_dir / "1.conflist")
    assert network.conf_list.to_json() == text
    assert [plugin.type for plugin in network.plugins] == ["fake"]
    (broken, why), (second, also) = config.errors
    assert (broken, second) == (str(node.conf_dir / "2.conflist"), str(node.conf_dir / "3.conf"))
    assert isinstance(why, libcni.InvalidConfigError)
    assert isinstance(also, libcni.InvalidConfigError)
    assert "already that of" in str(also)
    assert "1.conflist" in str(also)


@pytest.mark.parametrize("make", [True, False], ids=["an empty directory", "no directory"])
def test_a_node_without_networks_is_not_ready(node, make):
    dir = node.scene.dir / "none"
    if make:
        dir.mkdir()
    networks = node.networks(conf_dir=dir)
    assert (networks.config.networks, networks.config.errors) == ((), ())
    for call in (networks.status, lambda: networks.setup(node.container), lambda: networks.check(node.container)):
        with pytest.raises(libcni.NetworkNotFoundError, match=f"0 of at least 1 are loaded .*{dir}"):
            call()
    networks.remove(node.container)
    ready = node.networks(conf_dir=dir, min_networks=0)
    ready.status()
    assert ready.setup(node.container).interfaces == {}


def test_results_are_added_up(node):
    node.write("1.conflist", "a", ADD={"stdout": in_result("10.0.0.5/24", 1)})
    exact = '{"cniVersion": "1.0.0", "ips": [{"address": "10.1.0.5/24"}], "own": 1.50}'
    node.write("2.conflist", "b", ADD={"stdout": exact})
    result = node.networks().setup(node.container)
    assert list(result.interfaces) == ["veth0", "eth0", "eth1"]
    eth0 = result.interfaces["eth0"]
    assert (eth0.name, eth0.network, eth0.mac, eth0.mtu) == ("eth0", "a", "00:00:00:00:00:02", 1400)
    assert (eth0.sandbox, eth0.pci_id, eth0.socket_path) == ("/run/netns/x", "0000:01", "/run/socket")
    assert [(str(ip.address), str(ip.gateway)) for ip in eth0.ips] == [("10.0.0.5/24", "10.0.0.1")]
    assert (result.interfaces["veth0"].sandbox, result.interfaces["veth0"].ips) == ("", ())
    # An address that names no interface belongs to the network's own.
    eth1 = result.interfaces["eth1"]
    assert (eth1.network, [str(ip.address) for ip in eth1.ips]) == ("b", ["10.1.0.5/24"])
    assert [dns.nameservers for dns in result.dns] == [("10.0.0.1",), ()]
    assert [(str(route.dst), str(route.gw)) for route in result.routes] == [("0.0.0.0/0", "10.0.0.1")]
    assert isinstance(result.results[1].result, libcni.Result)
    assert "1.50" in result.results[1].result.to_json()
    assert result.to_dict()["interfaces"]["eth1"]["network"] == "b"
    copy = pickle.loads(pickle.dumps(result))
    assert (copy, copy.results) == (result, result.results)
    assert repr(result).startswith("SetupResult(interfaces={'veth0': [], 'eth0': ['10.0.0.5/24']")


def test_an_address_of_an_interface_that_is_not_there_is_an_invalid_result(node):
    node.write("1.conflist", "a", ADD={"stdout": in_result("10.0.0.5/24", 2)})
    with pytest.raises(libcni.InvalidResultError, match=r"10\.0\.0\.5/24 is of interface 2, and there are 2") as failed:
        node.networks().setup(node.container)
    assert [cause.attachment for cause in failed.value.causes] == [libcni.AttachmentKey("c1", "a", "eth0")]
    assert node.asked() == ["ADD a eth0", "DEL a eth0"]


@pytest.mark.parametrize("parallel", [False, True])
def test_a_failure_is_undone_and_every_error_is_told(node, parallel):
    node.write("1.conflist", "good")
    node.write("2.conflist", "bad", ADD={"stdout": {"code": 111, "msg": "full"}, "exit": 1}, DEL={"exit": 1})
    node.write("3.conflist", "worse", ADD={"exit": 2})
    with pytest.raises(libcni.PluginError) as failed:
        node.networks(parallel=parallel).setup(node.container)
    error = failed.value
    assert error.code == 111
    failures = [(cause.attachment.network_name, cause.command) for cause in error.causes]
    if parallel:
        assert failures == [("bad", "ADD"), ("worse", "ADD"), ("bad", "DEL")]
        assert node.asked()[3:] == ["DEL worse eth2", "DEL bad eth1", "DEL good eth0"]
    else:
        assert failures == [("bad", "ADD"), ("bad", "DEL")]
        assert node.asked() == ["ADD good eth0", "ADD bad eth1", "DEL bad eth1", "DEL good eth0"]
    assert all(str(cause) in str(error) for cause in error.causes)


def test_undoing_can_be_left_out(node):
    node.write("1.conflist", "good")
    node.write("2.conflist", "bad", ADD={"exit": 1})
    with pytest.raises(libcni.PluginError):
        node.networks(undo=False).setup(node.container)
    assert node.asked() == ["ADD good eth0", "ADD bad eth1"]
    # What was attached before a call is not its to take back.
    with pytest.raises(libcni.PluginError):
        node.networks().setup(node.container)
    assert node.asked()[2:] == ["ADD good eth0", "ADD bad eth1", "DEL bad eth1"]


def test_removal_goes_on_after_failures(node):
    for at, name in enumerate(["a", "b", "c"]):
        node.write(f"{at}.conflist", name, DEL={"exit": int(name != "b")})
    networks = node.networks()
    networks.setup(node.container)
    with pytest.raises(libcni.PluginError) as failed:
        networks.remove(node.container)
    assert [cause.attachment.network_name for cause in failed.value.causes] == ["c", "a"]
    assert [attachment.network_name for attachment in node.cni.get_cached_attachments()] == ["a", "c"]


def test_a_network_that_is_gone_is_removed_all_the_same(node):
    node.write("1.conflist", "a")
    networks = node.networks()
    networks.setup(node.container)
    (node.conf_dir / "1.conflist").unlink()
    assert networks.load().networks == ()
    networks.remove(node.container)
    assert node.asked() == ["ADD a eth0", "DEL a eth0"]


def test_what_is_wrong_with_a_container_shows_before_a_plugin_runs(node):
    node.write("1.conflist", "a")
    networks = node.networks()
    with pytest.raises(libcni.InvalidArgumentError, match="/nowhere does not exist") as failed:
        networks.setup(libcni.Container("c1", "/nowhere"))
    assert failed.value.code == 8
    with pytest.raises(libcni.InvalidArgumentError, match="netns is empty"):
        networks.setup(libcni.Container("c1"))
    with pytest.raises(libcni.InvalidArgumentError, match="container"):
        networks.setup(libcni.Container("../c1", node.netns))
    with pytest.raises(libcni.InvalidArgumentError, match="unknown field `containerID`"):
        networks.setup({"containerID": "c1"})
    with pytest.raises(libcni.NetworkNotFoundError, match=r'the name "b" is loaded \(loaded: a\)'):
        networks.setup(libcni.Container("c1", node.netns, networks=["b"]))
    two = [{"name": "a", "ifname": "x"}, libcni.ContainerNetwork("a", "x")]
    with pytest.raises(libcni.InvalidArgumentError, match="would both have the interface"):
        networks.setup(libcni.Container("c1", node.netns, networks=two))
    with pytest.raises(TypeError, match="networks is one name"):
        libcni.Container("c1", networks="a")
    with pytest.raises(TypeError, match="container is str"):
        networks.remove("c1")
    assert node.asked() == []
    node.networks(check_netns=False).setup(libcni.Container("c1", "vm:1"))
    assert node.asked() == ["ADD a eth0"]


def test_what_is_wrong_with_the_options_is_named(node):
    with pytest.raises(libcni.InvalidArgumentError, match="invalid interfacePrefix much-too-long-a-prefix"):
        node.networks(interface_prefix="much-too-long-a-prefix")
    with pytest.raises(libcni.InvalidArgumentError, match="unknown variant `none`"):
        node.networks(loopback_plugin="none")
    for undo_timeout in (-1, float("nan")):
        with pytest.raises(ValueError, match="undo_timeout is"):
            node.networks(undo_timeout=undo_timeout)
    with pytest.raises(TypeError, match="sources is str"):
        node.networks(sources="/etc/cni/net.d")
    with pytest.raises(libcni.InvalidArgumentError, match="a source is one of `dir`"):
        node.networks(sources=[{}])
    with pytest.raises(libcni.InvalidArgumentError, match="unknown field `file`"):
        node.networks(sources=[{"file": "/a"}])
    with pytest.raises(libcni.CNIOSError, match="absent"):
        node.networks(sources=[libcni.NetworkSource(conf_list_file=node.conf_dir / "absent")])
    with pytest.raises(ValueError, match="debounce is -1"):
        node.networks().watch(debounce=-1)


def test_an_interface_name_that_gets_too_long_is_named(node):
    for at in range(11):
        node.write(f"{at:02}.conflist", f"n{at}")
    networks = node.networks(interface_prefix="abcdefghijklmn")
    with pytest.raises(libcni.InvalidArgumentError, match='network "n10": interface "abcdefghijklmn10"'):
        networks.setup(node.container)
    assert node.asked() == []


def test_an_endless_undo_timeout_is_none(node):
    node.write("1.conflist", "bad", ADD={"exit": 1})
    with pytest.raises(libcni.PluginError):
        node.networks(undo_timeout=float("inf")).setup(node.container)
    assert node.asked() == ["ADD bad eth0", "DEL bad eth0"]


def test_networks_come_from_sources_of_every_kind(node):
    node.write("1.conflist", "file")
    other = node.scene.dir / "other"
    other.mkdir()
    (other / "1.conf").write_text('{"cniVersion": "1.1.0", "name": "conf", "type": "fake"}')
    fake = {"type": "fake"}
    text = '{"cniVersion": "1.1.0", "name": "text", "plugins": [{"type": "fake", "ratio": 1.50}]}'
    sources = [
        libcni.NetworkSource(conf_list_file=node.conf_dir / "1.conflist"),
        libcni.NetworkSource(dir=other, load="all"),
        {"conf_file": str(other / "1.conf"), "index": 7},
        libcni.NetworkSource(
            conf=libcni.plugin_conf_from_bytes('{"cniVersion": "1.1.0", "name": "p", "type": "fake"}')
        ),
        libcni.NetworkSource(conf_list={"cniVersion": "1.1.0", "name": "dict", "plugins": [fake]}),
        {"conf_list": text.encode()},
        {"confList": libcni.network_conf_from_bytes(text)},
    ]
    networks = node.networks(sources=sources)
    loaded = networks.config.networks
    assert [(network.name, network.ifname) for network in loaded] == [
        ("file", "eth0"),
        ("conf", "eth1"),
        ("conf", "eth7"),
        ("p", "eth3"),
        ("dict", "eth4"),
        ("text", "eth5"),
        ("text", "eth6"),
    ]
    assert [network.path is None for network in loaded] == [False] * 3 + [True] * 4
    assert loaded[5].conf_list.to_json() == loaded[6].conf_list.to_json() == text
    (node.conf_dir / "1.conflist").write_text("{")
    with pytest.raises(libcni.InvalidConfigError, match=r"1\.conflist"):
        networks.load()
    assert networks.config.networks == loaded
    assert [network.name for network in networks.load([libcni.NetworkSource(dir=other)]).networks] == ["conf"]


def test_networks_are_chosen_with_arguments_of_their_own(node):
    node.write("1.conflist", "a", capabilities={"mac": True})
    node.write("2.conflist", "b", capabilities={"mac": True})
    container = libcni.Container(
        "c1",
        node.netns,
        args={"K": "all", "L": "all"},
        capability_args={"mac": "00:00:00:00:00:01"},
        networks=[
            libcni.ContainerNetwork("b", "net7", args={"K": "own"}, capability_args={"mac": "00:00:00:00:00:02"}),
            "a",
        ],
    )
    node.networks().setup(container)
    calls = node.scene.calls()
    assert node.asked() == ["ADD b net7", "ADD a eth0"]
    assert [call.env["CNI_ARGS"] for call in calls] == ["L=all;K=own", "K=all;L=all"]
    macs = [call.config["runtimeConfig"]["mac"] for call in calls]
    assert macs == ["00:00:00:00:00:02", "00:00:00:00:00:01"]


class Meet(plugin.Plugin):
    """All of its ADDs wait for each other."""

    def __init__(self, count):
        self.barrier, self.threads, self.deleted = threading.Barrier(count), set(), []

    def add(self, request):
        self.barrier.wait(60)
        self.threads.add(threading.get_ident())
        return {"ips": [{"address": "10.1.0.5/24"}]}

    def delete(self, request):
        self.deleted.append(request.ifname)


def write_in_process(node, names, type="inside"):
    for name in names:
        conflist = {"cniVersion": "1.1.0", "name": name, "plugins": [{"type": type}]}
        (node.conf_dir / f"{name}.conflist").write_text(json.dumps(conflist))


def test_parallel_networks_run_at_the_same_time_also_in_the_process(node):
    write_in_process(node, "abc")
    meet = Meet(3)
    networks = node.networks(plugins={"inside": meet})
    before = threading.active_count()
    result = networks.setup(libcni.Container("c1", node.netns, parallel=True))
    assert [of.network for of in result.results] == ["a", "b", "c"]
    assert len(meet.threads) == 3
    assert threading.get_ident() not in meet.threads
    assert threading.active_count() == before
    networks.remove(node.container)
    assert meet.deleted == ["eth2", "eth1", "eth0"]


@pytest.mark.parametrize("parallel", [False, True])
def test_what_ends_the_program_ends_the_call_on_whatever_thread_it_is_raised(node, parallel):
    class Ends(Meet):
        def add(self, request):
            raise KeyboardInterrupt(request.network_name)

    write_in_process(node, "a")
    ends = Ends(1)
    networks = node.networks(plugins={"inside": ends}, parallel=parallel)
    with pytest.raises(KeyboardInterrupt, match="a") as raised:
        networks.setup(node.container)
    assert isinstance(raised.value.__context__, libcni.CNIError)
    assert ends.deleted == ["eth0"]


@pytest.mark.parametrize("parallel", [False, True])
def test_what_callbacks_raise_is_the_cause_on_whatever_thread(node, parallel):
    cause = RuntimeError("out of order")

    class Broken:
        def exec_plugin(self, request):
            if request.command == "ADD":
                raise cause

    node.write("1.conflist", "a")
    with pytest.raises(libcni.CallbackError, match="out of order") as failed:
        node.networks(exec=Broken(), parallel=parallel).setup(node.container)
    assert failed.value.__cause__ is cause


def test_callbacks_see_the_cancellation_of_a_child_context_on_whatever_thread(node):
    context = libcni.Context().child()
    seen = []

    class Cancels(Meet):
        def add(self, request):
            context.cancel()
            seen.append(request.context.is_cancelled)
            return super().add(request)

    write_in_process(node, "a")
    networks = node.networks(plugins={"inside": Cancels(1)}, parallel=True)
    # The network is attached before anybody looks.
    networks.setup(node.container, context=context)
    assert seen == [True]
    with pytest.raises(libcni.CancelledError):
        networks.setup(node.container, context=context)
    assert seen == [True]


def test_events_are_told_of_every_network(node):
    node.write("1.conflist", "a")
    events = []
    node.networks(on_event=events.append, parallel=True).setup(node.container)
    assert [(event.event, event.command, event.ifname) for event in events] == [
        ("begin", "ADD", "eth0"),
        ("end", "ADD", "eth0"),
    ]


class Hanging:
    """Two networks, of which the second one hangs in ADD. Does something when it does and the first one is attached."""

    def __init__(self, node, then=lambda: None):
        hangs = node.scene.hanging()["plugins"][0]["fake"]["ADD"]
        node.write("1.conflist", "a")
        node.write("2.conflist", "hangs", ADD=hangs)
        attached = threading.Event()
        self.on_event = lambda event: attached.set() if (event.event, event.ifname) == ("end", "eth0") else None
        self.is_gone = Running(node.scene.fifo, lambda: (attached.wait(60), then())).is_gone


@pytest.mark.parametrize("parallel", [False, True])
def test_ctrl_c_ends_the_plugin_and_undoes_the_set_up(node, parallel):
    hanging = Hanging(node, lambda: os.kill(os.getpid(), signal.SIGINT))
    networks = node.networks(parallel=parallel, on_event=hanging.on_event)
    with pytest.raises(KeyboardInterrupt) as raised:
        networks.setup(node.container)
    assert hanging.is_gone()
    assert isinstance(raised.value.__context__, libcni.CancelledError)
    assert node.asked()[2:] == ["DEL hangs eth1", "DEL a eth0"]
    assert node.cni.get_cached_attachments() == []


@pytest.mark.parametrize("parallel", [False, True])
def test_a_context_is_cancelled_from_another_thread(node, parallel):
    context = libcni.Context()
    hanging = Hanging(node, context.cancel)
    with pytest.raises(libcni.CancelledError):
        node.networks(parallel=parallel, on_event=hanging.on_event).setup(node.container, context=context)
    assert hanging.is_gone()
    assert node.asked()[2:] == ["DEL hangs eth1", "DEL a eth0"]


@pytest.mark.parametrize("parallel", [False, True])
def test_a_deadline_is_a_timeout_and_undone(node, parallel):
    hanging = Hanging(node)
    with pytest.raises(libcni.CNITimeoutError) as failed:
        node.networks(parallel=parallel, on_event=hanging.on_event).setup(node.container, timeout=1)
    assert hanging.is_gone()
    assert failed.value.causes[-1].timed_out
    assert node.asked()[2:] == ["DEL hangs eth1", "DEL a eth0"]
    node.write("2.conflist", "hangs", STATUS={"hang": True}, CHECK={"hang": True})
    networks = node.networks()
    networks.setup(node.container)
    for call in (networks.status, lambda **bounds: networks.check(node.container, **bounds)):
        with pytest.raises(libcni.CNITimeoutError):
            call(timeout=0.2)


def test_status_tells_of_every_network_that_is_not_ready(node):
    node.write("1.conflist", "a", STATUS={"stdout": {"code": 50, "msg": "starting"}, "exit": 1})
    node.write("2.conflist", "b")
    node.write("3.conflist", "c", STATUS={"stdout": {"code": 51, "msg": "limited"}, "exit": 1})
    with pytest.raises(libcni.PluginError, match='network "a" is not ready') as failed:
        node.networks().status()
    assert failed.value.code == 50
    assert [cause.code for cause in failed.value.causes] == [50, 51]


def test_counters_are_read_as_objects_and_as_text(node):
    node.write("1.conflist", "a", DEL={"exit": 1})
    networks = node.networks()
    assert networks.metrics()["add"] == libcni.OperationMetrics(0, 0, 0.0, networks.metrics()["add"].buckets)
    networks.setup(node.container)
    with pytest.raises(libcni.PluginError):
        networks.remove(node.container)
    metrics = networks.metrics()
    assert (metrics["add"].total, metrics["add"].errors) == (1, 0)
    assert (metrics["del"].total, metrics["del"].errors) == (1, 1)
    assert 0 < metrics["add"].duration_seconds <= metrics["set_up_pod"].duration_seconds
    assert list(metrics["add"].buckets) == [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
    assert sorted(metrics["add"].buckets.values()) == list(metrics["add"].buckets.values())
    lines = networks.prometheus().splitlines()
    assert "# TYPE network_plugin_operations_duration_seconds histogram" in lines
    assert 'network_plugin_operations_total{operation_type="set_up_pod"} 1' in lines
    assert 'network_plugin_operations_errors_total{operation_type="del"} 1' in lines


def test_coroutines_do_the_same(node):
    node.write("1.conflist", "a")

    async def scenario():
        networks = node.aio()
        result = await networks.setup(node.container)
        await networks.check(node.container)
        await networks.status()
        node.write("2.conflist", "b")
        assert [network.name for network in (await networks.load()).networks] == ["a", "b"]
        await networks.remove(libcni.Container("c1"))
        return list(result.interfaces), networks.metrics()["set_up_pod"].total, networks.prometheus()

    interfaces, total, text = asyncio.run(scenario())
    assert (interfaces, total) == (["eth0"], 1)
    assert "network_plugin_operations_total" in text
    assert node.asked() == ["ADD a eth0", "CHECK a eth0", "STATUS a ", "DEL b eth1", "DEL a eth0"]


@pytest.mark.parametrize("parallel", [False, True])
def test_cancelling_a_task_undoes_the_set_up_before_the_task_goes_on(node, parallel):

    async def scenario():
        loop = asyncio.get_running_loop()
        cancel = threading.Event()
        hanging = Hanging(node, cancel.set)
        task = asyncio.ensure_future(node.aio(parallel=parallel, on_event=hanging.on_event).setup(node.container))
        await loop.run_in_executor(None, cancel.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert hanging.is_gone()

    asyncio.run(scenario())
    assert node.asked()[2:] == ["DEL hangs eth1", "DEL a eth0"]
    assert node.cni.get_cached_attachments() == []
