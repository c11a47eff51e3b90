package libcni_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	libcni "github.com/libcni/libcni/bindings/go"
)

// plugins makes a directory with one plugin, a shell script.
func plugins(name, script string) string {
	dir, err := os.MkdirTemp("", "plugins")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\ncat >/dev/null\n"+script), 0o700); err != nil {
		log.Fatal(err)
	}
	return dir
}

func Example() {
	dir := plugins("bridge", `[ "$CNI_COMMAND" = DEL ] || echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.2.3/24"}]}'`)
	defer os.RemoveAll(dir)

	list, err := libcni.NetworkConfFromBytes([]byte(
		`{"name": "net", "cniVersion": "1.0.0", "plugins": [{"type": "bridge"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	cni := libcni.NewCNIConfigWithCacheDir([]string{dir}, filepath.Join(dir, "cache"), nil)
	defer cni.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	rt := &libcni.RuntimeConf{ContainerID: "c1", NetNS: "/run/netns/c1", IfName: "eth0"}

	added, err := cni.AddNetworkList(ctx, list, rt)
	if err != nil {
		log.Fatal(err)
	}
	result, err := types100.NewResultFromResult(added)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.IPs[0].Address.String())
	if err := cni.DelNetworkList(ctx, list, rt); err != nil {
		log.Fatal(err)
	}
	// Output: 10.1.2.3/24
}

func ExampleError() {
	dir := plugins("bridge", `echo '{"code":11,"msg":"busy"}'; echo 'eth0 is taken' >&2; exit 1`)
	defer os.RemoveAll(dir)

	list, err := libcni.NetworkConfFromBytes([]byte(
		`{"name": "net", "cniVersion": "1.0.0", "plugins": [{"type": "bridge"}]}`))
	if err != nil {
		log.Fatal(err)
	}
	cni := libcni.NewCNIConfigWithCacheDir([]string{dir}, filepath.Join(dir, "cache"), nil)
	defer cni.Close()
	_, err = cni.AddNetworkList(context.Background(), list, &libcni.RuntimeConf{ContainerID: "c1", IfName: "eth0"})

	fmt.Println(err)
	var plugin *types.Error
	if errors.As(err, &plugin) {
		fmt.Println("code", plugin.Code)
	}
	var known *libcni.Error
	if errors.As(err, &known) {
		fmt.Printf("%s of %s: exit code %d, %q\n", known.Status, known.Plugin, *known.ExitCode, known.Stderr)
	}
	// Output:
	// plugin type="bridge" failed (add): busy
	// code 11
	// PLUGIN of bridge: exit code 1, "eth0 is taken\n"
}

func ExampleNetworks() {
	dir := plugins("bridge", `[ "$CNI_COMMAND" = DEL ] || echo '{"cniVersion":"1.0.0","ips":[{"address":"10.1.2.3/24"}]}'`)
	defer os.RemoveAll(dir)
	list := []byte(`{"name": "net", "cniVersion": "1.0.0", "plugins": [{"type": "bridge"}]}`)
	if err := os.WriteFile(filepath.Join(dir, "10-net.conflist"), list, 0o600); err != nil {
		log.Fatal(err)
	}

	cni := libcni.NewCNIConfigWithCacheDir([]string{dir}, filepath.Join(dir, "cache"), nil)
	networks, err := libcni.NewNetworks(cni, libcni.NetworksOptions{
		Sources:         []libcni.Source{{Dir: dir, Load: libcni.LoadAll}},
		DisableLoopback: true, // there is no network namespace here
	})
	if err != nil {
		log.Fatal(err)
	}
	defer networks.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	container := &libcni.Container{ContainerID: "c1", NetNS: "/proc/self/ns/net"}

	setup, err := networks.Setup(ctx, container)
	if err != nil {
		log.Fatal(err)
	}
	for _, ip := range setup.Interfaces["eth0"].IPs {
		fmt.Println(ip.Address.String())
	}
	if err := networks.Remove(ctx, container); err != nil {
		log.Fatal(err)
	}
	// Output: 10.1.2.3/24
}
