package libcni

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A node has real plugins, and network namespaces for containers, in namespaces of its own.
type node struct {
	*scene
	plugins string
}

// onNode runs the test again as root of a node of its own, and skips it where that cannot be had. Outside of the node
// there is nothing more to do.
func onNode(t *testing.T, plugins ...string) *node {
	t.Helper()
	dir := realPlugins()
	if dir == "" {
		t.Skip("needs the plugins bridge and host-local: Debian's package containernetworking-plugins")
	}
	for _, plugin := range plugins {
		if _, err := os.Stat(filepath.Join(dir, plugin)); err != nil {
			t.Skipf("needs the plugin %s", plugin)
		}
	}
	if os.Getenv(inSandbox) == "" {
		runInSandbox(t)
		return nil
	}
	s := newScene(t, "plugin")
	makeBox(s)
	return &node{s, dir}
}

// bridge writes the network of a bridge with that subnet, followed by other plugins.
func (n *node) bridge(name, subnet string, others ...string) {
	n.t.Helper()
	bridge := fmt.Sprintf(`{"type": "bridge", "bridge": %q, "isGateway": true, "ipam":
		{"type": "host-local", "dataDir": %q, "ranges": [[{"subnet": %q}]]}}`, name, n.leases(), subnet)
	n.conflist(name, append([]string{bridge}, others...)...)
}

func (n *node) conflist(name string, plugins ...string) {
	n.t.Helper()
	text := fmt.Sprintf(`{"name": %q, "cniVersion": "1.0.0", "plugins": [%s]}`, name, strings.Join(plugins, ", "))
	n.must(os.WriteFile(filepath.Join(n.netd(), name+".conflist"), []byte(text), 0o600))
}

func (n *node) networks(options NetworksOptions) *Networks {
	n.t.Helper()
	c := NewCNIConfigWithCacheDir([]string{n.plugins, n.bin}, n.caches, nil)
	options.ConfDir, options.Sources = n.netd(), []Source{{Load: LoadAll}}
	networks, err := NewNetworks(c, options)
	n.must(err)
	n.t.Cleanup(func() { networks.Close() })
	return networks
}

func (n *node) leases() string { return filepath.Join(filepath.Dir(n.bin), "leases") }

// left is what containers have left on the node: leases, remembered attachments, ends of veth pairs.
func (n *node) left() []string {
	n.t.Helper()
	left, err := filepath.Glob(filepath.Join(n.leases(), "*", "[0-9a-f]*.*"))
	n.must(err)
	results, err := filepath.Glob(filepath.Join(n.caches, "results", "*"))
	n.must(err)
	links, err := exec.Command("ip", "-o", "link", "show", "type", "veth").Output()
	n.must(err)
	left = append(left, results...)
	if len(links) > 0 {
		left = append(left, string(links))
	}
	return left
}

func (n *node) nothingLeft() {
	n.t.Helper()
	if left := n.left(); len(left) > 0 {
		n.t.Errorf("left: %q", left)
	}
}

var box = Container{ContainerID: "box", NetNS: "/run/netns/box"}

func TestRealNetworksAreAttachedWithEachLoopbackOneByOneAndAtOnce(t *testing.T) {
	n := onNode(t, "loopback")
	if n == nil {
		return
	}
	n.bridge("left", "10.90.0.0/24")
	n.bridge("right", "fd00:90::/64")
	ctx := context.Background()
	for _, loopback := range []LoopbackPlugin{LoopbackAuto, LoopbackProgram, LoopbackBuiltin} {
		for _, parallel := range []bool{false, true} {
			networks := n.networks(NetworksOptions{LoopbackPlugin: loopback, Parallel: parallel})
			n.must(networks.Status(ctx))
			setup, err := networks.Setup(ctx, &box)
			n.must(err)
			for i, name := range []string{"lo", "eth0", "eth1"} {
				equal(t, "result", setup.Results[i].IfName, name)
				told := setup.Interfaces[name]
				equal(t, name+"'s sandbox", told.Sandbox, box.NetNS)
				shown := inBox(t, "-o", "addr", "show", name, "up")
				for _, ip := range told.IPs {
					if !strings.Contains(shown, ip.Address.String()) {
						t.Errorf("%v is not there: %s", &ip.Address, shown)
					}
				}
				if len(told.IPs) == 0 || !strings.Contains(inBox(t, "link", "show", name), told.Mac) {
					t.Errorf("%s: %+v in %s", name, told, shown)
				}
			}
			equal(t, "gateway", setup.Interfaces["eth0"].IPs[0].Gateway.String(), "10.90.0.1")
			equal(t, "the bridge's sandbox", setup.Interfaces["left"].Sandbox, "")
			n.must(networks.Check(ctx, &box))
			n.must(exec.Command("ip", "-n", "box", "addr", "flush", "dev", "eth1").Run())
			known := failing(t, networks.Check(ctx, &box), StatusPlugin)
			equal(t, "what is wrong", fmt.Sprint(len(known.Causes), " ", known.Causes[0].Attachment.NetworkName), "1 right")
			n.must(networks.Remove(ctx, &box))
			if shown := inBox(t, "link"); strings.Contains(shown, "eth") {
				t.Errorf("still there: %s", shown)
			}
			n.nothingLeft()
		}
	}
}

