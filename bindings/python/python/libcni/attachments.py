"""Attachments: a container's interface on a network, as the cache remembers it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from libcni import _json, _libcni

if TYPE_CHECKING:
    from libcni.runtime_conf import RuntimeConf


@dataclass(frozen=True)
class AttachmentKey:
    """What identifies an attachment.

    Attributes:
        container_id: the container's id.
        network_name: the network's name.
        ifname: the interface's name inside the container.
    """

    container_id: str
    network_name: str
    ifname: str

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> AttachmentKey:
        """Return the key of a JSON object of the C ABI."""
        return cls(members["containerId"], members["networkName"], members["ifName"])


@dataclass(frozen=True)
class Attachment:
    """A remembered attachment: everything that a later DEL needs.

    Attributes:
        container_id: the container's id.
        network_name: the network's name.
        ifname: the interface's name inside the container.
        netns: the path of the network namespace at the time of ADD.
        config: the exact bytes of the configuration that ADD used.
        args: CNI_ARGS of the ADD.
        capability_args: capability arguments of the ADD.
    """

    container_id: str
    network_name: str
    ifname: str
    netns: str
    config: bytes
    args: tuple[tuple[str, str], ...]
    capability_args: Mapping[str, Any]

    @property
    def key(self) -> AttachmentKey:
        """What identifies the attachment."""
        return AttachmentKey(self.container_id, self.network_name, self.ifname)

    @property
    def network(self) -> _libcni.NetworkConfigList:
        """The network that ADD used.

        Raises:
            InvalidConfigError: the attachment was made with the configuration of one plugin, or by another program
                with something that is no configuration.
        """
        return _libcni.network_conf_from_bytes(self.config)

    @property
    def runtime_conf(self) -> RuntimeConf:
        """The runtime configuration that ADD used."""
        from libcni.runtime_conf import RuntimeConf

        return RuntimeConf(self.container_id, self.netns, self.ifname, self.args, self.capability_args)

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Attachment:
        """Return the attachment of a JSON object of the C ABI."""
        return cls(
            container_id=members["containerId"],
            network_name=members["networkName"],
            ifname=members["ifName"],
            netns=members["netns"],
            config=base64.b64decode(members["configBytes"]),
            args=tuple((key, value) for key, value in members["cniArgs"]),
            capability_args=members["capabilityArgs"],
        )

    def to_json(self) -> str:
        """Return the attachment as JSON, in the shape of the C ABI."""
        members = {
            "containerId": self.container_id,
            "networkName": self.network_name,
            "ifName": self.ifname,
            "netns": self.netns,
            "configBytes": base64.b64encode(self.config).decode(),
            "cniArgs": self.args,
            "capabilityArgs": self.capability_args,
        }
        return _json.encode_with_texts(members, {"config": self._config_text()})

    def to_dict(self) -> dict[str, Any]:
        """Return the attachment as Python objects, in the shape of the C ABI."""
        return cast("dict[str, Any]", _json.decode(self.to_json()))

    def _config_text(self) -> str:
        try:
            text = self.config.decode()
            _json.decode(text)
        except ValueError:
            return "null"
        return text


@dataclass(frozen=True)
class CachedConfig:
    """The remembered configuration of an ADD.

    Attributes:
        config: the exact bytes of the configuration.
        runtime_conf: the caller's runtime configuration with the arguments of the ADD.
    """

    config: bytes
    runtime_conf: RuntimeConf
