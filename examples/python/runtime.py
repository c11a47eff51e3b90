"""runtime [--containers N] [--hold]: a container runtime in miniature, without the containers.

It makes network namespaces, attaches all of them at once to the networks of its directory, prints their addresses, and
takes everything away again: at the end, or when it is interrupted with Ctrl-C, also in the middle. With --hold it waits
for Ctrl-C when they are attached. All of that is in namespaces of its own: the host sees nothing of it.

At Ctrl-C it begins no more containers and finishes those that it began: a plugin that is ended in the middle may not
know afterwards what it had begun (host-local forgets the lease that it was about to write). After some time, or at a
second Ctrl-C, the plugins are ended.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, Union

import libcni

#: How many containers are worked on at a time: each has a thread and a few processes meanwhile.
AT_ONCE = 16
#: How long attaching a container, or removing one, may take, in seconds.
TIMEOUT = 60
#: How long plugins get to finish what they are at when it is interrupted, in seconds.
GRACE = 5
#: What interrupts it.
SIGNALS = {signal.SIGINT, signal.SIGTERM}
#: Where plugins are, besides the directories in CNI_PATH.
USUAL_PLACES = "/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni"

T = TypeVar("T")
#: What can go wrong with a container.
Failure = Union[libcni.CNIError, OSError, subprocess.CalledProcessError]


class Runtime:
    """Everything that it writes down is in one directory."""

    def __init__(self, state: Path, count: int) -> None:
        self.conf, self.cache, self.leases, self.netns = (state / n for n in ("net.d", "cache", "leases", "netns"))
        self.conf.mkdir()
        self.netns.mkdir()
        ipam = {"type": "host-local", "dataDir": str(self.leases), "ranges": [[{"subnet": "10.99.0.0/16"}]]}
        bridge = {"type": "bridge", "bridge": "miniature", "isGateway": True, "ipam": ipam}
        conflist = {"cniVersion": "1.0.0", "name": "miniature", "plugins": [bridge]}
        (self.conf / "10-miniature.conflist").write_text(json.dumps(conflist))

        plugin_dirs = os.environ.get("CNI_PATH", USUAL_PLACES).split(":")
        self.cni = libcni.CNI(plugin_dirs, self.cache)
        self.networks = libcni.Networks(
            self.cni, conf_dir=self.conf, sources=[libcni.NetworkSource(load="all")], loopback_plugin="builtin"
        )
        names = [f"c{number:03}" for number in range(1, count + 1)]
        self.containers = [libcni.Container(name, self.netns / name) for name in names]
        self.interrupted, self.context = threading.Event(), libcni.Context()

    def wait_for_signals(self) -> None:
        """Begin no more containers, then end the plugins that attach. Removing has no part in this."""
        signal.sigwait(SIGNALS)
        self.interrupted.set()
        tell("finishing what is begun; Ctrl-C again ends the plugins")
        signal.sigtimedwait(SIGNALS, GRACE)
        self.context.cancel()

    def check_ready(self) -> None:
        """Tell what is missing before anything is attached."""
        for network in self.networks.config.networks:
            if not network.is_loopback:
                self.cni.validate_network_list(network.conf_list)
        self.networks.status()

    def set_up(self, container: libcni.Container) -> libcni.SetupResult:
        """Make a container's network namespace and attach it."""
        if self.interrupted.is_set():
            msg = "interrupted"
            raise libcni.CancelledError(msg)
        Path(container.netns).touch(exist_ok=False)
        subprocess.run(["unshare", f"--net={container.netns}", "true"], check=True)
        return self.networks.setup(container, timeout=TIMEOUT, context=self.context)

    def remove(self, container: libcni.Container) -> None:
        """Remove a container in every state: attached, in part, or not at all."""
        netns = Path(container.netns)
        is_made = os.path.ismount(netns)
        # When making it failed.
        self.networks.remove(container if is_made else replace(container, netns=""), timeout=TIMEOUT)
        if is_made:
            subprocess.run(["umount", "--lazy", netns], check=True)
        netns.unlink(missing_ok=True)

    def left_behind(self) -> list[str]:
        """Return what is there that belongs to a container."""
        links = [f"interface {name}" for _, name in socket.if_nameindex() if name.startswith("veth")]
        leases = [f"lease {path.name}" for path in self.leases.glob("miniature/*.*.*.*")]
        attachments = [f"attachment {path.name}" for path in self.cache.glob("results/*")]
        return links + leases + attachments + [f"network namespace {path.name}" for path in self.netns.iterdir()]


