package libcni

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	types100 "github.com/containernetworking/cni/pkg/types/100"
)

// netd is the scene's directory of configurations.
func (s *scene) netd() string {
	s.t.Helper()
	dir := filepath.Join(filepath.Dir(s.bin), "net.d")
	s.must(os.MkdirAll(dir, 0o700))
	return dir
}

// write puts a network of one fake plugin, "plugin", into the directory of configurations.
func (s *scene) write(file, name string, does fake) {
	s.t.Helper()
	text := fmt.Sprintf(`{"name":%q,"cniVersion":"1.1.0","plugins":[%s]}`, name, s.plugin("plugin", does))
	s.must(os.WriteFile(filepath.Join(s.netd(), file), []byte(text), 0o600))
}

// networks loads all networks of the directory, without loopback.
func (s *scene) networks(options NetworksOptions) *Networks {
	s.t.Helper()
	return s.networksOf(s.cni(), options)
}

func (s *scene) networksOf(c *CNIConfig, options NetworksOptions) *Networks {
	s.t.Helper()
	options.ConfDir, options.DisableLoopback = s.netd(), true
	if options.Sources == nil {
		options.Sources = []Source{{Load: LoadAll}}
	}
	n, err := NewNetworks(c, options)
	s.must(err)
	s.t.Cleanup(func() { n.Close() })
	return n
}

// container is one whose network namespace is there, as far as can be seen without looking into it.
func (s *scene) container() *Container {
	netns := filepath.Join(filepath.Dir(s.bin), "netns")
	s.must(os.WriteFile(netns, nil, 0o600))
	return &Container{ContainerID: "c1", NetNS: netns}
}

// asked are the runs so far as "COMMAND network interface".
func (s *scene) asked() []string {
	s.t.Helper()
	var asked []string
	for _, run := range s.runs() {
		ifName, _ := run.env("CNI_IFNAME")
		asked = append(asked, strings.TrimSpace(fmt.Sprintf("%s %s %s", run.Command, strings.Trim(run.field("name"), `"`), ifName)))
	}
	return asked
}

// failing is the error with that status.
func failing(t *testing.T, err error, status Status) *Error {
	t.Helper()
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("no libcni.Error in %#v", err)
	}
	equal(t, "status", known.Status, status)
	return known
}

func TestAContainerIsAttachedToAllNetworksOfADirectory(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("20-b.conflist", "b", fake{})
	s.write("10-a.conflist", "a", fake{})
	n, container, ctx := s.networks(NetworksOptions{}), s.container(), context.Background()
	_, err := n.Setup(ctx, container)
	s.must(err)
	s.must(n.Check(ctx, container))
	s.must(n.Status(ctx))
	container.NetNS = ""
	s.must(n.Remove(ctx, container))
	equal(t, "runs", fmt.Sprint(s.asked()), fmt.Sprint([]string{
		"ADD a eth0", "ADD b eth1", "CHECK a eth0", "CHECK b eth1", "STATUS a", "STATUS b", "DEL b eth1", "DEL a eth0",
	}))
	s.must(n.Remove(ctx, container))
	attachments, err := s.cni().GetCachedAttachments("")
	s.must(err)
	equal(t, "attachments", len(attachments), 0)

	metrics, err := n.Metrics()
	s.must(err)
	for operation, want := range map[string]uint64{
		"set_up_pod": 1, "tear_down_pod": 2, "check_pod": 1, "get_pod_network_status": 1, "add": 2, "del": 4,
	} {
		got := metrics[operation]
		equal(t, operation, fmt.Sprint(got.Total, got.Errors), fmt.Sprint(want, 0))
		equal(t, operation+" within their time", got.Buckets[10*time.Second] <= want && got.Duration > 0, true)
	}
	var text strings.Builder
	s.must(n.WritePrometheus(&text))
	if !strings.Contains(text.String(), "network_plugin_operations_total{operation_type=\"tear_down_pod\"} 2\n") {
		t.Error(text.String())
	}
}

