package cni

import (
	"context"
	"fmt"
	"log"
)

// It is in the package, and does not import it: in the place of go-cni the package has go-cni's path, and "go mod tidy"
// looks for what tests import.

// A runtime attaches a container to loopback and to the first network of /etc/cni/net.d.
func Example() {
	network, err := New(WithMinNetworkCount(2))
	if err != nil {
		log.Fatal(err)
	}
	if err := network.Load(WithLoNetwork, WithDefaultConf); err != nil {
		log.Fatal(err)
	}
	ctx, id, netns := context.Background(), "c1", "/run/netns/c1"
	result, err := network.Setup(ctx, id, netns,
		WithLabels(map[string]string{"IgnoreUnknown": "1", "K8S_POD_NAME": "p"}),
		WithCapabilityPortMap([]PortMapping{{HostPort: 8080, ContainerPort: 80, Protocol: "tcp"}}))
	if err != nil {
		log.Fatal(err)
	}
	for _, ip := range result.Interfaces["eth0"].IPConfigs {
		fmt.Println(ip.IP)
	}
	if err := network.Remove(ctx, id, netns); err != nil {
		log.Fatal(err)
	}
}
