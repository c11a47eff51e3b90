package libcni

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

func TestFieldsCountAndBytesAreSent(t *testing.T) {
	s := newScene(t, "other")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	list.Name, list.CNIVersion = "renamed", "0.4.0"
	list.Plugins[0].Network.Type = "other"
	list.Plugins[0].Network.Capabilities = map[string]bool{"mac": true}
	rt := s.rt()
	rt.CapabilityArgs = map[string]any{"mac": "02:00:00:00:00:01"}
	ctx, c := context.Background(), s.cni()
	_, err := c.AddNetworkList(ctx, list, rt)
	s.must(err)
	s.must(c.CheckNetworkList(ctx, list, rt))
	s.must(c.DelNetworkList(ctx, list, rt))
	capabilities, err := c.ValidateNetworkList(ctx, list)
	s.must(err)
	equal(t, "capabilities", fmt.Sprint(capabilities), "[mac]")

	if want := []string{"ADD other", "CHECK other", "DEL other"}; !slices.Equal(s.order(), want) {
		t.Errorf("runs: %v", s.order())
	}
	for _, run := range s.runs() {
		equal(t, "type", run.field("type"), `"first"`)
		equal(t, "name", run.field("name"), `"renamed"`)
		equal(t, "version", run.field("cniVersion"), `"0.4.0"`)
		// As in the original: the request is made of the bytes, which declare no capability.
		equal(t, "runtimeConfig", run.field("runtimeConfig"), "")
	}
}

func TestTheCachedConfigurationIsTheListsBytes(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	list.Name, list.Bytes = "renamed", []byte("what the caller wants \xff")
	rt := s.rt()
	rt.Args = [][2]string{{"K", "V"}}
	c := s.cni()
	_, err := c.AddNetworkList(context.Background(), list, rt)
	s.must(err)
	config, cached, err := c.GetNetworkListCachedConfig(&NetworkConfigList{Name: "renamed"}, s.rt())
	s.must(err)
	equal(t, "config", string(config), string(list.Bytes))
	equal(t, "arguments", fmt.Sprint(cached.Args), "[[K V]]")
	attachments, err := c.GetCachedAttachments("c1")
	s.must(err)
	equal(t, "attachments", len(attachments), 1)
	equal(t, "config", string(attachments[0].Config), string(list.Bytes))
	equal(t, "network", attachments[0].Network, "renamed")
}

func TestAZeroValueIsUsableAndPathMayChange(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	rt := s.rt()
	rt.CacheDir = s.caches
	var c CNIConfig
	defer c.Close()
	_, err := c.AddNetworkList(context.Background(), list, rt)
	equal(t, "without a path", err.Error(), `plugin type="first" failed (add): no paths provided`)
	c.Path = []string{"/nowhere", s.bin}
	_, err = c.AddNetworkList(context.Background(), list, rt)
	s.must(err)
	other := c
	other.Path = []string{"/nowhere"}
	if err := other.DelNetworkList(context.Background(), list, rt); err == nil {
		t.Error("a copy has its own path")
	}
	s.must(c.DelNetworkList(context.Background(), list, rt))
}

func TestTheCacheDirectoryIsTheRuntimesThenTheCallsThenTheDefault(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	before := CacheDir
	defer func() { CacheDir = before }()
	CacheDir = filepath.Join(s.caches, "default")
	of := map[string]func() (*CNIConfig, *RuntimeConf){
		"runtime": func() (*CNIConfig, *RuntimeConf) {
			rt := s.rt()
			rt.CacheDir = filepath.Join(s.caches, "call")
			return NewCNIConfigWithCacheDir([]string{s.bin}, filepath.Join(s.caches, "runtime"), nil), rt
		},
		"call": func() (*CNIConfig, *RuntimeConf) {
			rt := s.rt()
			rt.CacheDir = filepath.Join(s.caches, "call")
			return NewCNIConfig([]string{s.bin}, nil), rt
		},
		"default": func() (*CNIConfig, *RuntimeConf) { return NewCNIConfig([]string{s.bin}, nil), s.rt() },
	}
	for dir, make := range of {
		c, rt := make()
		_, err := c.AddNetworkList(context.Background(), list, rt)
		s.must(err)
		if _, err := os.Stat(filepath.Join(s.caches, dir, "results", "net-c1-eth0")); err != nil {
			t.Error(err)
		}
		// Lists and GC know no call.
		attachments, err := c.GetCachedAttachments("")
		s.must(err)
		equal(t, dir, len(attachments), map[string]int{"runtime": 1, "call": 0, "default": 1}[dir])
		s.must(c.DelNetworkList(context.Background(), list, rt))
		s.must(c.Close())
	}
}