func TestTheResultsOfAllNetworksAreAddedUp(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{Add: &action{Stdout: json.RawMessage(`{"cniVersion": "1.1.0",
		"interfaces": [{"name": "veth0", "mac": "00:00:00:00:00:01"},
			{"name": "eth0", "mac": "00:00:00:00:00:02", "sandbox": "/x", "mtu": 1400, "pciID": "0000:01", "socketPath": "/s"}],
		"ips": [{"address": "10.0.0.5/24", "gateway": "10.0.0.1", "interface": 1}, {"address": "fd00::5/64", "interface": 1}],
		"routes": [{"dst": "0.0.0.0/0", "gw": "10.0.0.1"}], "dns": {"nameservers": ["10.0.0.1"]}}`)}})
	s.write("2.conflist", "b", fake{Add: &action{Stdout: json.RawMessage(`{"cniVersion": "0.4.0",
		"ips": [{"version": "4", "address": "10.1.0.5/24"}], "routes": [{"dst": "10.2.0.0/16"}]}`)}})
	setup, err := s.networks(NetworksOptions{}).Setup(context.Background(), s.container())
	s.must(err)
	equal(t, "interfaces", len(setup.Interfaces), 3)
	eth0 := *setup.Interfaces["eth0"]
	ips := eth0.IPs
	eth0.IPs = nil
	equal(t, "eth0", fmt.Sprintf("%+v", eth0),
		"{Network:a Mac:00:00:00:00:00:02 Mtu:1400 Sandbox:/x PciID:0000:01 SocketPath:/s IPs:[]}")
	equal(t, "addresses", fmt.Sprint(&ips[0].Address, ips[0].Gateway, &ips[1].Address, ips[1].Gateway),
		"10.0.0.5/24 10.0.0.1 fd00::5/64 <nil>")
	equal(t, "veth0", setup.Interfaces["veth0"].Mac, "00:00:00:00:00:01")
	equal(t, "eth1", setup.Interfaces["eth1"].IPs[0].Address.String(), "10.1.0.5/24")
	equal(t, "dns", fmt.Sprint(setup.DNS[0].Nameservers, len(setup.DNS), setup.DNS[1].Nameservers), "[10.0.0.1] 2 []")
	equal(t, "routes", fmt.Sprint(&setup.Routes[0].Dst, setup.Routes[0].GW, &setup.Routes[1].Dst),
		"0.0.0.0/0 10.0.0.1 10.2.0.0/16")
	for i, want := range []string{"a eth0 10.0.0.5/24", "b eth1 10.1.0.5/24"} {
		of := setup.Results[i]
		result, err := types100.NewResultFromResult(of.Result)
		s.must(err)
		equal(t, "result", fmt.Sprint(of.Network, " ", of.IfName, " ", result.IPs[0].Address.String()), want)
	}
	s.write("2.conflist", "b", fake{Add: &action{Stdout: json.RawMessage(
		`{"cniVersion": "1.1.0", "ips": [{"address": "10.1.0.5/24", "interface": 7}]}`)}})
	_, err = s.networks(NetworksOptions{}).Setup(context.Background(), s.container())
	failing(t, err, StatusInvalidResult)
}

