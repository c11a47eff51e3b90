"""attach NETNS NETWORK...: attach a network namespace to networks, check the attachments, detach it.

A NETWORK is the path of a .conflist file. Its interface inside the namespace is eth0 for the first one, eth1 for the
second, and so on. Each plugin is told of as it ends; a failing plugin with what it said.
"""

from __future__ import annotations

import sys

import libcni


def show(event: libcni.Event) -> None:
    """Print a line for each plugin that ends."""
    if event.event == "end":
        print(
            f"  {event.command} {event.ifname} {event.plugin}: {event.duration_ms:.0f} ms",
            file=sys.stderr,
        )


def main(netns: str, files: list[str]) -> None:
    """Attach the namespace to the network of each file."""
    cni = libcni.CNI(timeout=60, rollback=True, on_event=show)
    networks = [libcni.network_conf_from_file(file) for file in files]
    containers = [libcni.RuntimeConf("example", netns, f"eth{index}") for index, _ in enumerate(networks)]

    for network in networks:
        cni.validate_network_list(network)
    for network, container in zip(networks, containers):
        result = cni.add_network_list(network, container)
        for ip in result.ips:
            print(container.ifname, network.name, ip.address)
    for network, container in zip(networks, containers):
        cni.check_network_list(network, container)

    # With what was remembered, so that it works without the files, too.
    deleted = cni.del_cached_attachments("example")
    print("detached", ", ".join(sorted(key.ifname for key in deleted)))


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except libcni.PluginError as error:
        sys.exit(f"{error.plugin} failed with code {error.code}: {error.msg} {error.details}\n{error.stderr}")
    except libcni.CNIError as error:
        sys.exit(f"{error.status}: {error}")
