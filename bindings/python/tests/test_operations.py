"""The operations: what plugins get, what comes back, what is remembered."""

import ipaddress
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import libcni
import pytest


def test_an_attachment_is_made_remembered_checked_and_undone(scene, rt):
    cni, network = scene.cni(), scene.network(scene.plugin("first"), scene.plugin("second"))
    result = cni.add_network_list(network, rt)
    assert result.interfaces == (libcni.Interface(name="eth0", sandbox="/run/netns/c1"),)
    assert cni.get_network_list_cached_result(network, rt) == result
    cni.check_network_list(network, rt)
    cni.del_network_list(network, rt)
    assert cni.get_network_list_cached_result(network, rt) is None
    assert scene.order() == ["ADD first", "ADD second", "CHECK first", "CHECK second", "DEL second", "DEL first"]
    assert scene.calls()[1].config["prevResult"] == result.to_dict()


def test_a_network_is_given_in_any_form(scene, rt, tmp_path):
    cni, network = scene.cni(), scene.network()
    text = json.dumps(network)
    file = tmp_path / "net.conflist"
    file.write_text(text)
    plain = tmp_path / "plain"
    plain.write_text(text)
    read = libcni.network_conf_from_file(file)
    for form in (network, text, text.encode(), bytearray(text.encode()), file, str(file), str(plain), read):
        cni.add_network_list(form, rt)
    assert {call.stdin for call in scene.calls()} == {scene.calls()[0].stdin}
    with pytest.raises(TypeError, match="network is int"):
        cni.add_network_list(7, rt)
    for wrong in ("[]", "nonsense", "{"):
        with pytest.raises(libcni.InvalidConfigError):
            cni.add_network_list(wrong, rt)


class Text(str):
    """What a caller may have in place of a string."""

    __slots__ = ()

    def __str__(self):
        return "wrong"


ODD = 'é"\\\t\x7f '


@pytest.mark.parametrize("netns", ["/run/netns/c1", Path("/run/netns/c1"), Text("/run/netns/c1"), ODD])
@pytest.mark.parametrize("more", [{}, {"args": [("K", "v")]}, {"capability_args": {"a": 1}}])
def test_a_runtime_configuration_says_the_same_however_little_there_is_in_it(scene, netns, more):
    cni = scene.cni(on_event=(events := []).append)
    plugin = scene.plugin("first", ADD={"stdout": {"cniVersion": "1.1.0"}})
    cni.add_network_list(scene.network(plugin), libcni.RuntimeConf("c-1", netns, 'net"0', **more))
    (call,) = scene.calls()
    assert (call.env["CNI_CONTAINERID"], call.env["CNI_NETNS"]) == ("c-1", os.fspath(netns))
    assert (events[0].container_id, events[0].ifname) == ("c-1", 'net"0')


def test_what_is_no_text_in_a_runtime_configuration_is_refused(scene):
    for conf in (libcni.RuntimeConf(7, "/x"), libcni.RuntimeConf("c1", "/x", None), libcni.RuntimeConf("\ud800", "/x")):
        with pytest.raises((libcni.InvalidArgumentError, UnicodeEncodeError)):
            scene.cni().add_network_list(scene.network(), conf)


def test_text_reaches_the_plugin_and_the_cache_exactly(scene, rt):
    plugin = json.dumps(scene.plugin("first"))[:-1]
    exact = '"big":123456789012345678901234567890,"float":1.50,"far":1E400,"text":"<\\u00e9&>"'
    text = f'{{"cniVersion":"1.1.0","name":"net","plugins":[{plugin}, {exact}}}]}}'
    cni = scene.cni()
    cni.add_network_list(text, rt)
    assert exact in scene.calls()[0].stdin
    (request,) = cni.render_network_list("ADD", text, rt)
    assert exact in request.stdin.decode()
    assert exact in request.to_json()
    assert cni.get_cached_attachments()[0].config == text.encode()


