package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/containerd/go-cni"
	types100 "github.com/containernetworking/cni/pkg/types/100"
)

// Scenes about results, which fake plugins print.

// A network is the list of that name with one fake plugin.
func (s *stage) network(name, version string, does fakeConf) []byte {
	does.Log = s.log
	text, err := json.Marshal(map[string]any{
		"name": name, "cniVersion": version, "plugins": []any{map[string]any{"type": "fake", "fake": does}},
	})
	must(err)
	return []byte(text)
}

// adding is a network whose ADD prints that result.
func (s *stage) adding(name, version, result string) cni.Opt {
	does := fakeConf{}
	must(json.Unmarshal([]byte(result), &does.Add))
	return cni.WithConfListBytes(s.network(name, version, does))
}

const (
	whole = `{
		"interfaces": [
			{"name": "br0", "mac": "02:00:00:00:00:01"},
			{"name": "eth0", "mac": "02:00:00:00:00:02", "sandbox": "/run/netns/c1", "mtu": 1400, "pciID": "0000:00:01.0"},
			{"name": "vhost0", "socketPath": "/run/vhost0"}],
		"ips": [
			{"interface": 1, "address": "10.1.0.2/24", "gateway": "10.1.0.1"},
			{"interface": 1, "address": "fd00::2/64"},
			{"interface": 0, "address": "10.1.0.1/24"}],
		"routes": [
			{"dst": "0.0.0.0/0", "gw": "10.1.0.1"}, {"dst": "10.9.0.0/16", "mtu": 1300, "priority": 5}, {"dst": "::/0"}],
		"dns": {"nameservers": ["10.1.0.1"], "domain": "local", "search": ["a", "b"], "options": ["ndots:1"]}}`
	second = `{
		"interfaces": [{"name": "eth1", "mac": "02:00:00:00:00:03", "sandbox": "/run/netns/c1"}],
		"ips": [{"interface": 0, "address": "10.2.0.2/24", "gateway": "10.2.0.1"}],
		"routes": [{"dst": "10.2.0.0/16"}]}`
	unnamed = `{"ips": [{"address": "10.3.0.2/24", "gateway": "10.3.0.1"}]}`
)

// An adder has the method that go-cni has beside its interface.
type adder interface {
	GetCNIResultFromResults(results []*types100.Result) (*cni.Result, error)
}

// setUp is a scene about what both ways to set a container up return.
func setUp(opts func(*stage) []cni.Opt) func(*stage) {
	return func(s *stage) {
		s.container("c1")
		c := s.cni(opts(s)...)
		result, err := c.SetupSerially(context.Background(), "c1", "/run/netns/c1")
		s.noteResult("serial", result, err)
		must(c.Remove(context.Background(), "c1", "/run/netns/c1"))
		result, err = c.Setup(context.Background(), "c1", "/run/netns/c1")
		s.noteResult("parallel", result, err)
	}
}