func TestNetworksComeFromSourcesOfEveryKindInTheirOrder(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "first", fake{})
	s.write("2.conflist", "second", fake{})
	confFile := filepath.Join(s.log, "file.conf")
	s.must(os.WriteFile(confFile, []byte(`{"name": "conf-file", "cniVersion": "1.0.0", "type": "plugin"}`), 0o600))
	five := 5
	const exact = `{ "name": "list",  "cniVersion": "1.0.0", "plugins": [ {"type": "plugin", "big": 18446744073709551615} ] }`
	n := s.networks(NetworksOptions{InterfacePrefix: "net", Sources: []Source{
		{ConfFile: confFile},
		{ConfList: []byte(exact), Index: &five},
		{Conf: []byte(`{"name": "conf", "cniVersion": "1.0.0", "type": "plugin"}`)},
		{ConfListFile: filepath.Join(s.netd(), "2.conflist")},
		{Dir: s.netd()},
	}})
	config, err := n.Config()
	s.must(err)
	var loaded []string
	for _, network := range config.Networks {
		loaded = append(loaded, network.Name+" "+network.IfName+" "+filepath.Base(network.Path))
	}
	equal(t, "loaded", fmt.Sprint(loaded), fmt.Sprint([]string{
		"conf-file net0 file.conf", "list net5 .", "conf net2 .", "second net3 2.conflist", "first net4 1.conflist",
	}))
	equal(t, "text", string(config.Networks[1].Bytes), exact)
	list, err := config.Networks[1].List()
	s.must(err)
	equal(t, "list", fmt.Sprint(list.Name, list.CNIVersion, list.Plugins[0].Network.Type), "list1.0.0plugin")
	equal(t, "options", fmt.Sprint(config.ConfDir, config.InterfacePrefix, config.PluginDirs, config.Generation),
		fmt.Sprint(s.netd(), "net", []string{s.bin}, 1))

	for _, wrong := range []Source{
		{}, {ConfFile: "/a", Conf: []byte("{}")}, {Dir: "/a", Index: &five}, {Load: "some"},
	} {
		_, err := n.Load(wrong)
		failing(t, err, StatusInvalidArgument)
	}
	_, err = n.Load(Source{ConfListFile: "/nowhere.conflist"})
	equal(t, "path", failing(t, err, StatusIO).Path, "/nowhere.conflist")
	_, err = n.Load(Source{ConfList: []byte{}})
	failing(t, err, StatusInvalidConfig)
	again, err := n.Load()
	s.must(err)
	equal(t, "generation after loads without a change", again.Generation, 1)
	other, err := n.Load(Source{Load: LoadDefault})
	s.must(err)
	equal(t, "others", fmt.Sprint(len(other.Networks), other.Networks[0].Name, other.Generation), "1first2")
}

func TestAFileThatCannotBeLoadedIsReported(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	s.must(os.WriteFile(filepath.Join(s.netd(), "0.conflist"), []byte("{"), 0o600))
	config, err := s.networks(NetworksOptions{}).Config()
	s.must(err)
	equal(t, "networks", len(config.Networks), 1)
	equal(t, "errors", len(config.Errors), 1)
	equal(t, "path", config.Errors[0].Path, filepath.Join(s.netd(), "0.conflist"))
	if err := error(config.Errors[0]); !strings.Contains(err.Error(), "0.conflist") {
		t.Error(err)
	}
}

func TestHowManyNetworksThereMustAndMayBe(t *testing.T) {
	s := newScene(t, "plugin")
	ctx := context.Background()
	failing(t, s.networks(NetworksOptions{}).Status(ctx), StatusNetworkNotFound)
	s.must(s.networks(NetworksOptions{MinNetworks: -1}).Status(ctx))
	for _, name := range []string{"a", "b", "c"} {
		s.write(name+".conflist", name, fake{})
	}
	s.must(s.networks(NetworksOptions{}).Status(ctx))
	failing(t, s.networks(NetworksOptions{MinNetworks: 4}).Status(ctx), StatusNetworkNotFound)
	config, err := s.networks(NetworksOptions{MaxNetworks: 2}).Config()
	s.must(err)
	equal(t, "networks", len(config.Networks), 2)
}

func TestAContainerHasItsOwnArgumentsAndNetworks(t *testing.T) {
	s := newScene(t, "plugin")
	for _, name := range []string{"a", "b"} {
		text := fmt.Sprintf(`{"name":%q,"cniVersion":"1.1.0","plugins":[{"type":"plugin","fake":{"log":%q},
			"capabilities":{"mac":true,"ips":true}}]}`, name, s.log)
		s.must(os.WriteFile(filepath.Join(s.netd(), name+".conflist"), []byte(text), 0o600))
	}
	container := s.container()
	container.Args = [][2]string{{"IgnoreUnknown", "1"}, {"K", "V"}}
	container.CapabilityArgs = map[string]any{"mac": "02:00:00:00:00:01"}
	container.Networks = []ContainerNetwork{
		{Name: "b", IfName: "net9", Args: [][2]string{{"K", "W"}}, CapabilityArgs: map[string]any{"ips": []string{"10.0.0.9"}}},
	}
	n, ctx := s.networks(NetworksOptions{}), context.Background()
	_, err := n.Setup(ctx, container)
	s.must(err)
	s.must(n.Remove(ctx, container))
	equal(t, "runs", fmt.Sprint(s.asked()), "[ADD b net9 DEL b net9]")
	run := s.runs()[0]
	args, _ := run.env("CNI_ARGS")
	equal(t, "args", args, "IgnoreUnknown=1;K=W")
	equal(t, "capabilities", run.field("runtimeConfig"), `{"ips":["10.0.0.9"],"mac":"02:00:00:00:00:01"}`)
	container.Networks = []ContainerNetwork{}
	_, err = n.Setup(ctx, container)
	s.must(err)
	equal(t, "runs", len(s.runs()), 2)
	container.Networks = []ContainerNetwork{{Name: "nobody"}}
	_, err = n.Setup(ctx, container)
	failing(t, err, StatusNetworkNotFound)
}

