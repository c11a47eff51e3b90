"""attached NETWORK.conflist NETNS COMMAND...: run a command while a network namespace is attached to a network.

The attachment is undone whatever happens: when the command fails, when ADD fails half-way, and at Ctrl-C.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import libcni


@contextmanager
def attached(
    cni: libcni.CNI, network: libcni.NetworkLike, container: libcni.RuntimeConfLike
) -> Generator[libcni.Result, None, None]:
    """Attach the container for the time of a ``with`` block."""
    try:
        yield cni.add_network_list(network, container)
    finally:
        # After a failed ADD, too: what the plugins before the failing one made stays otherwise.
        cni.del_network_list(network, container, timeout=30)


def main(file: str, netns: str, command: list[str]) -> int:
    """Run the command, with the address of the namespace in its environment."""
    network = libcni.network_conf_from_file(file)
    container = libcni.RuntimeConf("attached", netns)
    with attached(libcni.CNI(timeout=60), network, container) as result:
        address = str(result.ips[0].address.ip) if result.ips else ""
        return subprocess.run(command, env={"ADDRESS": address}, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
    except libcni.CNIError as error:
        sys.exit(f"{error.status}: {error}")
