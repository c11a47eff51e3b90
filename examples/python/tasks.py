"""tasks NETWORK.conflist NETNS...: attach many network namespaces at once, with asyncio; then detach them.

When one attachment fails, the others that are under way are cancelled: their plugins are ended before their tasks are.
"""

from __future__ import annotations

import asyncio
import os
import sys

import libcni
from libcni import aio


async def main(file: str, namespaces: list[str]) -> None:
    """Attach all namespaces, print their addresses, and detach them."""
    cni = aio.CNI(timeout=60)
    network = libcni.network_conf_from_file(file)
    containers = [libcni.RuntimeConf(os.path.basename(netns), netns) for netns in namespaces]
    at_once = asyncio.Semaphore(16)

    async def attach(container: libcni.RuntimeConf) -> None:
        async with at_once:
            result = await cni.add_network_list(network, container)
        print(container.container_id, *(ip.address for ip in result.ips))

    tasks = [asyncio.ensure_future(attach(container)) for container in containers]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await asyncio.gather(*(cni.del_network_list(network, container) for container in containers))


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2:]))
    except libcni.CNIError as error:
        sys.exit(f"{error.status}: {error}")
