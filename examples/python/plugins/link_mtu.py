#!/usr/bin/env python3
"""A chained plugin, as `tuning` is one: sets the MTU of the container's interface behind the plugin that made it.

{ "type": "link-mtu", "mtu": 1400 }
"""

import subprocess

from libcni.plugin import Error, Plugin, Request, ResultLike


class LinkMtu(Plugin):
    """The plugin. The interface goes away with the plugin that made it, so there is nothing to delete."""

    about = "CNI link-mtu plugin, an example of libcni"

    def add(self, request: Request) -> ResultLike:
        """Set the MTU, and pass the result on."""
        result = request.prev_result()
        if result is None:
            raise Error(7, "link-mtu must be chained behind another plugin")
        ip(request.netns, "link", "set", "dev", request.ifname, "mtu", str(request.config["mtu"]))
        return result

    def check(self, request: Request) -> None:
        """Compare the MTU."""
        link = ip(request.netns, "-o", "link", "show", "dev", request.ifname)
        found = link.partition(" mtu ")[2].partition(" ")[0]
        if found != str(request.config["mtu"]):
            raise Error(100, f"{request.ifname} has the mtu {found}, not {request.config['mtu']}")


def ip(netns: str, *arguments: str) -> str:
    """Run `ip` in a network namespace. A program of its own, so that no thread of a host changes its namespace."""
    command = ["nsenter", f"--net={netns}", "ip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Error(5, f"ip {' '.join(arguments)} failed", done.stderr.strip())
    return done.stdout


if __name__ == "__main__":
    LinkMtu().main()