def for_all(containers: list[libcni.Container], do: Callable[[libcni.Container], T]) -> tuple[list[T], list[str]]:
    """Do the same for all containers, several at a time; return the answers, and all that failed."""

    def attempt(container: libcni.Container) -> T | Failure:
        try:
            return do(container)
        except (libcni.CNIError, OSError, subprocess.CalledProcessError) as error:
            return error

    answers, failures = list[T](), list[str]()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for container, outcome in zip(containers, pool.map(attempt, containers)):
            if isinstance(outcome, (libcni.CNIError, OSError, subprocess.CalledProcessError)):
                failures.append(f"{container.container_id}: {outcome}")
            else:
                answers.append(outcome)
    return answers, failures


def print_table(containers: list[libcni.Container], results: list[libcni.SetupResult]) -> None:
    """Print the address of every container."""
    row = "{:<9}  {:<9}  {:<16}  {:<9}  {}"
    print(row.format("CONTAINER", "INTERFACE", "ADDRESS", "GATEWAY", "MAC"))
    for container, result in zip(containers, results):
        for network in result.results:
            interface = result.interfaces[network.ifname]
            for ip in interface.ips:
                if ip.gateway is not None:
                    values = (container.container_id, interface.name, ip.address, ip.gateway, interface.mac)
                    print(row.format(*map(str, values)))


def main(state: Path, count: int, hold: bool) -> int:
    """Attach the containers and remove them; return the exit code."""
    runtime = Runtime(state, count)
    # For this thread alone; the others, and the commands that they run, never see these signals.
    threading.Thread(target=runtime.wait_for_signals, daemon=True).start()
    runtime.check_ready()
    try:
        started = time.monotonic()
        results, failures = for_all(runtime.containers, runtime.set_up)
        if not failures:
            tell(f"attached {count} containers in {time.monotonic() - started:.3f} s")
            print_table(runtime.containers, results)
            if hold:
                tell("holding: Ctrl-C removes the containers")
                runtime.interrupted.wait()
        elif not runtime.interrupted.is_set():
            # Who interrupts need not read of every container.
            tell(*failures)
    finally:
        started = time.monotonic()
        _, not_removed = for_all(runtime.containers, runtime.remove)
        took, left = time.monotonic() - started, runtime.left_behind()
    tell(*not_removed, *(f"left behind: {what}" for what in left))
    if not_removed or left:
        return 1
    tell(f"removed {count} containers in {took:.3f} s, nothing is left")
    if runtime.interrupted.is_set() and failures:
        tell("interrupted")
        return 130
    return 1 if failures else 0


def tell(*lines: str) -> None:
    """Write to stderr, at once."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def in_namespaces() -> None:
    """Run this program again as root of a network and a mount namespace of its own, which end with it."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    unshare = ["unshare", *as_root, "--net", "--mount"]
    if subprocess.run([*unshare, "true"], check=False).returncode != 0:
        tell("this machine forbids private namespaces")
        sys.exit(77)
    os.execvp("unshare", [*unshare, sys.executable, *sys.argv, "--here"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="runtime", description="a container runtime in miniature")
    parser.add_argument("--containers", type=int, default=50, metavar="N", help="how many there are (default 50)")
    parser.add_argument("--hold", action="store_true", help="wait for Ctrl-C when they are attached")
    parser.add_argument("--here", action="store_true", help="work in the namespaces that it is started in, as root")
    options = parser.parse_args()
    if not 1 <= options.containers <= 1000:
        parser.error("N is from 1 to 1000")
    if not options.here:
        in_namespaces()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    directory = Path(tempfile.mkdtemp(prefix="miniature-"))
    try:
        sys.exit(main(directory, options.containers, options.hold))
    except libcni.CNIError as error:
        sys.exit(f"{error.status}: {error}")
    finally:
        shutil.rmtree(directory)
