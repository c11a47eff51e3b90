package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/go-cni"
)

// Scenes with the reference plugins, found in the directory that PLUGINS names.

const (
	bridgeAndPorts = `{"cniVersion": "1.0.0", "name": "net", "plugins": [
		{"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "promiscMode": true,
			"ipam": {"type": "host-local",
				"ranges": [[{"subnet": "10.88.0.0/16"}], [{"subnet": "fd88::/64"}]],
				"routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}},
		{"type": "portmap", "capabilities": {"portMappings": true}}]}`
	bridgeWithRanges = `{"cniVersion": "1.0.0", "name": "net", "plugins": [
		{"type": "bridge", "bridge": "cni0", "capabilities": {"ipRanges": true}, "ipam": {"type": "host-local"}}]}`
	bridgeAlone = `{"cniVersion": "1.0.0", "name": "more", "plugins": [
		{"type": "bridge", "bridge": "cni1", "ipam": {"type": "host-local", "subnet": "10.99.0.0/24"}}]}`
)

// reals is a CNI of the reference plugins. The stage's own host gets its loopback interface up.
func (s *stage) reals(more ...cni.Opt) cni.CNI {
	for _, file := range []string{"/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"} {
		// The plugins would do so; where it is forbidden they need not.
		_ = os.WriteFile(file, []byte("1"), 0)
	}
	c, err := cni.New(append([]cni.Opt{
		cni.WithPluginDir([]string{os.Getenv("PLUGINS")}), cni.WithPluginConfDir(s.conf),
	}, more...)...)
	must(err)
	return c
}

// noteSetUp keeps what does not differ from run to run: names of veths and hardware addresses do.
func (s *stage) noteSetUp(name string, result *cni.Result, err error) {
	s.noteError(name+" error", err)
	if err != nil {
		return
	}
	seen := map[string]any{}
	for interfaceName, config := range result.Interfaces {
		if strings.HasPrefix(interfaceName, "veth") {
			interfaceName = "veth"
		}
		ips := []string{}
		for _, ip := range config.IPConfigs {
			ips = append(ips, fmt.Sprint(ip.IP, " by ", ip.Gateway))
		}
		seen[interfaceName] = map[string]any{"sandbox": config.Sandbox, "has a mac": config.Mac != "", "ips": ips}
	}
	raw := []string{}
	for _, result := range result.Raw() {
		addresses := []string{}
		for _, ip := range result.IPs {
			addresses = append(addresses, fmt.Sprint(ip.Address.String(), " of ", result.Interfaces[*ip.Interface].Name))
		}
		raw = append(raw, strings.Join(addresses, ", "))
	}
	s.note(name, map[string]any{"interfaces": seen, "dns": result.DNS, "routes": result.Routes, "raw": raw})
}

// reserved are the addresses that host-local has given away.
func reserved(network string) []string {
	addresses := []string{}
	entries, err := os.ReadDir(filepath.Join("/var/lib/cni/networks", network))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		must(err)
	}
	for _, entry := range entries {
		if strings.ContainsAny(entry.Name(), "0123456789") && !strings.Contains(entry.Name(), "last_reserved") {
			addresses = append(addresses, entry.Name())
		}
	}
	return addresses
}

var twoPorts = cni.WithCapabilityPortMap([]cni.PortMapping{
	{HostPort: 8080, ContainerPort: 80, Protocol: "tcp"}, {HostPort: 53, ContainerPort: 53, Protocol: "udp"},
})

func init() {
	steps["set up"] = func(s *stage) {
		c := s.reals(cni.WithLoNetwork, cni.WithDefaultConf)
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1", twoPorts)
		must(err)
	}
}

