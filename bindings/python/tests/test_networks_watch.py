"""Watching the configuration of networks: by an iterator, by a descriptor, in an event loop."""

import asyncio
import json
import os
import select
import signal
import threading
import time

import libcni
import pytest

#: A limit for tests that fail, in seconds.
LONG = 60


@pytest.fixture
def watched(node):
    """The networks of a node, and a watch that has told of the beginning."""
    node.write("1.conflist", "a")
    networks = node.networks()
    with networks.watch(debounce=0.01) as watch:
        first = watch.wait(timeout=LONG)
        assert (first.networks_changed, first.plugins_changed) == (False, True)
        yield node, networks, watch


def names(config):
    return [network.name for network in config.networks]


def until(watch, condition):
    """Go on until a change is that of the condition."""
    while True:
        change = watch.wait(timeout=LONG)
        if condition(change):
            return change


def remove_dir(dir):
    for file in dir.iterdir():
        file.unlink()
    dir.rmdir()


def test_edits_renames_and_removals_are_noticed(watched):
    node, networks, watch = watched
    node.write("1.conflist", "b")
    assert until(watch, lambda change: names(change.config) == ["b"]).networks_changed
    node.write(".2.tmp", "c")
    (node.conf_dir / ".2.tmp").rename(node.conf_dir / "0.conflist")
    until(watch, lambda change: names(change.config) == ["c", "b"])
    (node.conf_dir / "1.conflist").unlink()
    change = until(watch, lambda change: names(change.config) == ["c"])
    assert change.config == networks.config
    networks.setup(node.container)
    assert node.asked() == ["ADD c eth0"]
    (node.scene.bin / "new").touch()
    assert until(watch, lambda change: change.plugins_changed).config.networks == networks.config.networks


def test_a_broken_file_keeps_the_network_that_it_had(watched):
    node, networks, watch = watched
    (node.conf_dir / "1.conflist").write_text('{"cniVersion": "1.1.0", "na')
    change = until(watch, lambda change: change.config.errors)
    ((path, error),) = change.config.errors
    assert path == str(node.conf_dir / "1.conflist")
    assert isinstance(error, libcni.InvalidConfigError)
    assert names(change.config) == ["a"]
    networks.setup(node.container)
    node.write("1.conflist", "b")
    assert until(watch, lambda change: names(change.config) == ["b"]).config.errors == ()


def test_a_directory_that_is_removed_and_made_again_is_still_watched(watched):
    node, _, watch = watched
    remove_dir(node.conf_dir)
    until(watch, lambda change: names(change.config) == [])
    node.conf_dir.mkdir()
    node.write("1.conflist", "b")
    until(watch, lambda change: names(change.config) == ["b"])


def test_the_state_after_a_storm_of_changes_is_noticed(watched):
    node, _, watch = watched
    names_of_storm = ["a", "b"]

    def storm():
        for at in range(200):
            node.write("1.conflist", names_of_storm[at % 2])
        node.write("1.conflist", "last")

    storming = threading.Thread(target=storm)
    storming.start()
    until(watch, lambda change: names(change.config) == ["last"])
    storming.join()


def test_an_iterator_gives_changes_until_it_is_closed(watched):
    node, _, watch = watched
    seen = []
    node.write("2.conflist", "b")

    def iterate():
        for change in watch:
            seen.append(names(change.config))
            if seen[-1] == ["a", "b"]:
                node.write("3.conflist", "c")
            if seen[-1] == ["a", "b", "c"]:
                got_there.set()

    got_there = threading.Event()
    thread = threading.Thread(target=iterate)
    thread.start()
    assert got_there.wait(LONG)
    # The iterator waits on its thread, and ends.
    watch.close()
    thread.join(LONG)
    assert not thread.is_alive()
    assert watch.closed
    assert list(watch) == []
    for call in (watch.wait, watch.dispatch, watch.fileno):
        with pytest.raises(ValueError, match="the watch is closed"):
            call()
    watch.close()


def test_a_descriptor_tells_when_there_is_something_to_do(watched):
    node, _, watch = watched
    assert watch.dispatch() is None
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    assert poll.poll(0) == []
    node.write("2.conflist", "b")
    deadline, change = time.monotonic() + LONG, None
    while change is None or names(change.config) != ["a", "b"]:
        assert poll.poll(LONG * 1000)
        assert time.monotonic() < deadline
        change = watch.dispatch() or change
    assert poll.poll(0) == []