func TestAContainerWhoseNamespaceIsGoneLeavesNothing(t *testing.T) {
	n := onNode(t)
	if n == nil {
		return
	}
	n.bridge("left", "10.90.0.0/24")
	ctx, networks := context.Background(), n.networks(NetworksOptions{})
	for _, netns := range []string{"", box.NetNS} {
		_, err := networks.Setup(ctx, &box)
		n.must(err)
		equal(t, "a lease, two attachments and a veth", len(n.left()), 4)
		n.must(exec.Command("ip", "netns", "delete", "box").Run())
		gone := box
		gone.NetNS = netns
		n.must(networks.Remove(ctx, &gone))
		// The kernel takes a namespace's links away some time after its name.
		for tries := 0; tries < 1000 && strings.Contains(fmt.Sprint(n.left()), "veth"); tries++ {
			time.Sleep(10 * time.Millisecond)
		}
		n.nothingLeft()
		_, err = networks.Setup(ctx, &box)
		equal(t, "code", failing(t, err, StatusInvalidArgument).Code, 8)
		n.must(exec.Command("ip", "netns", "add", "box").Run())
	}
}

func TestARealSetUpThatFailsLeavesNothing(t *testing.T) {
	n := onNode(t)
	if n == nil {
		return
	}
	n.bridge("1-left", "10.90.0.0/24")
	n.bridge("2-bad", "10.91.0.0/24", n.plugin("plugin", fake{Add: &action{Text: `{"code": 11, "msg": "no"}`, Exit: 1}}))
	n.bridge("3-right", "10.92.0.0/24")
	for _, parallel := range []bool{false, true} {
		_, err := n.networks(NetworksOptions{Parallel: parallel}).Setup(context.Background(), &box)
		known := failing(t, err, StatusPlugin)
		equal(t, "causes", len(known.Causes), 1)
		equal(t, "network", known.Causes[0].Attachment.NetworkName, "2-bad")
		if shown := inBox(t, "link"); strings.Contains(shown, "eth") {
			t.Errorf("still there: %s", shown)
		}
		n.nothingLeft()
	}
}

func TestARealSetUpThatIsCancelledLeavesNothing(t *testing.T) {
	n := onNode(t)
	if n == nil {
		return
	}
	for _, parallel := range []bool{false, true} {
		fifo := n.fifo()
		n.bridge("1-left", "10.90.0.0/24")
		n.bridge("2-stuck", "10.91.0.0/24", n.plugin("plugin", fake{Add: &action{Fifo: fifo, Hang: true, Child: true}}))
		ctx, cancel := context.WithCancel(context.Background())
		failed := make(chan error)
		go func() {
			_, err := n.networks(NetworksOptions{Parallel: parallel}).Setup(ctx, &box)
			failed <- err
		}()
		untilGone := untilRunning(t, fifo)
		cancel()
		err := <-failed
		untilGone()
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if shown := inBox(t, "link"); strings.Contains(shown, "eth") {
			t.Errorf("still there: %s", shown)
		}
		n.nothingLeft()
	}
}

func TestPortsOfRealNetworksAreMapped(t *testing.T) {
	n := onNode(t, "portmap")
	if n == nil {
		return
	}
	rules := func() string {
		shown, err := exec.Command("iptables-save", "-t", "nat").CombinedOutput()
		if err != nil {
			t.Skipf("needs iptables: %v: %s", err, shown)
		}
		return string(shown)
	}
	rules()
	n.bridge("left", "10.90.0.0/24", `{"type": "portmap", "capabilities": {"portMappings": true}}`)
	networks, ctx := n.networks(NetworksOptions{}), context.Background()
	container := box
	type mapping struct {
		HostPort      int    `json:"hostPort"`
		ContainerPort int    `json:"containerPort"`
		Protocol      string `json:"protocol"`
	}
	container.CapabilityArgs = map[string]any{"portMappings": []mapping{{8080, 80, "tcp"}}}
	setup, err := networks.Setup(ctx, &container)
	n.must(err)
	to := setup.Interfaces["eth0"].IPs[0].Address.IP.String() + ":80"
	if shown := rules(); !strings.Contains(shown, to) {
		t.Errorf("no %s in %s", to, shown)
	}
	// No CHECK: portmap of older releases asks for rules of IPv6 that it did not make.
	// Who removes need not know what was mapped.
	n.must(networks.Remove(ctx, &Container{ContainerID: "box"}))
	if shown := rules(); strings.Contains(shown, to) {
		t.Errorf("still there: %s", shown)
	}
}

func TestRealNetworksFollowTheirDirectory(t *testing.T) {
	n := onNode(t)
	if n == nil {
		return
	}
	ctx, networks := context.Background(), n.networks(NetworksOptions{Parallel: true})
	w := n.watchedNow(networks)
	failing(t, networks.Status(ctx), StatusNetworkNotFound)
	n.bridge("2-right", "10.91.0.0/24")
	w.until("2-right")
	setup, err := networks.Setup(ctx, &box)
	n.must(err)
	equal(t, "network of eth0", setup.Interfaces["eth0"].Network, "2-right")
	// It has another number now, and then it is gone.
	n.bridge("1-left", "10.90.0.0/24")
	w.until("1-left", "2-right")
	n.must(networks.Check(ctx, &Container{ContainerID: "box", NetNS: box.NetNS, Networks: []ContainerNetwork{{Name: "2-right"}}}))
	n.must(os.Remove(filepath.Join(n.netd(), "2-right.conflist")))
	w.until("1-left")
	n.must(networks.Remove(ctx, &box))
	n.nothingLeft()
}
