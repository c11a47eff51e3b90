"""Ctrl-C, cancellation and threads."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import libcni
import pytest
from conftest import Running


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_ends_the_plugin_and_is_raised_then(scene, rt):
    running = Running(scene.fifo, interrupt) if scene.hanging() else None
    with pytest.raises(KeyboardInterrupt) as interrupted:
        scene.cni().add_network_list(scene.hanging(), rt)
    assert running.is_gone()
    assert isinstance(interrupted.value.__context__, libcni.CancelledError)
    # The lock is free, and the next call is not cancelled.
    scene.cni().del_network_list(scene.hanging(), rt)


def test_ctrl_c_ends_the_whole_process_group(scene, rt):
    """A shell plugin whose child has the FIFO open."""
    scene.hanging()
    plugin = scene.bin / "shell"
    plugin.write_text(f"#!/bin/sh\nsleep 1000 > {scene.fifo} &\nwait\n")
    plugin.chmod(0o755)
    running = Running(scene.fifo, interrupt)
    with pytest.raises(KeyboardInterrupt):
        scene.cni().add_network_list({"cniVersion": "1.0.0", "name": "net", "plugins": [{"type": "shell"}]}, rt)
    assert running.is_gone()


def test_a_signal_handler_that_raises_ends_the_call_with_that(scene, rt):
    class AlarmError(Exception):
        pass

    def raise_alarm(number, frame):
        raise AlarmError

    before = signal.signal(signal.SIGUSR1, raise_alarm)
    try:
        running = Running(scene.fifo, lambda: os.kill(os.getpid(), signal.SIGUSR1)) if scene.hanging() else None
        with pytest.raises(AlarmError):
            scene.cni().add_network_list(scene.hanging(), rt)
        assert running.is_gone()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_signal_handler_that_returns_leaves_the_call_alone(scene, rt):
    """The handler runs while the plugin does: it is what lets the plugin go on."""
    scene.hanging()
    waits = scene.bin / "waits"
    waits.write_text(f'#!/bin/sh\necho > {scene.fifo}\nread line < {scene.fifo}\necho \'{{"cniVersion": "1.0.0"}}\'\n')
    waits.chmod(0o755)
    handled = []

    def go_on(number, frame):
        handled.append(number)
        scene.fifo.write_text("go on\n")

    def when_it_runs():
        with scene.fifo.open() as fifo:
            fifo.readline()
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, go_on)
    try:
        threading.Thread(target=when_it_runs, daemon=True).start()
        scene.cni().add_network_list({"cniVersion": "1.0.0", "name": "net", "plugins": [{"type": "waits"}]}, rt)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert handled == [signal.SIGUSR1]


def test_ctrl_c_of_a_terminal_ends_a_script(scene, rt):
    """A script without any handling of its own, in a process group that gets SIGINT as from a terminal."""
    script = (
        "import libcni, sys\n"
        "cni = libcni.CNI([sys.argv[1]], cache_dir=None)\n"
        "cni.add_network_list(sys.argv[2], {'container_id': 'c1', 'netns': '/ns'})\n"
    )
    network = libcni._json.encode(scene.hanging())
    process = subprocess.Popen(
        [sys.executable, "-c", script, scene.bin, network], stderr=subprocess.PIPE, start_new_session=True
    )
    running = Running(scene.fifo, lambda: os.killpg(process.pid, signal.SIGINT))
    _, stderr = process.communicate()
    assert running.is_gone()
    assert process.returncode == -signal.SIGINT
    assert stderr.rstrip().endswith(b"KeyboardInterrupt")


def test_a_context_is_cancelled_from_another_thread(scene, rt):
    context = libcni.Context()
    running = Running(scene.fifo, context.cancel) if scene.hanging() else None
    with pytest.raises(libcni.CancelledError):
        scene.cni().add_network_list(scene.hanging(), rt, context=context)
    assert running.is_gone()
    assert context.is_cancelled
    with pytest.raises(libcni.CancelledError):
        scene.cni().del_network_list(scene.hanging(), rt, context=context)


def test_a_child_context_is_cancelled_alone_or_with_its_parent(scene, rt):
    parent = libcni.Context(timeout=1000)
    child, other = parent.child(), parent.child()
    running = Running(scene.fifo, child.cancel) if scene.hanging() else None
    with pytest.raises(libcni.CancelledError):
        scene.cni().add_network_list(scene.hanging(), rt, context=child)
    assert running.is_gone()
    assert (child.is_cancelled, parent.is_cancelled, other.is_cancelled) == (True, False, False)
    with pytest.raises(libcni.CancelledError):
        scene.cni().del_network_list(scene.hanging(), rt, context=child)
    assert 0 < other.remaining <= 1000
    parent.cancel()
    assert other.is_cancelled


def test_threads_share_a_runtime_and_run_while_a_plugin_does(scene, rt):
    """Each of the calls waits for the others: they end only when all of them run at once."""
    cni = scene.cni()
    threads = 8
    barrier = threading.Barrier(threads)

    class Meet:
        def exec_plugin(self, request):
            barrier.wait()
            return NotImplemented

    met = scene.cni(exec=Meet())
    network = scene.network()
    with ThreadPoolExecutor(threads) as pool:
        rts = [libcni.RuntimeConf(f"c{n}", "/ns") for n in range(threads)]
        results = list(pool.map(lambda rt: met.add_network_list(network, rt), rts))
    assert len(results) == len(cni.get_cached_attachments()) == threads


def test_other_python_threads_run_while_a_plugin_does(scene, rt):
    """The plugin ends when Python code of another thread lets it: the GIL must be free meanwhile."""
    context = libcni.Context()
    running = Running(scene.fifo, lambda: (sum(range(100_000)), context.cancel())) if scene.hanging() else None
    with pytest.raises(libcni.CancelledError):
        scene.cni().add_network_list(scene.hanging(), rt, context=context)
    assert running.is_gone()