def test_a_wait_ends_with_its_time_its_context_and_ctrl_c(watched):
    _, _, watch = watched
    with pytest.raises(libcni.CNITimeoutError):
        watch.wait(timeout=0.1)
    context = libcni.Context()
    threading.Timer(0.1, context.cancel).start()
    with pytest.raises(libcni.CancelledError):
        watch.wait(context=context)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        next(watch)


def test_other_threads_run_while_one_waits(watched):
    """The change comes from Python code of another thread: the GIL must be free meanwhile."""
    node, _, watch = watched
    threading.Timer(0.1, node.write, ("1.conflist", "b")).start()
    until(watch, lambda change: names(change.config) == ["b"])


@pytest.fixture
def in_loop(node):
    """Run a scenario with networks and a watch that has told of the beginning."""

    def run(scenario):
        async def main():
            networks = node.aio()
            with networks.watch(debounce=0.01) as watch:
                first = await asyncio.wait_for(watch.wait(), LONG)
                assert (first.networks_changed, first.plugins_changed) == (False, True)
                await asyncio.wait_for(scenario(networks, watch), LONG)

        node.write("1.conflist", "a")
        asyncio.run(main())

    return run


async def reach(watch, expected):
    async for change in watch:
        if names(change.config) == expected:
            return change
    return None


def test_an_asynchronous_iterator_gives_changes(node, in_loop):
    async def scenario(networks, watch):
        node.write("1.conflist", "b")
        await reach(watch, ["b"])
        node.write(".2.tmp", "c")
        (node.conf_dir / ".2.tmp").rename(node.conf_dir / "0.conflist")
        await reach(watch, ["c", "b"])
        (node.conf_dir / "1.conflist").unlink()
        await reach(watch, ["c"])
        (node.conf_dir / "0.conflist").write_text("{")
        while not networks.config.errors:
            change = await watch.wait()
        assert names(change.config) == ["c"]
        await networks.setup(node.container)

    in_loop(scenario)
    assert node.asked() == ["ADD c eth0"]


def test_no_thread_waits_and_the_loop_goes_on(node, in_loop):
    async def scenario(networks, watch):
        task = asyncio.ensure_future(reach(watch, ["b"]))
        # Once it waits for the descriptor.
        while watch._waiting is None:
            await asyncio.sleep(0)
        # That of the last look at what happened may be about to end.
        for thread in threading.enumerate():
            if thread.name == "libcni":
                thread.join(LONG)
                assert not thread.is_alive()
        node.write("1.conflist", "b")
        await task

    in_loop(scenario)


def test_closing_ends_the_iteration_of_a_task(in_loop):
    async def scenario(networks, watch):
        task = asyncio.ensure_future(reach(watch, ["never"]))
        while watch._waiting is None:
            await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task waits"):
            await watch.wait()
        watch.close()
        assert await task is None
        with pytest.raises(ValueError, match="the watch is closed"):
            await watch.wait()

    in_loop(scenario)


def test_no_change_is_lost_by_cancelled_waits(node, in_loop):
    """However early or late a wait is cancelled, somebody is told of the change."""

    async def scenario(networks, watch):
        for at in range(30):
            node.write("1.conflist", f"n{at}")
            told = None
            while told != [f"n{at}"]:
                task = asyncio.ensure_future(watch.wait())
                for _ in range(at):
                    await asyncio.sleep(0)
                await asyncio.sleep(0.001 * (at % 5))
                task.cancel()
                try:
                    told = names((await task).config)
                except asyncio.CancelledError:
                    continue

    in_loop(scenario)


def test_an_event_loop_can_wait_for_the_descriptor_itself(node):
    """With add_reader, as a loop of another kind would."""

    async def scenario():
        node.write("1.conflist", "a")
        loop, seen = asyncio.get_running_loop(), asyncio.Event()
        with node.networks().watch(debounce=0.01) as watch:

            def ready():
                change = watch.dispatch()
                if change is not None and names(change.config) == ["b"]:
                    seen.set()

            loop.add_reader(watch, ready)
            node.write("1.conflist", "b")
            await asyncio.wait_for(seen.wait(), LONG)
            loop.remove_reader(watch)

    asyncio.run(scenario())


def test_drop_in_plugins_are_noticed(watched):
    node, networks, watch = watched
    drop_ins = node.conf_dir / "a"
    drop_ins.mkdir()
    (drop_ins / "x.conf").write_text(json.dumps({"type": "fake"}))
    until(watch, lambda change: [len(network.plugins) for network in change.config.networks] == [2])
    remove_dir(drop_ins)
    until(watch, lambda change: [len(network.plugins) for network in change.config.networks] == [1])
    assert names(networks.config) == ["a"]