var _ = addScenes(map[string]func(*stage){
	"the result of one network": setUp(func(s *stage) []cni.Opt {
		return []cni.Opt{s.adding("a", "1.1.0", whole)}
	}),
	"the results of two networks": setUp(func(s *stage) []cni.Opt {
		return []cni.Opt{s.adding("a", "1.1.0", whole), s.adding("b", "1.0.0", second)}
	}),
	"an address of no interface": setUp(func(s *stage) []cni.Opt {
		return []cni.Opt{s.adding("a", "1.0.0", unnamed)}
	}),
	"addresses of no interface in the second network": setUp(func(s *stage) []cni.Opt {
		return []cni.Opt{s.adding("a", "1.0.0", whole), s.adding("b", "1.0.0", unnamed)}
	}),
	"an address of no interface with another number": setUp(func(s *stage) []cni.Opt {
		conf, err := json.Marshal(map[string]any{
			"name": "a", "cniVersion": "1.0.0", "type": "fake",
			"fake": fakeConf{Log: s.log, Add: map[string]any{"ips": []any{map[string]any{"address": "10.3.0.2/24"}}}},
		})
		must(err)
		return []cni.Opt{cni.WithConfIndex(conf, 5)}
	}),
	"a result without anything": setUp(func(s *stage) []cni.Opt {
		return []cni.Opt{s.adding("a", "1.0.0", `{}`)}
	}),
	"another prefix": setUp(func(s *stage) []cni.Opt {
		return []cni.Opt{cni.WithInterfacePrefix("net"), s.adding("a", "1.0.0", unnamed)}
	}),
	"one interface in two networks": setUp(func(s *stage) []cni.Opt {
		return []cni.Opt{
			s.adding("a", "1.0.0", `{"interfaces": [{"name": "br0", "mac": "02:00:00:00:00:01"}],
				"ips": [{"interface": 0, "address": "10.1.0.1/24"}]}`),
			s.adding("b", "1.0.0", `{"interfaces": [{"name": "br0", "mac": "02:00:00:00:00:01"}],
				"ips": [{"interface": 0, "address": "10.2.0.1/24"}]}`),
		}
	}),
	"results of older versions": func(s *stage) {
		s.container("c1")
		for version, result := range map[string]string{
			"0.2.0": `{"ip4": {"ip": "10.1.0.2/24", "gateway": "10.1.0.1", "routes": [{"dst": "0.0.0.0/0"}]},
				"dns": {"nameservers": ["10.1.0.1"]}}`,
			"0.3.1": `{"interfaces": [{"name": "eth0", "mac": "02:00:00:00:00:02", "sandbox": "/run/netns/c1"}],
				"ips": [{"version": "4", "interface": 0, "address": "10.1.0.2/24", "gateway": "10.1.0.1"}],
				"routes": [{"dst": "0.0.0.0/0"}]}`,
			"0.4.0": `{"ips": [{"version": "6", "address": "fd00::2/64", "gateway": "fd00::1"}]}`,
		} {
			result, err := s.cni(s.adding("a", version, result)).Setup(context.Background(), "c1", "/run/netns/c1")
			s.noteResult(version, result, err)
		}
	},
	"an address of an interface that is not there": func(s *stage) {
		s.container("c1")
		for _, index := range []int{1, 7} {
			result := fmt.Sprintf(
				`{"interfaces": [{"name": "eth0"}], "ips": [{"interface": %d, "address": "10.1.0.2/24"}]}`, index)
			c := s.cni(s.adding("a", "1.0.0", result))
			s.note(fmt.Sprint("panic at ", index), panics(func() {
				_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
				s.noteError(fmt.Sprint("setup at ", index), err, fmt.Sprint(index))
			}))
		}
		s.noteOrder("order")
	},
	"results that are added up without networks": func(s *stage) {
		c := s.cni(cni.WithInterfacePrefix("net")).(adder)
		read := func(texts ...string) (results []*types100.Result) {
			for _, text := range texts {
				result := new(types100.Result)
				must(json.Unmarshal([]byte(text), result))
				results = append(results, result)
			}
			return results
		}
		for name, texts := range map[string][]string{
			"of none":                       {},
			"of nothing":                    {`{}`},
			"of one":                        {whole},
			"of two":                        {whole, second},
			"without an interface":          {second, unnamed},
			"of one interface":              {whole, `{"interfaces": [{"name": "eth0"}], "ips": [{"interface": 0, "address": "10.2.0.1/24"}]}`},
			"null":                          {`{"ips": [null]}`},
			"far behind the last interface": {`{"interfaces": [{"name": "a"}], "ips": [{"interface": 2, "address": "10.2.0.1/24"}]}`},
		} {
			result, err := c.GetCNIResultFromResults(read(texts...))
			s.noteResult(name, result, err)
		}
		for _, index := range []int{-1, 1} {
			text := fmt.Sprintf(`{"interfaces": [{"name": "a"}], "ips": [{"interface": %d, "address": "10.2.0.1/24"}]}`, index)
			s.note(fmt.Sprint("panic at ", index), panics(func() {
				_, err := c.GetCNIResultFromResults(read(text))
				s.noteError(fmt.Sprint("at ", index), err, fmt.Sprint(index))
			}))
		}
	},
	"an answer that is no result": func(s *stage) {
		s.container("c1")
		for _, text := range []string{"", "no JSON", `{"cniVersion": "7.0.0"}`, `{"ips": [{"address": "10.1"}]}`} {
			c := s.cni(cni.WithConfListBytes(s.network("a", "1.0.0", fakeConf{Print: map[string]string{"ADD": text}})))
			_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
			s.noteError("setup with "+text, err)
		}
	},
})

func panics(do func()) (panicked bool) {
	defer func() {
		if value := recover(); value != nil {
			if broken, ok := value.(stageBroken); ok {
				panic(broken)
			}
			panicked = true
		}
	}()
	do()
	return false
}
