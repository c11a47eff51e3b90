// The networks of pods as containerd's CRI service sets them up, with the reference plugins. This file is for a copy of containerd: it
// belongs into internal/cri/server. See `make test-go-containerd`.

package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/internal/cri/annotations"
	sandboxstore "github.com/containerd/containerd/v2/internal/cri/store/sandbox"
	"github.com/containerd/containerd/v2/pkg/netns"
	cnins "github.com/containernetworking/plugins/pkg/ns"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const podNetwork = `{"cniVersion": "1.0.0", "name": "pods", "plugins": [
	{"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "ipam": {"type": "host-local",
		"ranges": [[{"subnet": "10.88.0.0/16"}], [{"subnet": "fd88::/64"}]],
		"routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}},
	{"type": "portmap", "capabilities": {"portMappings": true}}]}`

// A node is a CRI service with directories of its own.
type node struct {
	*criService
	t    *testing.T
	file string
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPodsAreAttachedToTheirNetworks(t *testing.T) {
	if os.Getenv("GOCNI_IN_SANDBOX") == "" {
		runInPrivateNamespaces(t)
		return
	}
	for _, dir := range []string{"/var/lib", "/run"} {
		must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, ""))
	}
	for _, serially := range []bool{false, true} {
		for _, internalLoopback := range []bool{false, true} {
			t.Run(fmt.Sprintf("serially %t, internal loopback %t", serially, internalLoopback), func(t *testing.T) {
				n := newNode(t, serially, internalLoopback)
				n.becomesReady()
				var pods sync.WaitGroup
				for i := range 6 {
					pods.Add(1)
					go func() {
						defer pods.Done()
						n.live(fmt.Sprint("pod", i))
					}()
				}
				pods.Wait()
				left, err := filepath.Glob("/var/lib/cni/results/*")
				must(t, err)
				if len(left) > 0 {
					t.Error("attachments left: ", left)
				}
				n.becomesUnready()
			})
		}
	}
}

func newNode(t *testing.T, serially, internalLoopback bool) *node {
	c := newTestCRIService()
	dir := t.TempDir()
	c.config.NetworkPluginBinDirs = []string{os.Getenv("GOCNI_PLUGINS")}
	c.config.NetworkPluginConfDir = filepath.Join(dir, "net.d")
	c.config.NetworkPluginMaxConfNum = 1
	c.config.NetworkPluginSetupSerially = serially
	c.config.UseInternalLoopback = internalLoopback
	c.config.CDISpecDirs = []string{dir}
	must(t, c.initPlatform())
	syncer, err := newCNINetConfSyncer(c.config.NetworkPluginConfDir, c.netPlugin[defaultNetworkPlugin], c.cniLoadOptions())
	must(t, err)
	stopped := make(chan error)
	go func() { stopped <- syncer.syncLoop() }()
	t.Cleanup(func() {
		must(t, errors.Join(syncer.stop(), <-stopped))
	})
	return &node{c, t, filepath.Join(c.config.NetworkPluginConfDir, "10-pods.conflist")}
}

func (n *node) status() error { return n.netPlugin[defaultNetworkPlugin].Status() }

// until waits for what containerd notices in its own time.
func (n *node) until(what string, is func() bool) {
	n.t.Helper()
	for range 3000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	n.t.Fatal("never " + what)
}

func (n *node) becomesReady() {
	n.t.Helper()
	if err := n.status(); err == nil || !strings.Contains(err.Error(), "cni plugin not initialized") {
		n.t.Fatal(err)
	}
	must(n.t, os.WriteFile(n.file, []byte(podNetwork), 0o600))
	n.until("ready", func() bool { return n.status() == nil })
	var config struct{ Networks []struct{ IFName string } }
	text, err := json.Marshal(n.netPlugin[defaultNetworkPlugin].GetConfig())
	must(n.t, err)
	must(n.t, json.Unmarshal(text, &config))
	if last := config.Networks[len(config.Networks)-1]; last.IFName != "eth0" {
		n.t.Error(string(text))
	}
}

