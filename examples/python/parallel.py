"""parallel NETWORK.conflist NETNS...: attach many network namespaces at once, with threads; then detach them.

One CNI serves all threads: while a plugin runs, the others do. Operations on one attachment wait for each other.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import libcni


def main(file: str, namespaces: list[str]) -> int:
    """Attach all namespaces, print their addresses, and detach them."""
    cni = libcni.CNI(timeout=60, rollback=True)
    network = libcni.network_conf_from_file(file)
    containers = [libcni.RuntimeConf(os.path.basename(netns), netns) for netns in namespaces]

    def attach(container: libcni.RuntimeConf) -> libcni.Result | libcni.CNIError:
        try:
            return cni.add_network_list(network, container)
        except libcni.CNIError as error:
            return error

    def detach(container: libcni.RuntimeConf) -> None:
        # DEL of what was never added succeeds.
        cni.del_network_list(network, container)

    failures = 0
    with ThreadPoolExecutor(max_workers=16) as pool:
        for container, outcome in zip(containers, pool.map(attach, containers)):
            if isinstance(outcome, libcni.Result):
                print(container.container_id, *(ip.address for ip in outcome.ips))
            else:
                failures += 1
                print(container.container_id, outcome, file=sys.stderr)
        list(pool.map(detach, containers))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