def test_integers_of_any_size_and_unknown_keys_survive_in_python_objects(scene, rt):
    odd = {"big": 2**200, "nested": [{"x": None, "é": True}]}
    answer = {"cniVersion": "1.1.0", "ips": [{"address": "10.1.0.5/16", "own": 2**100}], "more": odd}
    result = scene.cni().add_network_list(scene.network(scene.plugin("first", ADD={"stdout": answer}, **odd)), rt)
    assert scene.calls()[0].config["fake"]["big"] == 2**200
    assert result.to_dict() == answer
    assert json.loads(result.to_json()) == answer
    assert libcni.Result(result.to_dict()) == result
    assert scene.cni().get_network_list_cached_result(scene.network(), rt).to_dict() == answer


def test_python_objects_of_a_configuration_may_be_addresses_and_paths(scene, rt, tmp_path):
    subnet = ipaddress.ip_network("10.1.0.0/16")
    plugin = scene.plugin("first") | {"subnet": subnet, "dir": tmp_path, "gateway": subnet[1]}
    scene.cni().add_network_list(scene.network(plugin), rt)
    config = scene.calls()[0].config
    assert (config["subnet"], config["dir"], config["gateway"]) == ("10.1.0.0/16", str(tmp_path), "10.1.0.1")
    with pytest.raises(TypeError, match="set cannot be written as JSON"):
        scene.cni().add_network_list(scene.network({"type": "first", "bad": {1}}), rt)


def test_the_runtime_configuration_is_given_in_any_form(scene):
    cni = scene.cni()
    network = scene.network(scene.plugin("first") | {"capabilities": {"mac": True}})
    for rt in (
        libcni.RuntimeConf("c1", "/ns", "net1", {"K": "V"}, {"mac": "00:11:22:33:44:55"}),
        libcni.RuntimeConf("c1", "/ns", "net1", [("K", "V")], {"mac": "00:11:22:33:44:55"}),
        {
            "container_id": "c1",
            "netns": "/ns",
            "ifname": "net1",
            "args": {"K": "V"},
            "capability_args": {"mac": "00:11:22:33:44:55"},
        },
        {
            "containerId": "c1",
            "netns": "/ns",
            "ifName": "net1",
            "cniArgs": [["K", "V"]],
            "capabilityArgs": {"mac": "00:11:22:33:44:55"},
        },
    ):
        cni.add_network_list(network, rt)
        call = scene.calls()[-1]
        names = ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS")
        assert [call.env[name] for name in names] == ["c1", "/ns", "net1", "K=V"]
        assert call.config["runtimeConfig"] == {"mac": "00:11:22:33:44:55"}
    assert libcni.RuntimeConf("c1", "/ns").ifname == "eth0"
    cni.add_network_list(network, {"container_id": "c2", "netns": "/ns"})
    assert scene.calls()[-1].env["CNI_IFNAME"] == "eth0"
    with pytest.raises(libcni.InvalidArgumentError, match="unknown field `containerID`"):
        cni.add_network_list(network, {"containerID": "c1"})
    with pytest.raises(TypeError):
        cni.add_network_list(network, "c1")


def test_one_plugin_on_its_own(scene, rt):
    cni = scene.cni()
    conf = scene.plugin("first") | {"cniVersion": "1.0.0", "name": "alone"}
    result = cni.add_network(conf, rt)
    cni.check_network(json.dumps(conf), rt)
    assert cni.get_network_cached_result({"name": "alone", "cniVersion": "1.0.0"}, rt) == result
    assert json.loads(cni.get_network_cached_config({"name": "alone"}, rt).config) == conf
    assert cni.validate_network(conf) == []
    cni.del_network(conf, rt)
    assert scene.order() == ["ADD first", "CHECK first", "DEL first"]