func TestAttachmentsAreRememberedWhereTheCallSays(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("a.conflist", "a", fake{})
	n := s.networksOf(&CNIConfig{Path: []string{s.bin}}, NetworksOptions{})
	container := s.container()
	container.CacheDir = filepath.Join(s.log, "cache")
	_, err := n.Setup(context.Background(), container)
	s.must(err)
	results, err := filepath.Glob(filepath.Join(container.CacheDir, "results", "*"))
	s.must(err)
	equal(t, "remembered", len(results), 1)
	s.must(n.Remove(context.Background(), container))
}

func TestASetUpThatFailsIsUndoneAndAllErrorsAreTold(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		s := newScene(t, "plugin")
		s.write("1.conflist", "good", fake{})
		s.write("2.conflist", "bad", fake{
			Add: &action{Text: `{"code":11,"msg":"busy","details":"try later"}`, Stderr: "taken", Exit: 1},
			Del: &action{Text: `{"code":101,"msg":"no"}`, Exit: 1},
		})
		container := s.container()
		container.Parallel = &parallel
		n := s.networks(NetworksOptions{})
		_, err := n.Setup(context.Background(), container)
		known := failing(t, err, StatusPlugin)
		equal(t, "code", known.Code, 11)
		var object *types.Error
		if !errors.As(err, &object) || object.Msg != "busy" || object.Details != "try later" {
			t.Errorf("not the plugin's error: %#v", object)
		}
		equal(t, "causes", len(known.Causes), 2)
		equal(t, "of ADD", fmt.Sprint(*known.Causes[0].Attachment, known.Causes[0].Command, known.Causes[0].Stderr),
			"{c1 bad eth1}ADDtaken")
		equal(t, "of DEL", fmt.Sprint(*known.Causes[1].Attachment, known.Causes[1].Command, known.Causes[1].Code),
			"{c1 bad eth1}DEL101")
		asked := s.asked()
		slices.Sort(asked[:2]) // at the same time in parallel
		equal(t, "runs", fmt.Sprint(asked), "[ADD bad eth1 ADD good eth0 DEL bad eth1 DEL good eth0]")
		attachments, err := s.cni().GetCachedAttachments("c1")
		s.must(err)
		// What could not be undone is still remembered, so that Remove can try again.
		for _, attachment := range attachments {
			equal(t, "remembered", attachment.Network, "bad")
		}

		s.forget()
		left := s.networks(NetworksOptions{DisableUndo: true, Parallel: parallel})
		_, err = left.Setup(context.Background(), s.container())
		equal(t, "causes without undo", len(failing(t, err, StatusPlugin).Causes), 1)
		equal(t, "runs without undo", len(s.runs()), 2)
	}
}

func TestRemoveGoesOnAfterFailures(t *testing.T) {
	s := newScene(t, "plugin")
	failure := &action{Text: `{"code":101,"msg":"no"}`, Exit: 1}
	s.write("1.conflist", "a", fake{Del: failure, Check: failure, State: failure})
	s.write("2.conflist", "b", fake{Del: failure, Check: failure, State: failure})
	n, container, ctx := s.networks(NetworksOptions{}), s.container(), context.Background()
	_, err := n.Setup(ctx, container)
	s.must(err)
	for name, err := range map[string]error{
		"Remove": n.Remove(ctx, container), "Check": n.Check(ctx, container), "Status": n.Status(ctx),
	} {
		known := failing(t, err, StatusPlugin)
		equal(t, name, fmt.Sprint(known.Code, len(known.Causes)), "101 2")
	}
}

