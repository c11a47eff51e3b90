package main

import (
	"context"
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

	"github.com/containerd/go-cni"
)

const inStory = "SIDEBYSIDE_STORY"

// TestTheStoryOfContainers is what go-cni's integration test tells: with the reference plugins in the default directory and in
// another one, containers are set up, looked at and removed. It runs with go-cni, and by gocni.mod with gocni.
func TestTheStoryOfContainers(t *testing.T) {
	if os.Getenv(inStory) == "" {
		inPrivateNamespaces(t, plugins(t))
		return
	}
	s := newStage(t.TempDir())
	s.file("10-net.conflist", bridgeAndPorts)
	// The default directory, and a copy of it.
	must(syscall.Mount("tmpfs", "/opt", "tmpfs", 0, ""))
	must(os.CopyFS(cni.DefaultCNIDir, os.DirFS(os.Getenv(inStory))))
	copied := filepath.Join(s.dir, "copied")
	must(os.CopyFS(copied, os.DirFS(os.Getenv(inStory))))
	for _, more := range [][]cni.Opt{nil, {cni.WithPluginDir([]string{copied})}} {
		c, err := cni.New(append([]cni.Opt{cni.WithMinNetworkCount(2), cni.WithPluginConfDir(s.conf)}, more...)...)
		must(err)
		if err := c.Status(); !cni.IsCNINotInitialized(err) {
			t.Error(err)
		}
		must(c.Load(cni.WithLoNetwork, cni.WithDefaultConf))
		must(c.Status())
		s.live(t, c, "alone")
		var all sync.WaitGroup
		for i := range 5 {
			all.Add(1)
			go func() {
				defer all.Done()
				s.live(t, c, fmt.Sprint("c", i))
			}()
		}
		all.Wait()
		if left := reserved("net"); len(left) > 0 {
			t.Error("addresses left: ", left)
		}
		left, err := filepath.Glob("/var/lib/cni/results/*")
		must(err)
		if len(left) > 0 {
			t.Error("attachments left: ", left)
		}
	}
}

// live is the life of one container.
func (s *stage) live(t *testing.T, c cni.CNI, id string) {
	s.container(id)
	defer s.removeContainer(id)
	path, ctx := filepath.Join("/run/netns", id), context.Background()
	opts := []cni.NamespaceOpts{cni.WithLabels(map[string]string{"IgnoreUnknown": "1", "K8S_POD_NAME": id})}
	if id == "alone" {
		opts = append(opts, cni.WithCapabilityPortMap([]cni.PortMapping{
			{HostPort: 8080, ContainerPort: 80, Protocol: "tcp"}, {HostPort: 53, ContainerPort: 53, Protocol: "udp"},
		}))
	}
	result, err := c.Setup(ctx, id, path, opts...)
	if err != nil {
		t.Error(err)
		return
	}
	inside := map[string]iface{}
	for _, i := range s.interfaces(id) {
		inside[i.Name] = i
	}
	if lo := inside["lo"]; !lo.Up || result.Interfaces["lo"] == nil {
		t.Errorf("lo is down: %+v, %+v", lo, result.Interfaces["lo"])
	}
	eth0 := result.Interfaces["eth0"]
	if eth0 == nil || len(eth0.IPConfigs) != 2 || eth0.Sandbox != path {
		t.Errorf("%+v", eth0)
		return
	}
	for i, network := range []string{"10.88.0.0/16", "fd88::/64"} {
		_, of, err := net.ParseCIDR(network)
		must(err)
		ip := eth0.IPConfigs[i]
		bits, _ := of.Mask.Size()
		if !of.Contains(ip.IP) || !of.Contains(ip.Gateway) ||
			!strings.Contains(fmt.Sprint(inside["eth0"].Addresses), fmt.Sprintf("%s/%d", ip.IP, bits)) {
			t.Errorf("%v is not of %s, or not in %v", ip, network, inside["eth0"])
		}
	}
	if len(result.Raw()) != 2 || len(result.DNS) != 2 {
		t.Errorf("%+v", result)
	}
	if id == "alone" {
		s.checkPorts(t, eth0.IPConfigs[0].IP.String())
	}
	// Twice: what is gone is removed.
	if err := errors.Join(c.Remove(ctx, id, path, opts...), c.Remove(ctx, id, path, opts...)); err != nil {
		t.Error(err)
	}
	for _, i := range s.interfaces(id) {
		if i.Name != "lo" {
			t.Errorf("still there: %+v", i)
		}
	}
}

// checkPorts looks for the port mapping in the rules of the firewall.
func (s *stage) checkPorts(t *testing.T, address string) {
	for _, rules := range []string{"iptables-save", "nft list ruleset"} {
		words := strings.Fields(rules)
		if shown, err := exec.Command(words[0], words[1:]...).Output(); err == nil && strings.Contains(string(shown), address+":80") {
			return
		}
	}
	t.Errorf("no rule leads to %s:80", address)
}

// inPrivateNamespaces runs the test again, as root of private namespaces.
func inPrivateNamespaces(t *testing.T, plugins string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var output strings.Builder
	again := exec.Command(program, "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), inStory+"="+plugins, "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	again.SysProcAttr = privateNamespaces()
	again.Stdout, again.Stderr = &output, &output
	if err := again.Start(); err != nil {
		t.Skip("this machine forbids namespaces: ", err)
	}
	if err := again.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &output)
	}
}
