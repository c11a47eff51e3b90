"""quickstart NETWORK.conflist NETNS: attach a network namespace to a network, print its addresses, detach it."""

import sys

import libcni

_, file, netns = sys.argv
cni = libcni.CNI(timeout=30)
network = libcni.network_conf_from_file(file)
container = libcni.RuntimeConf("c1", netns, ifname="eth0")

try:
    result = cni.add_network_list(network, container)
    for ip in result.ips:
        print(ip.address.ip, "in", ip.address.network, "by way of", ip.gateway)
    cni.del_network_list(network, container)
except libcni.CNIError as error:
    sys.exit(f"{error.status}: {error}")