func TestCheckWithoutACachedResultAsksThePluginsWithoutOne(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	s.must(s.cni().CheckNetworkList(context.Background(), list, s.rt()))
	runs := s.runs()
	equal(t, "runs", len(runs), 1)
	equal(t, "prevResult", runs[0].field("prevResult"), "")
}

func TestGCWithoutArgumentsDeletesEverythingAndTellsThePluginsNothing(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.1.0", s.plugin("first", fake{}))
	ctx, c := context.Background(), s.cni()
	_, err := c.AddNetworkList(ctx, list, s.rt())
	s.must(err)
	s.must(c.GCNetworkList(ctx, list, nil))
	s.must(c.GCNetworkList(ctx, list, &GCArgs{}))
	if want := []string{"ADD first", "DEL first", "GC first", "GC first"}; !slices.Equal(s.order(), want) {
		t.Fatalf("runs: %v", s.order())
	}
	equal(t, "of nil", s.runs()[2].field("cni.dev/valid-attachments"), "")
	equal(t, "of none", s.runs()[3].field("cni.dev/valid-attachments"), "[]")
	attachments, err := c.GetCachedAttachments("")
	s.must(err)
	equal(t, "attachments", len(attachments), 0)
}

func TestGCIsSwitchedOff(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.1.0", s.plugin("first", fake{}))
	list.DisableGC = true
	s.must(s.cni().GCNetworkList(context.Background(), list, nil))
	equal(t, "runs", len(s.runs()), 0)
}

func TestPluginsSeeTheEnvironmentThatGoSees(t *testing.T) {
	s := newScene(t, "first")
	t.Setenv("LIBCNI_TEST_VARIABLE", "set in Go")
	t.Setenv("CNI_IFNAME", "stale")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	s.must(s.cni().DelNetworkList(context.Background(), list, s.rt()))
	t.Setenv("LIBCNI_TEST_VARIABLE", "not UTF-8: \xff")
	s.must(s.cni().DelNetworkList(context.Background(), list, s.rt()))
	runs := s.runs()
	value, _ := runs[0].env("LIBCNI_TEST_VARIABLE")
	equal(t, "variable", value, "set in Go")
	ifName, _ := runs[0].env("CNI_IFNAME")
	equal(t, "CNI_IFNAME", ifName, "eth0")
	if _, there := runs[1].env("LIBCNI_TEST_VARIABLE"); !there {
		t.Error("a variable that is not UTF-8 got lost")
	}
}

func TestClosingFreesEverythingAndHarmsNobody(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	c := s.cni()
	for range 2 {
		s.must(c.DelNetworkList(context.Background(), list, s.rt()))
		s.must(c.Close())
		s.must(c.Close())
	}
	nothingLives(t)
}

func TestTheGarbageCollectorFreesWhatNobodyClosed(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	func() {
		c := NewCNIConfigWithCacheDir([]string{s.bin}, s.caches, nil)
		s.must(c.DelNetworkList(context.Background(), list, s.rt()))
	}()
	for live.runtimes.Load() > 0 {
		runtime.GC()
	}
	nothingLives(t)
}

func TestACallThatRunsKeepsWhatWasClosed(t *testing.T) {
	owner := new(coreOwner)
	collected := make(chan struct{})
	runtime.AddCleanup(owner, func(struct{}) { close(collected) }, struct{}{})
	shared, err := owner.get(&runtimeSource{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	owner.close()
	owner = nil
	for waiting := true; waiting; {
		runtime.GC()
		select {
		case <-collected:
			waiting = false
		default:
		}
	}
	equal(t, "owners", shared.owners.Load(), 1)
	shared.release()
	nothingLives(t)
}

func nothingLives(t *testing.T) {
	t.Helper()
	equal(t, "runtimes", live.runtimes.Load(), 0)
	equal(t, "networks", live.networks.Load(), 0)
	equal(t, "contexts", live.contexts.Load(), 0)
	equal(t, "texts", live.texts.Load(), 0)
	equal(t, "errors", live.errors.Load(), 0)
}

func TestManyGoroutinesShareOneRuntime(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	c := &CNIConfig{Path: []string{s.bin}}
	errs := make([]error, 8)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Add(1)
		go func() {
			defer wait.Done()
			rt := s.rt()
			rt.ContainerID, rt.CacheDir = fmt.Sprint("c", i), filepath.Join(s.caches, fmt.Sprint(i%2))
			_, add := c.AddNetworkList(context.Background(), list, rt)
			result, err := c.GetNetworkListCachedResult(list, rt)
			if err == nil && result == nil {
				err = errors.New("nothing cached")
			}
			errs[i] = errors.Join(add, err, c.DelNetworkList(context.Background(), list, rt), c.Close())
		}()
	}
	wait.Wait()
	s.must(errors.Join(errs...))
	nothingLives(t)
}