func TestWhatIsWrongWithAContainerShowsBeforeAPluginRuns(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	n, ctx := s.networks(NetworksOptions{}), context.Background()
	for _, container := range []*Container{
		{ContainerID: "c1", NetNS: "/nowhere"}, {ContainerID: "c1"},
	} {
		_, err := n.Setup(ctx, container)
		known := failing(t, err, StatusInvalidArgument)
		equal(t, "code", known.Code, types.ErrInvalidNetNS)
		var object *types.Error
		if !errors.As(err, &object) || object.Msg != known.Message {
			t.Errorf("%+v", object)
		}
	}
	bad := s.container()
	bad.ContainerID = "a/b"
	_, err := n.Setup(ctx, bad)
	failing(t, err, StatusInvalidArgument)
	equal(t, "runs", len(s.runs()), 0)
	unchecked := s.networks(NetworksOptions{DisableNetNSCheck: true})
	_, err = unchecked.Setup(ctx, &Container{ContainerID: "c1", NetNS: "not a path"})
	s.must(err)
}

func TestADeadlineEndsASetUpWhichIsUndoneAllTheSame(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		s := newScene(t, "plugin")
		fifo := s.fifo()
		s.write("1.conflist", "stuck", fake{Add: &action{Fifo: fifo, Hang: true, Child: true}})
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		failed := make(chan error)
		go func() {
			_, err := s.networks(NetworksOptions{Parallel: parallel}).Setup(ctx, s.container())
			failed <- err
		}()
		untilGone := untilRunning(t, fifo)
		err := <-failed
		untilGone()
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("not the deadline's error: %v", err)
		}
		failing(t, err, StatusTimeout)
		equal(t, "runs", fmt.Sprint(s.asked()), "[ADD stuck eth0 DEL stuck eth0]")
	}
}

func TestACancellationEndsARemoval(t *testing.T) {
	s := newScene(t, "plugin")
	fifo := s.fifo()
	s.write("1.conflist", "stuck", fake{Del: &action{Fifo: fifo, Hang: true}})
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error)
	n := s.networks(NetworksOptions{})
	go func() { failed <- n.Remove(ctx, s.container()) }()
	untilGone := untilRunning(t, fifo)
	cancel()
	err := <-failed
	untilGone()
	failing(t, err, StatusCancelled)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := n.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAnExecOfNetworksIsCalledInParallelAndKeepsItsErrors(t *testing.T) {
	for _, byContainer := range []bool{false, true} {
		s := newScene(t)
		for i := range 8 {
			s.write(fmt.Sprint(i, ".conflist"), fmt.Sprint("n", i), fake{})
		}
		mine := &myError{7}
		var together sync.WaitGroup
		together.Add(8)
		exec := &execFunc{exec: func(_ context.Context, _ string, stdin []byte, env []string) ([]byte, error) {
			run := pluginRun{Env: env, Stdin: stdin}
			if command, _ := run.env("CNI_COMMAND"); command != "ADD" {
				return nil, nil
			}
			name := run.field("name")
			together.Done()
			together.Wait()
			if name == `"n0"` {
				return []byte(`{"cniVersion":"1.1.0"}`), nil
			}
			return nil, &named{name, mine}
		}}
		n, container := s.networksOf(s.with(exec), NetworksOptions{Parallel: !byContainer}), s.container()
		if byContainer {
			container.Parallel = &byContainer
		}
		_, err := n.Setup(context.Background(), container)
		known := failing(t, err, StatusCallback)
		equal(t, "causes", len(known.Causes), 7)
		for i, cause := range known.Causes {
			name := fmt.Sprint("n", i+1)
			var found *myError
			if !errors.As(cause, &found) || found != mine {
				t.Errorf("not the error that was returned: %#v", cause)
			}
			equal(t, "network", cause.Attachment.NetworkName, name)
			if want := fmt.Sprintf("%q: mine 7", name); !strings.Contains(cause.Error(), want) || !strings.Contains(err.Error(), want) {
				t.Errorf("no %s in %v", want, err)
			}
		}
	}
}

// named is an error that is made without anything that goroutines share.
type named struct {
	name string
	error
}

func (n *named) Error() string { return n.name + ": " + n.error.Error() }

func (n *named) Unwrap() error { return n.error }

