package main

// A difference is one on purpose: docs/GO.md has each. The place is a way through what was seen, and what is there is
// JSON, empty when nothing is.
type difference struct {
	place, theirs, ours string
}

const (
	succeeds = `"succeeds"`
	failsAs  = `{}` // with an error of no kind that could be asked for
	invalid  = `{"is invalid config": true}`

	// The values of every capability, as in the CNI conventions, and with the names of Go's fields.
	conventional = `{
		"portMappings": [
			{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
			{"hostPort": 53, "containerPort": 53, "protocol": "udp", "hostIP": "127.0.0.1"}],
		"ipRanges": [
			[{"subnet": "10.1.0.0/24", "rangeStart": "10.1.0.10", "rangeEnd": "10.1.0.20", "gateway": "10.1.0.1"}],
			[{"subnet": "fd00::/64"}]],
		"bandwidth": {"ingressRate": 1152921504606846976, "ingressBurst": 2, "egressRate": 3, "egressBurst": 4},
		"dns": {"servers": ["10.1.0.1"], "searches": ["a", "b"], "options": ["ndots:5"]},
		"cgroupPath": "/kubepods/pod1", "mac": "02:00:00:00:00:2a",
		"io.kubernetes.cri.pod-annotations": {"a": "<&>", "b": "2"}}`
	ofGoFields = `{
		"portMappings": [
			{"HostPort": 8080, "ContainerPort": 80, "Protocol": "tcp", "HostIP": ""},
			{"HostPort": 53, "ContainerPort": 53, "Protocol": "udp", "HostIP": "127.0.0.1"}],
		"ipRanges": [
			{"Subnet": "10.1.0.0/24", "RangeStart": "10.1.0.10", "RangeEnd": "10.1.0.20", "Gateway": "10.1.0.1"},
			{"Subnet": "fd00::/64", "RangeStart": "", "RangeEnd": "", "Gateway": ""}],
		"bandwidth": {"IngressRate": 1152921504606846976, "IngressBurst": 2, "EgressRate": 3, "EgressBurst": 4},
		"dns": {"Servers": ["10.1.0.1"], "Searches": ["a", "b"], "Options": ["ndots:5"]},
		"cgroupPath": "/kubepods/pod1", "mac": "02:00:00:00:00:2a",
		"io.kubernetes.cri.pod-annotations": {"a": "<&>", "b": "2"}}`

	noInterface = `{"IPConfigs": null, "Mac": "", "Sandbox": "", "PciID": "", "SocketPath": ""}`
	notEmpty    = `{"IPConfigs": [{"IP": "10.3.0.2", "Gateway": "10.3.0.1"}], "Mac": "", "Sandbox": "", "PciID": "", "SocketPath": ""}`
	noGateway   = `{"IPConfigs": [{"IP": "10.3.0.2", "Gateway": ""}], "Mac": "", "Sandbox": "", "PciID": "", "SocketPath": ""}`
	bothOfBr0   = `[{"IP": "10.1.0.1", "Gateway": ""}, {"IP": "10.2.0.1", "Gateway": ""}]`
	lastOfBr0   = `[{"IP": "10.2.0.1", "Gateway": ""}]`
	attached    = `{"has a mac": true, "ips": ["10.99.0.2 by 10.99.0.1"], "sandbox": "/run/netns/c1"}`
	invalidIs   = `{"is invalid result": true}`
	notThere    = `{"object": {"code": 8, "msg": "the network namespace /run/netns/missing does not exist"}}`
	notNamed    = `{"object": {"code": 8, "msg": "the container has no network namespace: netns is empty"}}`
)

// both are the differences of a set-up in either way.
func both(place, theirs, ours string) []difference {
	return []difference{{"serial|" + place, theirs, ours}, {"parallel|" + place, theirs, ours}}
}

