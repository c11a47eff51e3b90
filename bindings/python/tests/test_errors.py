"""Exceptions: one class for each status, with everything that is known."""

import inspect
import pickle

import libcni
import pytest
from libcni import errors


def test_every_exception_is_a_cni_error():
    public = [getattr(libcni, name) for name in libcni.__all__]
    exceptions = [value for value in public if inspect.isclass(value) and issubclass(value, BaseException)]
    assert len(exceptions) == 16
    assert all(issubclass(exception, libcni.CNIError) for exception in exceptions)
    assert {exception.status for exception in exceptions} == set(errors._CLASSES)


@pytest.mark.parametrize(
    ("exception", "other"),
    [
        (libcni.InvalidConfigError, ValueError),
        (libcni.InvalidArgumentError, ValueError),
        (libcni.CNITimeoutError, TimeoutError),
        (libcni.CNIOSError, OSError),
        (libcni.PluginNotFoundError, LookupError),
    ],
)
def test_exceptions_are_also_those_that_python_has_for_the_case(exception, other):
    assert issubclass(exception, other)


def test_a_plugin_error_has_all_that_the_plugin_said(scene, rt):
    answer = {"code": 111, "msg": "no address", "details": "pool is empty"}
    bad = scene.plugin("bad", ADD={"stdout": answer, "stderr": "noise\n", "exit": 3})
    with pytest.raises(libcni.PluginError) as failed:
        scene.cni().add_network_list(scene.network(scene.plugin("first"), bad), rt)
    error = failed.value
    assert str(error) == 'plugin type="bad" failed (add): no address; pool is empty'
    assert (error.status, error.code, error.msg, error.details) == ("PLUGIN", 111, "no address", "pool is empty")
    assert (error.plugin, error.index, error.command, error.exit_code) == ("bad", 1, "ADD", 3)
    assert (error.stderr, error.path) == ("noise\n", str(scene.bin / "bad"))
    assert error.attachment == libcni.AttachmentKey("c1", "net", "eth0")
    assert error.to_dict()["exitCode"] == 3


def test_exceptions_can_be_pickled(scene, rt):
    with pytest.raises(libcni.PluginError) as failed:
        scene.cni().add_network_list(scene.network(scene.plugin("bad", ADD={"exit": 1})), rt)
    copy = pickle.loads(pickle.dumps(failed.value))
    assert type(copy) is libcni.PluginError
    assert (str(copy), copy.to_dict()) == (str(failed.value), failed.value.to_dict())


def test_a_deadline_is_a_timeout(scene, rt):
    with pytest.raises(TimeoutError) as failed:
        scene.cni().add_network_list(scene.network(scene.plugin("slow", ADD={"hang": True})), rt, timeout=0.2)
    assert isinstance(failed.value, libcni.CNITimeoutError)
    assert failed.value.timed_out
    for timeout in (-1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            scene.cni().add_network_list(scene.network(), rt, timeout=timeout)
        with pytest.raises(ValueError, match="timeout"):
            scene.cni(timeout=timeout)
    scene.cni(timeout=float("inf")).add_network_list(scene.network(), rt, timeout=float("inf"))


def test_what_is_missing_is_told_apart(scene, rt):
    with pytest.raises(libcni.PluginNotFoundError, match='failed to find plugin "absent"'):
        scene.cni().add_network_list({"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "absent"}]}, rt)
    with pytest.raises(libcni.NotAddedError):
        scene.cni().check_network_list(scene.network(), rt)
    with pytest.raises(libcni.CheckNotSupportedError):
        scene.cni().check_network_list(scene.network(version="0.3.1"), rt)
    with pytest.raises(libcni.NetworkNotFoundError):
        libcni.load_network_conf(scene.dir, "absent")
    with pytest.raises(libcni.CNIOSError, match="absent"):
        libcni.network_conf_from_file(scene.dir / "absent.conflist")
    with pytest.raises(libcni.InvalidResultError):
        scene.cni().add_network_list(scene.network(scene.plugin("mad", ADD={"stdout": "nonsense"})), rt)


def test_a_plugin_that_is_too_old_is_named(scene):
    old = scene.bin / "old"
    old.write_text('#!/bin/sh\necho \'{"cniVersion": "0.4.0", "supportedVersions": ["0.3.1", "0.4.0"]}\'\n')
    old.chmod(0o755)
    network = {"cniVersion": "1.0.0", "name": "net", "plugins": [{"type": "old"}, {"type": "absent"}]}
    with pytest.raises(libcni.IncompatibleVersionError, match="plugin old does not support") as failed:
        scene.cni().validate_network_list(network)
    assert [type(cause) for cause in failed.value.causes] == [
        libcni.IncompatibleVersionError,
        libcni.PluginNotFoundError,
    ]


def test_a_result_that_could_not_be_remembered_is_in_the_error(scene, rt):
    scene.cache.write_text("not a directory")
    with pytest.raises(libcni.CacheError) as failed:
        scene.cni(preflight=False, locking=False).add_network_list(scene.network(), rt)
    assert failed.value.result.interfaces[0].name == "eth0"


def test_what_python_cannot_count_does_not_hide_the_error(scene, rt):
    """Python makes no integer of more than 4300 digits."""
    scene.cache.write_text("not a directory")
    many = f'{{"cniVersion": "1.1.0", "own": {"1" * 5000}, "far": 1E400}}'
    network = scene.network(scene.plugin("first", ADD={"stdout": many}))
    with pytest.raises(libcni.CacheError) as failed:
        scene.cni(preflight=False, locking=False).add_network_list(network, rt)
    assert "1" * 5000 in failed.value.result.to_json()
    assert "1E400" in pickle.loads(pickle.dumps(failed.value)).result.to_json()


def test_an_exception_that_is_raised_by_hand_is_whole():
    error = libcni.InvalidArgumentError("wrong")
    assert error.to_dict() == {"status": "INVALID_ARGUMENT", "message": "wrong"}
    assert str(pickle.loads(pickle.dumps(error))) == "wrong"


def test_a_failed_rollback_is_among_the_causes(scene, rt):
    bad = scene.plugin("bad", ADD={"stdout": {"code": 7, "msg": "no"}, "exit": 1}, DEL={"exit": 1})
    with pytest.raises(libcni.PluginError) as failed:
        scene.cni(rollback=True).add_network_list(scene.network(bad), rt)
    assert failed.value.code == 7
    assert [cause.command for cause in failed.value.causes] == ["DEL"]
