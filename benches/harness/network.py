"""The networks of the scenes: lists, and what the floor sends for them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

NAME = "bench"
VERSION = "1.0.0"

#: As much as a bridge has to say. The trivial plugin reads it and does nothing with it.
TRIVIAL: dict[str, Any] = {
    "type": "trivial",
    "bridge": "cni0",
    "isGateway": True,
    "ipMasq": True,
    "hairpinMode": True,
    "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}]},
}


class Network:
    """A list in a file, with the requests and the cache file that it leads to, ready-made for the floor."""

    def __init__(
        self,
        directory: Path,
        name: str,
        plugins: list[dict[str, Any]],
        plugin_dir: Path,
        netns: str = "/run/netns/bench",
        capabilities: dict[str, Any] | None = None,
    ) -> None:
        self.plugin_dir = plugin_dir
        self.netns = netns
        self.capabilities = capabilities or {}
        text = json.dumps({"cniVersion": VERSION, "name": NAME, "plugins": plugins})
        self.list = directory / f"{name}.conflist"
        self.list.write_text(text)
        self.requests = directory / f"{name}.requests"
        lines = [*self._cache_file(text), *(line for plugin in plugins for line in self._request(plugin))]
        self.requests.write_text("\n".join(lines) + "\n")

    def settings(self) -> dict[str, Any]:
        """What every driver is told of the network."""
        settings = {"plugins": self.plugin_dir, "list": self.list, "netns": self.netns, "requests": self.requests}
        if self.capabilities:
            settings["capabilities"] = json.dumps(self.capabilities)
        return settings

    def _cache_file(self, text: str) -> list[str]:
        head = '{"kind":"cniCacheV1","containerId":"'
        known: dict[str, Any] = {
            "config": base64.b64encode(text.encode()).decode(),
            "ifName": "eth0",
            "networkName": NAME,
            "netns": self.netns,
        }
        if self.capabilities:
            known["capabilityArgs"] = self.capabilities
        middle = json.dumps(known, separators=(",", ":"))
        return [head, '",' + middle[1:-1] + ',"result":']

    def _request(self, plugin: dict[str, Any]) -> list[str]:
        declared = plugin.get("capabilities", {})
        wanted = {name: value for name, value in self.capabilities.items() if declared.get(name)}
        request = {**plugin, "cniVersion": VERSION, "name": NAME}
        if wanted:
            request["runtimeConfig"] = wanted
        return [str(self.plugin_dir / plugin["type"]), json.dumps(request)[:-1]]


def trivial(directory: Path, plugin_dir: Path, plugins: int) -> Network:
    """A list of trivial plugins."""
    return Network(directory, f"trivial-{plugins}", [TRIVIAL] * plugins, plugin_dir)