// differences are all that there are, by scene.
var differences = map[string][]difference{
	// Loading.
	"an empty directory":        notInitialized("load default", "load all"),
	"no directory":              notInitialized("load"),
	"a directory that is none":  {{"load|is read failure", "", "true"}},
	"a prefix that is too long": {{"new", succeeds, `{"is invalid config": true, "object": {"code": 4, "msg": "interface name is too long", "details": "interface name should be less than 16 characters"}}`}},
	"broken files of a directory": brokenFiles(
		"cut off", "no name", "no plugins", "no plugin in plugins", "a plugin without a type", "one plugin without a type",
		"a list in a .conf", "one plugin in a .conflist", "not an object", "empty"),
	"broken texts and files": append(brokenTexts(
		"one plugin", "one plugin without a type", "a list", "no text", "a list without a name", "one plugin's file",
		"a list's file"),
		difference{"a list without plugins, new", succeeds, invalid},
		difference{"a list without plugins, load", succeeds, `{"is invalid config": true, "is load": true}`},
		difference{"one plugin's missing file, new|is read failure", "", "true"},
		difference{"one plugin's missing file, load|is read failure", "", "true"},
		difference{"one plugin's missing file, load|is no file", "", "true"},
		difference{"a list's missing file, new|is read failure", "", "true"},
		difference{"a list's missing file, load|is read failure", "", "true"},
		difference{"a list's missing file, load|is no file", "", "true"},
	),
	"loading again": {
		{"broken|is invalid config", "", "true"},
		{"broken names", `["lo cni-loopback"]`, `["lo cni-loopback", "eth0 b"]`},
		{"broken status", `{"is not initialized": true}`, succeeds},
		{"gone|is not initialized", "", "true"},
		{"gone names", `["lo cni-loopback"]`, `[]`},
	},
	"loopback": {
		{"behind the directory", `["eth0 a", "lo cni-loopback"]`, `["lo cni-loopback", "eth0 a"]`},
		{"between lists", `["eth0 a", "lo cni-loopback", "eth2 b"]`, `["lo cni-loopback", "eth0 a", "eth2 b"]`},
		{"twice", `["lo cni-loopback", "lo cni-loopback"]`, `["lo cni-loopback"]`},
		{"config|Networks|0|Config|CNIVersion", `"0.3.1"`, `"1.0.0"`},
		{
			"config|Networks|0|Config|Source",
			`{"cniVersion": "0.3.1", "name": "cni-loopback", "plugins": [{"type": "loopback"}]}`,
			`{"cniVersion": "1.0.0", "name": "cni-loopback", "plugins": [{"type": "loopback"}]}`,
		},
	},
	"settings behind what they are for": {
		{"prefix", `["eth0 c"]`, `["net0 c"]`},
		{"directory", `{"is not initialized": true}`, succeeds},
	},
	"a network with drop-in plugins": {{
		"source",
		`{"name": "a", "cniVersion": "1.0.0", "plugins": [{"type": "fake", "number": 10, "capabilities": {"portMappings": true}}]}`,
		`{"name": "a", "cniVersion": "1.0.0", "plugins": [{"type": "fake", "number": 10, "capabilities": {"portMappings": true}}, {"type": "other"}, {"type": "fake", "x": 1}]}`,
	}},

	// What plugins are asked.
	"every option of a container": {
		{"ADD capabilities", ofGoFields, conventional},
		{"CHECK capabilities", ofGoFields, conventional},
		{"DEL capabilities", ofGoFields, conventional},
	},
	"removal with other options than the set-up": {
		{"runs|1|Args", `[""]`, `["A=1"]`},
		{"runs|1|Stdin|runtimeConfig|mac", `"02:00:00:00:00:02"`, `"02:00:00:00:00:01"`},
	},
	"removal after the network was changed": {{"remove", `{"object": {"code": 11, "msg": "the new one"}}`, succeeds}},
	"removal after the network is gone": {
		{"order", `["ADD a eth0", "DEL b eth0"]`, `["ADD a eth0", "DEL b eth0", "DEL a eth0"]`},
	},
	"removal when nothing is loaded": {
		{"remove", `{"is not initialized": true}`, succeeds},
		{"order", `["ADD a eth0"]`, `["ADD a eth0", "DEL a eth0"]`},
	},

	// Results.
	"addresses of no interface in the second network": append(
		both("result|Interfaces|eth0|IPConfigs",
			`[{"IP": "10.1.0.2", "Gateway": "10.1.0.1"}, {"IP": "fd00::2", "Gateway": ""}, {"IP": "10.3.0.2", "Gateway": "10.3.0.1"}]`,
			`[{"IP": "10.1.0.2", "Gateway": "10.1.0.1"}, {"IP": "fd00::2", "Gateway": ""}]`),
		both("result|Interfaces|eth1", "", notEmpty)...),
	"an address of no interface with another number": append(
		both("result|Interfaces|eth0", noGateway, noInterface),
		both("result|Interfaces|eth5", "", noGateway)...),
	"one interface in two networks": append(
		both("result|Interfaces|br0|IPConfigs", lastOfBr0, bothOfBr0),
		both("result|Interfaces|eth1", "", noInterface)...),
	"an address of an interface that is not there": {
		{"panic at 1", "true", "false"},
		{"setup at 1", "", `{"is invalid result": true, "says 1": true}`},
		{"order", `["ADD a eth0", "ADD a eth0"]`, `["ADD a eth0", "DEL a eth0", "ADD a eth0", "DEL a eth0"]`},
	},
	"results that are added up without networks": {
		{"panic at -1", "true", "false"},
		{"at -1", "", `{"is invalid result": true, "says -1": true}`},
		{"panic at 1", "true", "false"},
		{"at 1", "", `{"is invalid result": true, "says 1": true}`},
	},
	"an answer that is no result": {
		{"setup with ", failsAs, invalidIs},
		{"setup with no JSON", failsAs, invalidIs},
		{`setup with {"cniVersion": "7.0.0"}`, failsAs, invalidIs},
		{`setup with {"ips": [{"address": "10.1"}]}`, failsAs, invalidIs},
	},

	// Failures.
	"a set-up that fails, one after the other": {
		{`setup|says "b"`, "false", "true"},
		{"order", `["ADD a eth0", "ADD b eth1"]`, `["ADD a eth0", "ADD b eth1", "DEL b eth1", "DEL a eth0"]`},
	},
	"a set-up that fails, at the same time": {
		{"tells both", "false", "true"},
		{
			"commands",
			`["ADD a eth0", "ADD b eth1", "ADD c eth2"]`,
			`["ADD a eth0", "ADD b eth1", "ADD c eth2", "DEL a eth0", "DEL b eth1", "DEL c eth2"]`,
		},
	},
	"a network namespace that is not there": {
		{"setup", succeeds, notThere},
		{"setup without", succeeds, notNamed},
		{"order", `["ADD a eth0", "ADD a eth0"]`, `[]`},
	},
	"a removal that fails": {{
		"order",
		`["ADD a eth0", "ADD b eth1", "ADD c eth2", "DEL a eth0", "DEL b eth1"]`,
		`["ADD a eth0", "ADD b eth1", "ADD c eth2", "DEL c eth2", "DEL b eth1", "DEL a eth0"]`,
	}},
	"a removal that fails with words of success": {
		{"remove", succeeds, `{"object": {"code": 100, "msg": "iptables: executable file not found in $PATH"}}`},
		{"remove without a namespace", succeeds, `{"object": {"code": 100, "msg": "open /var/lib/b: no such file or directory"}}`},
	},
	"a check that fails": {{
		"order",
		`["ADD a eth0", "ADD b eth1", "CHECK a eth0"]`,
		`["ADD a eth0", "ADD b eth1", "CHECK a eth0", "CHECK b eth1"]`,
	}},
	"a check of what was never set up": {
		{"check", succeeds, `{"is not found": true}`},
		{"order", `["CHECK a eth0"]`, `[]`},
	},
	"status": {{
		"order", `["STATUS new ", "STATUS new "]`, `["STATUS new ", "STATUS new ", "STATUS other "]`,
	}},
	"a call that is cancelled": {
		{"setup", `{"object": {"code": 0, "msg": "netplugin failed with no error message: signal: killed"}}`, `{"is cancelled": true}`},
		{"order", `["ADD a eth0"]`, `["ADD a eth0", "DEL a eth0"]`},
	},

	// OpenTelemetry.
	"spans": {
		{
			"calls",
			`["cni.Setup [cni.id=c1 cni.path=/run/netns/c1] failed: false", "cni.Check [cni.id=c1 cni.path=/run/netns/c1] failed: false",
				"cni.Remove [cni.id=c1 cni.path=/run/netns/c1] failed: false", "cni.SetupSerially [cni.id=c1 cni.path=/run/netns/c1] failed: false"]`,
			`["cni.Setup [cni.id=c1 cni.path=/run/netns/c1] failed: false", "cni.Check [cni.id=c1 cni.path=/run/netns/c1] failed: false",
				"cni.Remove [cni.id=c1 cni.path=/run/netns/c1] failed: false", "cni.SetupSerially [cni.id=c1 cni.path=/run/netns/c1] failed: true"]`,
		},
		{
			"networks",
			`["cni.asynchAttach [cni.index=0 cni.ifname=eth0 cni.name=a] failed: false",
				"cni.attachNetworksSerially [cni.ifname=eth0 cni.name=a] failed: true"]`,
			`[]`,
		},
	},

	// Real plugins.
	"real: the life of a container": {{"check", failsAs, succeeds}},
	"real: no program for loopback": {
		{"setup error", failsAs, succeeds},
		{"setup", "", `{
			"interfaces": {
				"cni1": {"has a mac": true, "ips": [], "sandbox": ""}, "veth": {"has a mac": true, "ips": [], "sandbox": ""},
				"eth0": ` + attached + `,
				"lo": {"has a mac": true, "ips": ["127.0.0.1 by <nil>", "::1 by <nil>"], "sandbox": "/run/netns/c1"}},
			"dns": [{}, {}], "routes": null,
			"raw": ["127.0.0.1/8 of lo, ::1/128 of lo", "10.99.0.2/24 of eth0"]}`},
	},
	"real: ranges of addresses": {
		{
			"setup error",
			`{"object": {"code": 999, "msg": "json: cannot unmarshal object into Go struct field .runtimeConfig.ipRanges of type allocator.RangeSet"}}`,
			succeeds,
		},
		{"setup", "", `{
			"interfaces": {
				"cni0": {"has a mac": true, "ips": [], "sandbox": ""}, "veth": {"has a mac": true, "ips": [], "sandbox": ""},
				"eth0": {"has a mac": true, "ips": ["10.77.0.50 by 10.77.0.9", "fd77::2 by fd77::1"], "sandbox": "/run/netns/c1"}},
			"dns": [{}], "routes": null, "raw": ["10.77.0.50/24 of eth0, fd77::2/64 of eth0"]}`},
	},
	"real: a set-up that fails": {
		{"inside afterwards", `["eth0", "eth1", "lo"]`, `["lo"]`},
		{"reserved afterwards", `["10.99.0.2"]`, `[]`},
	},
}

func notInitialized(names ...string) (differences []difference) {
	for _, name := range names {
		differences = append(differences, difference{name + "|is not initialized", "", "true"})
	}
	return differences
}

func brokenFiles(names ...string) (differences []difference) {
	for _, name := range names {
		for _, way := range []string{", default", ", all"} {
			differences = append(differences, difference{name + way + "|is invalid config", "", "true"})
		}
	}
	return differences
}

func brokenTexts(names ...string) (differences []difference) {
	for _, name := range names {
		differences = append(differences,
			difference{name + ", new", failsAs, invalid}, difference{name + ", load|is invalid config", "", "true"})
	}
	return differences
}
