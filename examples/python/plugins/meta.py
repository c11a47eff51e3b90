#!/usr/bin/env python3
"""A meta plugin: hands its work to another plugin, under the name and version of its own network.

{ "type": "meta", "delegate": { "type": "bridge", "ipam": { "type": "host-local" } } }
"""

from typing import Any

from libcni.plugin import Plugin, Request, ResultLike

#: What the runtime injected is the other plugin's, too.
INJECTED = (
    "name",
    "cniVersion",
    "prevResult",
    "runtimeConfig",
    "cni.dev/valid-attachments",
    "cni.dev/attachments",
)


class Meta(Plugin):
    """The plugin."""

    about = "CNI meta plugin, an example of libcni"

    def add(self, request: Request) -> ResultLike:
        """Delegate ADD."""
        return request.delegate_add(*delegate(request))

    def check(self, request: Request) -> None:
        """Delegate CHECK."""
        request.delegate_check(*delegate(request))

    def delete(self, request: Request) -> None:
        """Delegate DEL."""
        request.delegate_del(*delegate(request))

    def gc(self, request: Request) -> None:
        """Delegate GC."""
        request.delegate_gc(*delegate(request))

    def status(self, request: Request) -> None:
        """Delegate STATUS."""
        request.delegate_status(*delegate(request))


def delegate(request: Request) -> tuple[str, dict[str, Any]]:
    """Return the type of the plugin to run, and its configuration."""
    config = request.config["delegate"] | {key: request.config[key] for key in INJECTED if key in request.config}
    return config["type"], config


if __name__ == "__main__":
    Meta().main()
