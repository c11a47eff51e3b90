#!/usr/bin/env python3
"""An IPAM plugin: gives out the addresses that its configuration lists, or the one in CNI_ARGS.

{ "type": "bridge", "ipam": { "type": "fixed-ip", "addresses": [{ "address": "10.1.0.5/24", "gateway": "10.1.0.1" }] } }
"""

from libcni.plugin import Error, Plugin, Request, ResultLike


class FixedIp(Plugin):
    """The plugin. Nothing is reserved, so there is nothing to delete."""

    about = "CNI fixed-ip IPAM plugin, an example of libcni"

    def add(self, request: Request) -> ResultLike:
        """Give out the addresses."""
        ipam = request.config.get("ipam", {})
        addresses = ipam.get("addresses", [])
        if address := request.known_args("IP").get("IP"):
            addresses = [{"address": address}]
        if not addresses:
            raise Error(7, "no address: neither in ipam.addresses nor as IP in CNI_ARGS")
        return {"cniVersion": "1.1.0", "ips": addresses, "routes": ipam.get("routes", [])}


if __name__ == "__main__":
    FixedIp().main()