def test_attachments_come_back_as_they_were_made(scene):
    cni = scene.cni()
    network = scene.network(scene.plugin("first") | {"capabilities": {"ports": True}})
    rt = libcni.RuntimeConf("c1", "/ns", "net1", {"K": "V"}, {"ports": [2**70]})
    cni.add_network_list(network, rt)
    cni.add_network_list(network, {"container_id": "c2", "netns": "/ns"})
    attachment, other = cni.get_cached_attachments()
    assert attachment.key == libcni.AttachmentKey("c1", "net", "net1")
    assert (attachment.netns, attachment.args, attachment.capability_args) == ("/ns", (("K", "V"),), {"ports": [2**70]})
    assert attachment.network.to_dict() == network
    assert attachment.runtime_conf == rt
    assert libcni.Attachment.from_dict(attachment.to_dict()) == attachment
    assert cni.get_cached_attachments("c2") == cni.get_cached_attachments(ifname="eth0") == [other]
    assert cni.get_cached_attachments(network_name="other") == []
    cached = cni.get_network_list_cached_config(network, libcni.RuntimeConf("c1", "/elsewhere", "net1"))
    assert cached.config == attachment.config
    assert cached.runtime_conf == libcni.RuntimeConf("c1", "/elsewhere", "net1", {"K": "V"}, {"ports": [2**70]})


def test_cached_attachments_are_deleted_with_what_was_remembered(scene, rt):
    cni = scene.cni()
    for id in ("c1", "c2", "c3"):
        cni.add_network_list(scene.network(), {"container_id": id, "netns": "/ns"})
    assert cni.del_cached_attachments("c1") == [libcni.AttachmentKey("c1", "net", "eth0")]
    with pytest.raises(TypeError, match="everything=True"):
        cni.del_cached_attachments()
    deleted = cni.del_cached_attachments(everything=True)
    assert [key.container_id for key in deleted] == ["c2", "c3"]
    assert cni.get_cached_attachments() == []


def test_one_failure_does_not_keep_the_others_from_being_deleted(scene):
    cni = scene.cni()
    bad = scene.network(scene.plugin("bad", DEL={"stdout": {"code": 11, "msg": "busy"}, "exit": 1}))
    for id, network in (("c1", bad), ("c2", scene.network())):
        cni.add_network_list(network, {"container_id": id, "netns": "/ns"})
    with pytest.raises(libcni.PluginError) as failed:
        cni.del_cached_attachments(everything=True)
    assert [(cause.code, cause.attachment.container_id) for cause in failed.value.causes] == [(11, "c1")]
    assert [attachment.container_id for attachment in cni.get_cached_attachments()] == ["c1"]


def test_gc_deletes_what_is_not_valid(scene):
    cni, network = scene.cni(), scene.network()
    for id in ("c1", "c2", "c3", "c4", "c5"):
        cni.add_network_list(network, {"container_id": id, "netns": "/ns"})
    first, second = cni.get_cached_attachments()[:2]
    valid = [first, second.key, ("c3", "eth0"), {"container_id": "c4", "ifname": "eth0"}]
    cni.gc_network_list(network, valid)
    assert [attachment.container_id for attachment in cni.get_cached_attachments()] == ["c1", "c2", "c3", "c4"]
    told = scene.calls()[-1].config["cni.dev/valid-attachments"]
    assert told == [{"containerID": f"c{n}", "ifname": "eth0"} for n in (1, 2, 3, 4)]
    with pytest.raises(TypeError):
        cni.gc_network_list(network)
    cni.gc_network_list(network, None)
    assert cni.get_cached_attachments() == []
    assert "cni.dev/valid-attachments" not in scene.calls()[-1].config


def test_status_validate_version_and_render(scene, rt):
    cni = scene.cni()
    network = scene.network(scene.plugin("first") | {"capabilities": {"b": True, "a": True, "off": False}})
    cni.get_status_network_list(network)
    assert cni.validate_network_list(network) == ["a", "b"]
    assert cni.get_version_info("first").supported_versions[-1] == "1.1.0"
    before = scene.order()
    (request,) = cni.render_network_list("ADD", network, rt)
    assert (request.plugin, request.path, request.needs_prev_result) == ("first", str(scene.bin / "first"), False)
    assert request.env["CNI_CONTAINERID"] == "c1"
    assert request.config()["name"] == "net"
    assert scene.order() == before == ["STATUS first"]


