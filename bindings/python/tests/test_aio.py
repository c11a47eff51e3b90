"""The operations as coroutines."""

import asyncio
import contextvars
import inspect
import json
import signal
import subprocess
import sys
import threading

import libcni
import pytest
from conftest import Running


@pytest.mark.parametrize("name", ["CNI", "Networks"])
def test_every_method_is_there_with_the_same_arguments(name):
    blocking, coroutines = getattr(libcni, name), getattr(libcni.aio, name)
    methods = {method for method in vars(blocking) if not method.startswith("_")}
    assert {method for method in vars(coroutines) if not method.startswith("_")} == methods
    # These wait for nothing.
    methods -= {"config", "metrics", "prometheus", "watch"}
    for method in methods | {"__init__"}:
        assert inspect.signature(getattr(blocking, method)) == inspect.signature(getattr(coroutines, method))
        assert method == "__init__" or inspect.iscoroutinefunction(getattr(coroutines, method))


def test_an_attachment_is_made_and_undone(scene, rt):
    async def scenario():
        cni, network = scene.aio(), scene.network()
        result = await cni.add_network_list(network, rt)
        assert await cni.get_network_list_cached_result(network, rt) == result
        assert [attachment.container_id for attachment in await cni.get_cached_attachments("c1")] == ["c1"]
        await cni.check_network_list(network, rt)
        await cni.gc_network_list(network, [("c1", "eth0")])
        await cni.get_status_network_list(network)
        await cni.validate_network_list(network)
        assert (await cni.render_network_list("DEL", network, rt))[0].plugin == "first"
        await cni.del_network_list(network, rt)
        with pytest.raises(libcni.NotAddedError):
            await cni.check_network_list(network, rt)

    asyncio.run(scenario())
    assert scene.order() == [f"{command} first" for command in ("ADD", "CHECK", "GC", "STATUS", "DEL")]


@pytest.mark.parametrize("context", [None, libcni.Context()], ids=["no context", "a context"])
def test_cancelling_a_task_ends_the_plugin_before_the_task_goes_on(scene, rt, context):
    async def scenario():
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(scene.aio().add_network_list(scene.hanging(), rt, context=context))
        running = Running(scene.fifo, lambda: loop.call_soon_threadsafe(task.cancel))
        with pytest.raises(asyncio.CancelledError):
            await task
        assert running.is_gone()

    asyncio.run(scenario())
    assert context is None or not context.is_cancelled
    scene.cni().del_network_list(scene.hanging(), rt)


@pytest.mark.parametrize("context", [None, libcni.Context()], ids=["no context", "a context"])
def test_a_cancelled_task_ends_no_sooner_than_its_call(scene, rt, context):
    runs, may_end, told = threading.Event(), threading.Event(), []

    class Slow:
        def find_in_path(self, request):
            return "/slow"

        def exec_plugin(self, request):
            runs.set()
            may_end.wait()
            told.append(request.context.is_cancelled)

    async def scenario():
        call = scene.aio(exec=Slow(), cache_dir=None).del_network_list(scene.network(), rt, context=context)
        task = asyncio.ensure_future(call)
        await asyncio.get_running_loop().run_in_executor(None, runs.wait)
        for _ in range(10):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        assert told == []
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert told == [True]

    asyncio.run(scenario())


def test_ctrl_c_ends_the_plugin_of_a_loop(scene):
    script = (
        "import asyncio, libcni, sys\n"
        "cni = libcni.aio.CNI([sys.argv[1]], cache_dir=None)\n"
        "asyncio.run(cni.add_network_list(sys.argv[2], {'container_id': 'c1', 'netns': '/ns'}))\n"
    )
    network = json.dumps(scene.hanging())
    process = subprocess.Popen([sys.executable, "-c", script, scene.bin, network], stderr=subprocess.PIPE)
    running = Running(scene.fifo, lambda: process.send_signal(signal.SIGINT))
    _, stderr = process.communicate()
    assert running.is_gone()
    assert stderr.rstrip().endswith(b"KeyboardInterrupt")


def test_wait_for_ends_the_plugin(scene, rt):
    async def scenario():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(scene.aio().add_network_list(scene.hanging(), rt), 0.2)

    asyncio.run(scenario())
    scene.cni(timeout=10).del_network_list(scene.hanging(), rt)


def test_many_calls_run_at_once_while_the_loop_goes_on(scene):
    """All of them meet in the loop, which must be free to let them go."""

    async def scenario():
        count, arrived, everybody = 40, 0, asyncio.Event()

        async def meet():
            nonlocal arrived
            arrived += 1
            if arrived == count:
                everybody.set()
            await everybody.wait()

        loop = asyncio.get_running_loop()

        class Meet:
            def exec_plugin(self, request):
                asyncio.run_coroutine_threadsafe(meet(), loop).result()
                return NotImplemented

        cni = scene.aio(exec=Meet())
        rts = [libcni.RuntimeConf(f"c{n}", "/ns") for n in range(count)]
        await asyncio.gather(*(cni.add_network_list(scene.network(), rt) for rt in rts))
        assert len(await cni.get_cached_attachments()) == count

    asyncio.run(scenario())


def test_context_variables_are_those_of_the_task(scene, rt):
    variable = contextvars.ContextVar("variable")
    seen = []

    async def scenario():
        variable.set("mine")
        await scene.aio(on_event=lambda event: seen.append(variable.get())).add_network_list(scene.network(), rt)

    asyncio.run(scenario())
    assert seen == ["mine", "mine"]