func (n *node) becomesUnready() {
	n.t.Helper()
	must(n.t, os.Remove(n.file))
	n.until("unready", func() bool { return n.status() != nil })
}

// live is the life of one pod's network.
func (n *node) live(id string) {
	namespace, err := netns.NewNetNS("/run/netns")
	if err != nil {
		n.t.Error(err)
		return
	}
	defer func() {
		if err := namespace.Remove(); err != nil {
			n.t.Error(err)
		}
	}()
	config := &runtime.PodSandboxConfig{
		Metadata:    &runtime.PodSandboxMetadata{Name: id, Uid: "uid", Namespace: "default"},
		Annotations: map[string]string{annotations.PodAnnotations: "<&>"},
		DnsConfig:   &runtime.DNSConfig{Servers: []string{"10.88.0.1"}, Searches: []string{"local"}},
	}
	if id == "pod0" {
		config.PortMappings = []*runtime.PortMapping{{HostPort: 8080, ContainerPort: 80}}
	}
	sandbox := sandboxstore.NewSandbox(
		sandboxstore.Metadata{ID: id, Name: id, Config: config, NetNSPath: namespace.GetPath()}, sandboxstore.Status{})
	ctx := context.Background()
	if err := n.setupPodNetwork(ctx, &sandbox); err != nil {
		n.t.Error(err)
		return
	}
	addresses := n.addresses(namespace)
	if !strings.HasPrefix(sandbox.IP, "10.88.") || len(sandbox.AdditionalIPs) != 1 ||
		!strings.Contains(addresses["eth0"], sandbox.IP+"/16") || !strings.Contains(addresses["eth0"], sandbox.AdditionalIPs[0]+"/64") {
		n.t.Errorf("%s, %v: %v", sandbox.IP, sandbox.AdditionalIPs, addresses)
	}
	if !strings.Contains(addresses["lo"], "127.0.0.1/8") {
		n.t.Error(addresses)
	}
	// What containerd stores of a pod, and reads when it starts again.
	var read sandboxstore.Metadata
	text, err := sandbox.Metadata.MarshalJSON()
	if err == nil {
		err = read.UnmarshalJSON(text)
	}
	if err != nil || len(read.CNIResult.Interfaces["eth0"].IPConfigs) != 2 || read.CNIResult.Interfaces["eth0"].Mac == "" {
		n.t.Errorf("%v: %s", err, text)
	}
	// A second time as for a pod whose namespace is gone.
	if err := n.teardownPodNetwork(ctx, sandbox); err != nil {
		n.t.Error(err)
	}
	sandbox.NetNSPath = ""
	if err := n.teardownPodNetwork(ctx, sandbox); err != nil {
		n.t.Error(err)
	}
	if addresses := n.addresses(namespace); addresses["eth0"] != "" {
		n.t.Error("still there: ", addresses)
	}
}

// addresses are those of each interface in a namespace.
func (n *node) addresses(namespace *netns.NetNS) map[string]string {
	seen := map[string]string{}
	err := namespace.Do(func(cnins.NetNS) error {
		interfaces, err := net.Interfaces()
		for _, i := range interfaces {
			addresses, failed := i.Addrs()
			seen[i.Name], err = fmt.Sprint(addresses), errors.Join(err, failed)
		}
		return err
	})
	if err != nil {
		n.t.Error(err)
	}
	return seen
}

func runInPrivateNamespaces(t *testing.T) {
	if os.Getenv("GOCNI_PLUGINS") == "" {
		t.Fatal("GOCNI_PLUGINS names no directory with plugins")
	}
	program, err := os.Executable()
	must(t, err)
	var output strings.Builder
	again := exec.Command(program, "-test.v", "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), "GOCNI_IN_SANDBOX=1", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	again.Stdout, again.Stderr = &output, &output
	if err := again.Start(); err != nil {
		t.Skip("this machine forbids namespaces: ", err)
	}
	if err := again.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &output)
	}
}