def test_without_a_cache_nothing_is_written_and_results_are_passed(scene, rt):
    cni = scene.cni(cache_dir=None)
    network = scene.network()
    result = cni.add_network_list(network, rt)
    assert cni.get_cached_attachments() == []
    later = libcni.RuntimeConf("c1", "/run/netns/c1", prev_result=result)
    cni.check_network_list(network, later)
    cni.del_network_list(network, {"container_id": "c1", "netns": "", "prev_result": result.to_dict()})
    assert [call.config.get("prevResult") for call in scene.calls()] == [None, result.to_dict(), result.to_dict()]
    assert not scene.cache.exists()


def test_the_default_cache_directory_is_the_one_of_the_runtime_configuration(scene, tmp_path):
    cni = libcni.CNI([scene.bin], durable=False)
    rt = libcni.RuntimeConf("c1", "/ns", cache_dir=tmp_path / "own")
    cni.add_network_list(scene.network(), rt)
    assert (tmp_path / "own/results/net-c1-eth0").is_file()


def test_what_plugins_get_of_the_environment(scene, rt, monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.setenv("WANTED", "2")

    def names(**options):
        context = options.pop("context", None)
        scene.cni(**options).add_network_list(scene.network(), rt, context=context)
        return {name for name in scene.calls()[-1].env if not name.startswith(("CNI_", "LIBCNI_"))}

    assert {"SECRET", "WANTED"} <= names()
    assert names(env="clean") == {"PATH"}
    assert names(env=["WANTED"]) == {"WANTED"}
    assert names(env={"A": "b"}) == {"A"}
    assert names(context=libcni.Context(env="clean")) == {"PATH"}
    with pytest.raises(libcni.InvalidArgumentError, match="env"):
        scene.cni(env="some")


#: Changes the environment in one thread, so that the C library moves it about, while another makes calls.
CHANGING = """
import os, sys, threading, libcni

def change():
    round = 0
    while not done.is_set():
        names = [f"VARIABLE_{round}_{number}" for number in range(400)]
        for name in names:
            os.environ[name] = "value"
        for name in names:
            del os.environ[name]
        round += 1

done = threading.Event()
cni = libcni.CNI([sys.argv[1]], cache_dir=None)
network = libcni.network_conf_from_bytes(sys.argv[2])
changing = threading.Thread(target=change)
changing.start()
for number in range(200):
    cni.add_network_list(network, libcni.RuntimeConf(f"c{number}", "/ns"))
done.set()
changing.join()
"""


def test_another_thread_may_change_the_environment(scene):
    command = [sys.executable, "-c", CHANGING, str(scene.bin), json.dumps(scene.network())]
    assert subprocess.run(command, timeout=120, check=False).returncode == 0


def test_trace_ids_reach_the_plugin(scene, rt):
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    context = libcni.Context(traceparent=parent, tracestate="a=1", baggage="k=v")
    scene.cni().add_network_list(scene.network(), rt, context=context)
    env = scene.calls()[0].env
    assert (env["TRACEPARENT"], env["TRACESTATE"], env["BAGGAGE"]) == (parent, "a=1", "k=v")
    with pytest.raises(libcni.InvalidArgumentError, match="invalid traceparent"):
        libcni.Context(traceparent="00")


def test_plugin_dirs_are_several(scene):
    with pytest.raises(TypeError, match="plugin_dirs is one path"):
        libcni.CNI("/usr/lib/cni")


def test_configurations_can_be_pickled(scene):
    network = libcni.network_conf_from_bytes(json.dumps(scene.network()))
    assert pickle.loads(pickle.dumps(network)) == network
    assert pickle.loads(pickle.dumps(network.plugins[0])) == network.plugins[0]
    assert len({network, libcni.network_conf_from_bytes(bytes(network))}) == 1
