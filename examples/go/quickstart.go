// quickstart NETWORK.conflist NETNS: attach a network namespace to a network, print the result, detach it.
package main

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"time"

	libcni "github.com/libcni/libcni/bindings/go"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: quickstart NETWORK.conflist NETNS")
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(file, netns string) error {
	list, err := libcni.NetworkConfFromFile(file)
	if err != nil {
		return err
	}
	cni := libcni.NewCNIConfig(filepath.SplitList(os.Getenv("CNI_PATH")), nil)
	defer cni.Close()
	rt := &libcni.RuntimeConf{ContainerID: "c1", NetNS: netns, IfName: "eth0"}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	result, err := cni.AddNetworkList(ctx, list, rt)
	if err != nil {
		return err
	}
	if err := result.Print(); err != nil {
		return err
	}
	return cni.DelNetworkList(ctx, list, rt)
}