var _ = addScenes(map[string]func(*stage){
	"real: the life of a container": func(s *stage) {
		s.file("10-net.conflist", bridgeAndPorts)
		s.container("c1")
		c := s.reals(cni.WithMinNetworkCount(2))
		must(c.Load(cni.WithLoNetwork, cni.WithDefaultConf))
		must(c.Status())
		ctx := context.Background()
		ports := cni.WithCapabilityPortMap([]cni.PortMapping{{HostPort: 8080, ContainerPort: 80, Protocol: "tcp"}})
		result, err := c.Setup(ctx, "c1", "/run/netns/c1", ports)
		s.noteSetUp("setup", result, err)
		s.note("inside", s.interfaces("c1"))
		s.note("reserved", reserved("net"))
		s.noteError("check", c.Check(ctx, "c1", "/run/netns/c1", ports))
		s.noteError("remove", c.Remove(ctx, "c1", "/run/netns/c1", ports))
		s.note("inside afterwards", s.interfaces("c1"))
		s.note("reserved afterwards", reserved("net"))
		s.noteError("remove again", c.Remove(ctx, "c1", "/run/netns/c1", ports))
		s.noteError("remove without a namespace", c.Remove(ctx, "c1", "", ports))
	},
	"real: a container that the other set up": func(s *stage) {
		s.file("10-net.conflist", bridgeAndPorts)
		s.container("c1")
		other := exec.Command(os.Getenv("OTHER"), "set up", s.dir)
		other.Stderr = os.Stderr
		must(other.Run())
		s.note("inside", s.interfaces("c1"))
		s.note("reserved", reserved("net"))
		c := s.reals(cni.WithLoNetwork, cni.WithDefaultConf)
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1", twoPorts))
		s.note("inside afterwards", s.interfaces("c1"))
		s.note("reserved afterwards", reserved("net"))
		remembered, err := filepath.Glob("/var/lib/cni/results/*")
		must(err)
		s.note("remembered afterwards", len(remembered))
		rules, err := exec.Command("iptables", "-t", "nat", "-S").Output()
		if err == nil {
			s.note("rules afterwards", strings.Contains(string(rules), "10.88."))
		}
	},
	"real: two networks": func(s *stage) {
		s.file("10-net.conflist", bridgeAndPorts)
		s.file("20-more.conflist", bridgeAlone)
		for _, way := range []string{"serially", "at the same time"} {
			s.container("c1")
			c := s.reals(cni.WithLoNetwork, cni.WithAllConf)
			setUp := c.Setup
			if way == "serially" {
				setUp = c.SetupSerially
			}
			result, err := setUp(context.Background(), "c1", "/run/netns/c1")
			s.noteSetUp(way, result, err)
			s.note(way+", inside", s.interfaces("c1"))
			s.noteError(way+", remove", c.Remove(context.Background(), "c1", "/run/netns/c1"))
			s.removeContainer("c1")
		}
	},
	"real: a check without loopback": func(s *stage) {
		s.file("10-net.conflist", bridgeAndPorts)
		s.container("c1")
		c := s.reals(cni.WithDefaultConf)
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.noteError("check", c.Check(context.Background(), "c1", "/run/netns/c1"))
	},
	"real: no program for loopback": func(s *stage) {
		s.file("10-net.conflist", bridgeAlone)
		s.container("c1")
		for _, plugin := range []string{"bridge", "host-local"} {
			must(os.Symlink(filepath.Join(os.Getenv("PLUGINS"), plugin), filepath.Join(s.bin, plugin)))
		}
		c := s.cni(cni.WithLoNetwork, cni.WithDefaultConf)
		result, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		s.noteSetUp("setup", result, err)
	},
	"real: ranges of addresses": func(s *stage) {
		s.container("c1")
		c := s.reals(cni.WithConfListBytes([]byte(bridgeWithRanges)))
		result, err := c.Setup(context.Background(), "c1", "/run/netns/c1", cni.WithCapabilityIPRanges([]cni.IPRanges{
			{Subnet: "10.77.0.0/24", RangeStart: "10.77.0.50", RangeEnd: "10.77.0.60", Gateway: "10.77.0.9"},
			{Subnet: "fd77::/64"},
		}))
		s.noteSetUp("setup", result, err)
	},
	"real: the namespace goes first": func(s *stage) {
		s.file("10-net.conflist", bridgeAndPorts)
		s.container("c1")
		c := s.reals(cni.WithLoNetwork, cni.WithDefaultConf)
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.removeContainer("c1")
		s.noteError("remove", c.Remove(context.Background(), "c1", ""))
		s.note("reserved afterwards", reserved("net"))
	},
	"real: a set-up that fails": func(s *stage) {
		s.file("10-net.conflist", bridgeAlone)
		s.file("20-broken.conflist", `{"cniVersion": "1.0.0", "name": "broken", "plugins": [
			{"type": "bridge", "bridge": "cni2", "ipam": {"type": "host-local", "subnet": "10.98.0.0/29", "rangeStart": "10.1.0.1"}}]}`)
		s.container("c1")
		c := s.reals(cni.WithAllConf)
		_, err := c.SetupSerially(context.Background(), "c1", "/run/netns/c1")
		s.noteError("setup", err)
		names := []string{}
		for _, i := range s.interfaces("c1") {
			names = append(names, i.Name)
		}
		s.note("inside afterwards", names)
		s.note("reserved afterwards", reserved("more"))
	},
	"real: many containers at the same time": func(s *stage) {
		s.file("10-net.conflist", bridgeAndPorts)
		const many = 8
		c := s.reals(cni.WithMinNetworkCount(2), cni.WithLoNetwork, cni.WithDefaultConf)
		for i := range many {
			s.container(fmt.Sprint("c", i))
		}
		// The first one makes the bridge.
		ctx := context.Background()
		_, err := c.Setup(ctx, "first", "/run/netns/c0")
		must(err)
		must(c.Remove(ctx, "first", "/run/netns/c0"))
		var all sync.WaitGroup
		addresses, errs := make([]string, many), make([]error, 3*many)
		for i := range many {
			all.Add(1)
			go func() {
				defer all.Done()
				id, path := fmt.Sprint("c", i), fmt.Sprint("/run/netns/c", i)
				result, err := c.Setup(ctx, id, path)
				if err != nil {
					errs[i] = err
					return
				}
				addresses[i] = result.Interfaces["eth0"].IPConfigs[0].IP.String()
				// Somebody loads meanwhile.
				errs[many+i] = c.Load(cni.WithLoNetwork, cni.WithDefaultConf)
			}()
		}
		all.Wait()
		must(errors.Join(errs...))
		slices.Sort(addresses)
		s.note("different addresses", len(slices.Compact(addresses)))
		for i := range many {
			all.Add(1)
			go func() {
				defer all.Done()
				errs[2*many+i] = c.Remove(ctx, fmt.Sprint("c", i), fmt.Sprint("/run/netns/c", i))
			}()
		}
		all.Wait()
		s.noteError("remove", errors.Join(errs...))
		s.note("reserved afterwards", reserved("net"))
	},
})
