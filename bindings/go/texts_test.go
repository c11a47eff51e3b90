package libcni

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"
)

// Texts and runtimes are kept from call to call; what is changed between two calls counts in the second, also when it
// is changed in place.
func TestWhatIsChangedBetweenCallsCounts(t *testing.T) {
	s := newScene(t, "first", "second")
	list := s.network("1.0.0", s.plugin("first", fake{}), s.plugin("second", fake{}))
	list.Plugins[0].Bytes = fmt.Appendf(nil, `{"type":"first","mtu":1400,"fake":{"log":%q}}`, s.log)
	c, ctx := s.cni(), context.Background()
	for _, change := range []struct {
		name   string
		change func()
		want   string
	}{
		{"nothing", func() {}, `DEL second,DEL first "net" "1.0.0" 1400`},
		{"nothing again", func() {}, `DEL second,DEL first "net" "1.0.0" 1400`},
		{"bytes in place", func() { copy(list.Plugins[0].Bytes[22:], "9") }, `DEL second,DEL first "net" "1.0.0" 9400`},
		{"type", func() { list.Plugins[0].Network.Type = "second" }, `DEL second,DEL second "net" "1.0.0" 9400`},
		{"version", func() { list.CNIVersion = "0.4.0" }, `DEL second,DEL second "net" "0.4.0" 9400`},
		{"fewer plugins", func() { list.Plugins = list.Plugins[:1] }, `DEL second "net" "0.4.0" 9400`},
		{"name", func() { list.Name = "other" }, `DEL second "other" "0.4.0" 9400`},
		{"name back", func() { list.Name = "net" }, `DEL second "net" "0.4.0" 9400`},
	} {
		s.forget()
		change.change()
		s.must(c.DelNetworkList(ctx, list, s.rt()))
		runs, text := s.runs(), ""
		for i, run := range order(runs) {
			if i > 0 {
				text += ","
			}
			text += run
		}
		last := runs[len(runs)-1]
		equal(t, change.name, fmt.Sprint(text, " ", last.field("name"), " ", last.field("cniVersion"), " ", last.field("mtu")), change.want)
	}
}

func TestWhatIsRememberedIsWhatTheListSaysNow(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	c, ctx := s.cni(), context.Background()
	for _, own := range []string{"first", "other"} {
		list.Bytes = append(list.Bytes[:0], own...)
		_, err := c.AddNetworkList(ctx, list, s.rt())
		s.must(err)
		config, _, err := c.GetNetworkListCachedConfig(list, s.rt())
		s.must(err)
		equal(t, "remembered", string(config), own)
	}
	// One plugin on its own has the list's name, and bytes of its own.
	plugin := *list.Plugins[0]
	network := *plugin.Network
	network.Name, network.CNIVersion = list.Name, list.CNIVersion
	plugin.Network = &network
	_, err := c.AddNetwork(ctx, &plugin, s.rt())
	s.must(err)
	config, _, err := c.GetNetworkCachedConfig(&plugin, s.rt())
	s.must(err)
	equal(t, "remembered of one plugin", string(config), string(plugin.Bytes))
}

func TestOnlySoManyTextsAreKept(t *testing.T) {
	s := newScene(t)
	list := s.network("1.0.0", `{"type":"none"}`)
	c := s.cni()
	for i := range 3 * mostNetworkTexts {
		list.Name = fmt.Sprint("n", i)
		if _, _, err := c.arguments(networkOf(list), s.rt()); err != nil {
			t.Fatal(err)
		}
	}
	if kept := len(c.core.networks.known); kept == 0 || kept > mostNetworkTexts {
		t.Errorf("%d texts", kept)
	}
}

func TestPluginsInheritTheEnvironmentAsItIsNow(t *testing.T) {
	s := newScene(t, "first", "plugin")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	s.write("1.conflist", "a", fake{})
	c, n := s.cni(), s.networks(NetworksOptions{})
	for _, value := range []string{"one", "two", "two"} {
		t.Setenv("LIBCNI_TEST_VALUE", value)
		s.forget()
		s.must(c.DelNetworkList(context.Background(), list, s.rt()))
		s.must(n.Remove(context.Background(), s.container()))
		for i, run := range s.runs() {
			got, _ := run.env("LIBCNI_TEST_VALUE")
			equal(t, fmt.Sprint("run ", i), got, value)
		}
		equal(t, "runs", len(s.runs()), 2)
	}
}

