package cni_test

import (
	"context"
	"fmt"
	"log"

	gocni "github.com/libcni/libcni/bindings/go/gocni"
)

// A runtime attaches a container to loopback and to the first network of /etc/cni/net.d.
func Example() {
	network, err := gocni.New(gocni.WithMinNetworkCount(2))
	if err != nil {
		log.Fatal(err)
	}
	if err := network.Load(gocni.WithLoNetwork, gocni.WithDefaultConf); err != nil {
		log.Fatal(err)
	}
	ctx, id, netns := context.Background(), "c1", "/run/netns/c1"
	result, err := network.Setup(ctx, id, netns,
		gocni.WithLabels(map[string]string{"IgnoreUnknown": "1", "K8S_POD_NAME": "p"}),
		gocni.WithCapabilityPortMap([]gocni.PortMapping{{HostPort: 8080, ContainerPort: 80, Protocol: "tcp"}}))
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