func TestAPanicOfAnExecOfNetworksSurfacesInTheCaller(t *testing.T) {
	s := newScene(t)
	s.write("1.conflist", "a", fake{})
	s.write("2.conflist", "b", fake{})
	n := s.networksOf(s.with(&execFunc{exec: func(context.Context, string, []byte, []string) ([]byte, error) {
		panic("mine")
	}}), NetworksOptions{Parallel: true})
	defer func() { equal(t, "panic", recover(), any("mine")) }()
	_, err := n.Setup(context.Background(), s.container())
	t.Errorf("returned %v", err)
}

func TestPluginsInTheProcessServeNetworksInParallel(t *testing.T) {
	s := newScene(t)
	c := s.inside(map[string]Plugin{"plugin": stateless{}})
	for i := range 8 {
		s.write(fmt.Sprint(i, ".conflist"), fmt.Sprint("n", i), fake{})
	}
	n := s.networksOf(c, NetworksOptions{Parallel: true})
	// They live as long as the networks.
	s.must(c.Close())
	runtime.GC()
	setup, err := n.Setup(context.Background(), s.container())
	s.must(err)
	equal(t, "results", len(setup.Results), 8)
	s.must(n.Remove(context.Background(), s.container()))
}

func TestWhatPluginsOfNetworksWriteToStderrIsPassedOnOneAfterTheOther(t *testing.T) {
	s := newScene(t, "plugin")
	for i := range 4 {
		s.write(fmt.Sprint(i, ".conflist"), fmt.Sprint("n", i), fake{Add: &action{Stderr: "a warning\n"}})
	}
	var stderr bytes.Buffer
	var inside atomic.Int32
	writer := writerFunc(func(text []byte) (int, error) {
		equal(t, "writers inside", inside.Add(1), 1)
		// The others come meanwhile.
		time.Sleep(20 * time.Millisecond)
		defer inside.Add(-1)
		return stderr.Write(text)
	})
	c := NewCNIConfigWithCacheDir([]string{s.bin}, s.caches, defaultExec(writer))
	defer c.Close()
	_, err := s.networksOf(c, NetworksOptions{Parallel: true}).Setup(context.Background(), s.container())
	s.must(err)
	equal(t, "stderr", stderr.String(), strings.Repeat("a warning\n", 4))
}

func TestManyGoroutinesShareNetworksThatAreLoadedMeanwhile(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	n := s.networks(NetworksOptions{})
	failed := make(chan error)
	for i := range 8 {
		go func() {
			container := s.container()
			container.ContainerID = fmt.Sprint("c", i)
			_, setup := n.Setup(context.Background(), container)
			_, load := n.Load()
			failed <- errors.Join(setup, load, n.Remove(context.Background(), container))
		}()
	}
	for range 8 {
		s.must(<-failed)
	}
}

func TestClosedNetworksAreFreedWhenTheirCallsAreOver(t *testing.T) {
	s := newScene(t, "plugin")
	fifo := s.fifo()
	s.write("1.conflist", "a", fake{Del: &action{Fifo: fifo, Hang: true}})
	n := s.networks(NetworksOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error)
	go func() { failed <- n.Remove(ctx, s.container()) }()
	untilGone := untilRunning(t, fifo)
	s.must(n.Close())
	s.must(n.Close())
	equal(t, "alive", live.networks.Load(), 1)
	cancel()
	failing(t, <-failed, StatusCancelled)
	untilGone()
	nothingLives(t)
	_, load := n.Load()
	_, config := n.Config()
	_, setup := n.Setup(context.Background(), s.container())
	_, metrics := n.Metrics()
	for _, err := range []error{
		load, config, setup, metrics, n.Status(context.Background()), n.Check(context.Background(), s.container()),
		n.Remove(context.Background(), s.container()), n.WritePrometheus(new(bytes.Buffer)),
	} {
		equal(t, "error", err, ErrClosed)
	}
}

func TestTheGarbageCollectorFreesNetworks(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	func() {
		n, err := NewNetworks(s.cni(), NetworksOptions{ConfDir: s.netd()})
		s.must(err)
		s.must(n.Status(context.Background()))
	}()
	for live.networks.Load() > 0 {
		runtime.GC()
	}
}
