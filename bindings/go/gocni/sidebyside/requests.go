package main

import (
	"context"
	"encoding/json"

	"github.com/containerd/go-cni"
)

// Scenes about what plugins are asked.

// capable is a network whose plugin has all capabilities enabled.
func (s *stage) capable(name string, capabilities ...string) cni.Opt {
	enabled := map[string]bool{}
	for _, capability := range capabilities {
		enabled[capability] = true
	}
	text, err := json.Marshal(map[string]any{"name": name, "cniVersion": "1.0.0", "plugins": []any{map[string]any{
		"type": "fake", "capabilities": enabled, "fake": fakeConf{Log: s.log},
	}}})
	must(err)
	return cni.WithConfListBytes(text)
}

var wellKnown = []string{"portMappings", "ipRanges", "bandwidth", "dns", "cgroupPath", "mac", "io.kubernetes.cri.pod-annotations"}

func everyOption() []cni.NamespaceOpts {
	return []cni.NamespaceOpts{
		cni.WithCapabilityPortMap([]cni.PortMapping{
			{HostPort: 8080, ContainerPort: 80, Protocol: "tcp"},
			{HostPort: 53, ContainerPort: 53, Protocol: "udp", HostIP: "127.0.0.1"},
		}),
		cni.WithCapabilityIPRanges([]cni.IPRanges{
			{Subnet: "10.1.0.0/24", RangeStart: "10.1.0.10", RangeEnd: "10.1.0.20", Gateway: "10.1.0.1"},
			{Subnet: "fd00::/64"},
		}),
		cni.WithCapabilityBandWidth(cni.BandWidth{IngressRate: 1 << 60, IngressBurst: 2, EgressRate: 3, EgressBurst: 4}),
		cni.WithCapabilityDNS(cni.DNS{Servers: []string{"10.1.0.1"}, Searches: []string{"a", "b"}, Options: []string{"ndots:5"}}),
		cni.WithCapabilityCgroupPath("/kubepods/pod1"),
		cni.WithCapability("mac", "02:00:00:00:00:2a"),
		cni.WithCapability("io.kubernetes.cri.pod-annotations", map[string]string{"a": "<&>", "b": "2"}),
		cni.WithLabels(map[string]string{"K8S_POD_NAME": "p", "K8S_POD_NAMESPACE": "n", "IgnoreUnknown": "1"}),
		cni.WithArgs("K8S_POD_NAME", "q"),
		cni.WithArgs("MORE", "x"),
	}
}

// noteRuns keeps what every plugin was asked.
func (s *stage) noteRuns(name string) {
	runs := s.runs()
	for _, r := range runs {
		delete(r.Stdin, "fake")
	}
	s.note(name, runs)
}

var _ = addScenes(map[string]func(*stage){
	"every option of a container": func(s *stage) {
		s.container("c1")
		c := s.cni(s.capable("a", wellKnown...))
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1", everyOption()...)
		must(err)
		must(c.Check(context.Background(), "c1", "/run/netns/c1", everyOption()...))
		must(c.Remove(context.Background(), "c1", "/run/netns/c1", everyOption()...))
		s.noteOrder("order")
		for _, r := range s.runs() {
			s.note(r.Command+" args", r.Args)
			s.note(r.Command+" capabilities", r.Stdin["runtimeConfig"])
		}
	},
	"capabilities that are not enabled": func(s *stage) {
		s.container("c1")
		c := s.cni(s.capable("a", "mac"), s.capable("b"))
		_, err := c.SetupSerially(context.Background(), "c1", "/run/netns/c1", everyOption()...)
		must(err)
		s.noteRuns("runs")
	},
	"no option of a container": func(s *stage) {
		s.container("c1")
		c := s.cni(s.capable("a", wellKnown...))
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.noteRuns("runs")
	},
	"an option that fails": func(s *stage) {
		s.container("c1")
		c := s.cni(s.capable("a"))
		failing := func(*cni.Namespace) error { return context.Canceled }
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1", failing)
		s.noteError("setup", err)
		s.noteError("check", c.Check(context.Background(), "c1", "/run/netns/c1", failing))
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1", failing))
		s.noteRuns("runs")
	},
	"removal with other options than the set-up": func(s *stage) {
		s.container("c1")
		c := s.cni(s.capable("a", "mac"))
		ctx := context.Background()
		_, err := c.Setup(ctx, "c1", "/run/netns/c1", cni.WithCapability("mac", "02:00:00:00:00:01"), cni.WithArgs("A", "1"))
		must(err)
		must(c.Remove(ctx, "c1", "", cni.WithCapability("mac", "02:00:00:00:00:02")))
		s.noteRuns("runs")
	},
	"removal after the network was changed": func(s *stage) {
		s.container("c1")
		s.file("a.conflist", string(s.network("a", "1.0.0", fakeConf{Add: map[string]any{"dns": map[string]any{"domain": "old"}}})))
		c := s.cni(cni.WithDefaultConf)
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.file("a.conflist", string(s.network("a", "1.0.0", fakeConf{Fail: failing("DEL", 11, "the new one", "")})))
		must(c.Load(cni.WithDefaultConf))
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1"))
	},
	"removal after the network is gone": func(s *stage) {
		s.container("c1")
		s.file("a.conflist", string(s.network("a", "1.0.0", fakeConf{})))
		c := s.cni(cni.WithDefaultConf)
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		must(c.Load(cni.WithConfListBytes(s.network("b", "1.0.0", fakeConf{}))))
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1"))
		s.noteOrder("order")
	},
	"removal when nothing is loaded": func(s *stage) {
		s.container("c1")
		c := s.cni(cni.WithConfListBytes(s.network("a", "1.0.0", fakeConf{})))
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		must(c.Load())
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1"))
		s.noteError("again", c.Remove(context.Background(), "c1", "/run/netns/c1"))
		s.noteOrder("order")
	},
})
