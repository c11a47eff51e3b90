"""Python objects that find and run plugins, and callables that watch."""

import json
import subprocess
import sys

import libcni
import pytest


class Recorder:
    """Runs nothing; answers what it was made with."""

    def __init__(self, *answers):
        self.answers, self.found, self.run = list(answers), [], []

    def find_in_path(self, request):
        self.found.append(request)
        return f"/recorded/{request.plugin}"

    def exec_plugin(self, request):
        self.run.append(request)
        return self.answers.pop(0)


NETWORK = {"cniVersion": "1.1.0", "name": "net", "plugins": [{"type": "any", "key": 2**70}]}
RESULT = {"cniVersion": "1.1.0", "ips": [{"address": "10.1.0.5/16"}]}


def completed(stdout=b"", stderr=b"", returncode=0):
    return subprocess.CompletedProcess([], returncode, stdout, stderr)


def test_an_object_finds_and_runs_plugins(scene, rt):
    recorder = Recorder(RESULT, None)
    cni = scene.cni(exec=recorder, env={"A": "b"})
    assert cni.add_network_list(NETWORK, rt, timeout=60).to_dict() == RESULT
    cni.del_network_list(NETWORK, rt)
    assert [request.plugin for request in recorder.found] == ["any", "any"]
    add, delete = recorder.run
    assert (add.command, add.plugin, add.path, add.dirs) == ("ADD", "any", "/recorded/any", (str(scene.bin),))
    assert add.config()["key"] == json.loads(add.stdin)["key"] == 2**70
    assert (add.env["A"], add.env["CNI_CONTAINERID"]) == ("b", "c1")
    assert 0 < add.context.remaining <= 60
    assert (delete.command, delete.context.remaining) == ("DEL", None)
    assert delete.config()["prevResult"] == RESULT


@pytest.mark.parametrize(
    "answer", [RESULT, json.dumps(RESULT), json.dumps(RESULT).encode(), completed(json.dumps(RESULT))]
)
def test_the_answer_of_a_run_has_many_forms(scene, rt, answer):
    assert scene.cni(exec=Recorder(answer)).add_network_list(NETWORK, rt).to_dict() == RESULT


def test_a_completed_process_can_be_a_failure(scene, rt):
    failed = completed('{"code": 100, "msg": "no"}', b"noise", 4)
    with pytest.raises(libcni.PluginError) as error:
        scene.cni(exec=Recorder(failed)).add_network_list(NETWORK, rt)
    assert (error.value.code, error.value.exit_code, error.value.stderr) == (100, 4, "noise")
    with pytest.raises(libcni.PluginError) as error:
        scene.cni(exec=Recorder(completed(returncode=-9))).add_network_list(NETWORK, rt)
    assert error.value.signal == 9


def test_not_implemented_means_the_default(scene, rt):
    class Watch:
        def __init__(self):
            self.seen = []

        def find_in_path(self, request):
            self.seen.append(request.plugin)
            return NotImplemented

        def exec_plugin(self, request):
            self.seen.append(request.path)
            return NotImplemented

    watch = Watch()
    scene.cni(exec=watch).add_network_list(scene.network(), rt)
    assert scene.order() == ["ADD first"]
    assert watch.seen == ["first", str(scene.bin / "first")]


def test_one_of_the_two_methods_is_enough(scene, rt):
    class OnlyRuns:
        def exec_plugin(self, request):
            return subprocess.run([request.path], input=request.stdin, env=request.env, capture_output=True)

    result = scene.cni(exec=OnlyRuns()).add_network_list(scene.network(), rt)
    assert result.interfaces[0].name == "eth0"
    with pytest.raises(TypeError, match="neither exec_plugin nor find_in_path"):
        libcni.CNI(exec=object())


@pytest.mark.parametrize("method", ["find_in_path", "exec_plugin"])
def test_what_it_raises_is_the_cause(scene, rt, method):
    cause = RuntimeError("out of order")

    class Broken(Recorder):
        pass

    def broken(self, request):
        raise cause

    setattr(Broken, method, broken)
    with pytest.raises(libcni.CallbackError, match=f"{method} failed: RuntimeError: out of order") as error:
        scene.cni(exec=Broken()).add_network_list(NETWORK, rt)
    assert error.value.__cause__ is cause
    assert cause.__traceback__ is not None


def test_an_answer_that_makes_no_sense_is_the_callers_error(scene, rt):
    with pytest.raises(libcni.CallbackError) as error:
        scene.cni(exec=Recorder(7)).add_network_list(NETWORK, rt)
    assert isinstance(error.value.__cause__, AttributeError)


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_what_is_to_end_the_program_is_raised_itself(scene, rt, end):
    class Ends(Recorder):
        def exec_plugin(self, request):
            raise end

    with pytest.raises(end) as raised:
        scene.cni(exec=Ends()).add_network_list(NETWORK, rt)
    assert isinstance(raised.value.__context__, libcni.CallbackError)


def test_it_may_make_calls_of_its_own_on_the_same_attachment(scene, rt):
    class Nested:
        def exec_plugin(self, request):
            inner = scene.cni(timeout=30)
            return inner.add_network_list(scene.network(), rt, context=request.context).to_dict()

        def find_in_path(self, request):
            return "/nested"

    result = scene.cni(exec=Nested()).add_network_list(NETWORK, rt)
    assert result.interfaces[0].name == "eth0"


def test_events_tell_of_every_run(scene, rt):
    events = []
    cni = scene.cni(on_event=events.append)
    bad = scene.plugin("bad", ADD={"stderr": "noise", "exit": 3})
    with pytest.raises(libcni.PluginError):
        cni.add_network_list(scene.network(scene.plugin("first"), bad), rt)
    assert [(event.event, event.command, event.plugin, event.index) for event in events] == [
        ("begin", "ADD", "first", 0),
        ("end", "ADD", "first", 0),
        ("begin", "ADD", "bad", 1),
        ("end", "ADD", "bad", 1),
    ]
    assert (events[0].container_id, events[0].ifname, events[0].path) == ("c1", "eth0", str(scene.bin / "first"))
    assert [event.succeeded for event in events] == [False, True, False, False]
    assert (events[3].exit_code, events[3].stderr) == (3, "noise")
    assert events[3].pid > 0
    assert events[3].duration_ms > 0


def test_a_corrupt_cache_file_is_told_as_an_event(scene, rt):
    events = []
    cni = scene.cni(on_event=events.append)
    cni.add_network_list(scene.network(), rt)
    (scene.cache / "results/net-c1-eth0").write_text("{")
    cni.del_network_list(scene.network(), rt)
    problems = [event for event in events if event.event == "cacheProblem"]
    assert problems
    assert problems[0].path.endswith("net-c1-eth0")
    assert problems[0].message


def test_an_observer_that_raises_does_not_end_the_call(scene, rt, monkeypatch):
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)

    def broken(event):
        raise RuntimeError(event.event)

    scene.cni(on_event=broken).add_network_list(scene.network(), rt)
    assert [str(report.exc_value) for report in reported] == ["begin", "end"]


def test_an_observer_can_interrupt(scene, rt):
    def interrupts(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scene.cni(on_event=interrupts).add_network_list(scene.network(), rt)


def test_nothing_of_a_runtime_stays_behind(scene, rt):
    """The objects that a runtime was made with go when it goes."""
    import gc
    import weakref

    recorder = Recorder(RESULT)
    gone = weakref.ref(recorder)
    scene.cni(exec=recorder).add_network_list(NETWORK, rt)
    del recorder
    gc.collect()
    assert gone() is None