// TestNetworksTellOfTheEnvironmentOnlyWhenItChanged: plugins see it as it is at every call.
func TestNetworksTellOfTheEnvironmentOnlyWhenItChanged(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	const name = "LIBCNI_TEST_VALUE"
	t.Setenv(name, "at first")
	n := s.networks(NetworksOptions{})
	if told := n.core.newEnvironment(); told != nil {
		t.Errorf("told of %v", told)
	}
	seen := func() (string, bool) {
		s.forget()
		s.must(n.Remove(context.Background(), s.container()))
		return s.runs()[0].env(name)
	}
	for _, value := range []string{"at first", "later", "not UTF-8: \xff", "at first"} {
		t.Setenv(name, value)
		got, there := seen()
		// What JSON cannot carry is only looked for.
		if utf8.ValidString(value) {
			equal(t, "value", got, value)
		}
		equal(t, "is there", there, true)
	}
	s.must(os.Unsetenv(name))
	if got, there := seen(); there {
		t.Errorf("still there: %q", got)
	}
}

func TestWithoutAnExecStderrGoesToThatOfTheProcess(t *testing.T) {
	s := newScene(t, "first", "plugin")
	list := s.network("1.0.0", s.plugin("first", fake{Del: &action{Stderr: "a warning\n"}}))
	s.write("1.conflist", "a", fake{Del: &action{Stderr: "a warning\n"}})
	c, n := s.cni(), s.networks(NetworksOptions{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	file, err := os.Create(filepath.Join(s.t.TempDir(), "stderr"))
	s.must(err)
	defer func(stderr *os.File) { os.Stderr = stderr }(os.Stderr)
	os.Stderr = file
	for _, ctx := range []context.Context{context.Background(), ctx} {
		s.must(c.DelNetworkList(ctx, list, s.rt()))
		s.must(n.Remove(ctx, s.container()))
	}
	text, err := os.ReadFile(file.Name())
	s.must(err)
	equal(t, "stderr", string(text), "a warning\na warning\na warning\na warning\n")
	// The original's Exec without a place for it drops it.
	quiet := NewCNIConfigWithCacheDir([]string{s.bin}, s.caches, defaultExec(nil))
	defer quiet.Close()
	s.must(quiet.DelNetworkList(ctx, list, s.rt()))
	after, err := os.ReadFile(file.Name())
	s.must(err)
	equal(t, "stderr of a quiet one", string(after), string(text))
}

func TestTheRuntimesSideIsWrittenAsByTheJSONPackage(t *testing.T) {
	type asMarshalled struct {
		ContainerID    string         `json:"containerId"`
		NetNS          string         `json:"netns"`
		IfName         string         `json:"ifName"`
		Args           [][2]string    `json:"cniArgs,omitempty"`
		CapabilityArgs map[string]any `json:"capabilityArgs,omitempty"`
	}
	for _, text := range []string{"", "a", `"`, `\`, "<&>", "\x00\n\x1f", "\x7f", "é", "\u2028", "\xff", "~ "} {
		for _, args := range [][][2]string{nil, {}, {{text, ""}}, {{"K", text}, {text, "V"}, {"", text}}} {
			for _, capabilityArgs := range []map[string]any{nil, {}, {"b": text, "a": []any{1, nil}}, {text: map[string]string{}}} {
				rt := RuntimeConf{ContainerID: text, NetNS: "/" + text, IfName: text + "0", Args: args, CapabilityArgs: capabilityArgs}
				want, err := marshal(asMarshalled{rt.ContainerID, rt.NetNS, rt.IfName, rt.Args, rt.CapabilityArgs})
				if err != nil {
					t.Fatal(err)
				}
				got, err := runtimeText(&rt, 0)
				equal(t, "the text", fmt.Sprint(string(got)+"}", err), fmt.Sprint(string(want), error(nil)))
			}
		}
	}
	_, err := runtimeText(&RuntimeConf{CapabilityArgs: map[string]any{"a": make(chan int)}}, 0)
	equal(t, "what cannot be written", fmt.Sprint(err), "json: unsupported type: chan int")
}
