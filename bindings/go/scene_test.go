package libcni

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A scene is a directory with fake plugins, a log of how they were run, and a cache.
type scene struct {
	t                *testing.T
	bin, log, caches string
}

func newScene(t *testing.T, plugins ...string) *scene {
	t.Helper()
	dir := t.TempDir()
	s := &scene{t, filepath.Join(dir, "bin"), filepath.Join(dir, "log"), filepath.Join(dir, "cache")}
	for _, dir := range []string{s.bin, s.log} {
		s.must(os.Mkdir(dir, 0o700))
	}
	program, err := os.Executable()
	s.must(err)
	for _, plugin := range plugins {
		s.must(os.Symlink(program, filepath.Join(s.bin, plugin)))
	}
	return s
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// cni is a runtime with the scene's plugins and cache.
func (s *scene) cni() *CNIConfig {
	c := NewCNIConfigWithCacheDir([]string{s.bin}, s.caches, nil)
	s.t.Cleanup(func() { c.Close() })
	return c
}

// plugin is the configuration of a fake plugin.
func (s *scene) plugin(name string, does fake) string {
	does.Log = s.log
	text, err := marshal(map[string]any{"type": name, "fake": does})
	s.must(err)
	return string(text)
}

// network is a list of such configurations.
func (s *scene) network(version string, plugins ...string) *NetworkConfigList {
	s.t.Helper()
	text := fmt.Sprintf(`{"name":"net","cniVersion":%q,"plugins":[%s]}`, version, strings.Join(plugins, ","))
	list, err := NetworkConfFromBytes([]byte(text))
	s.must(err)
	return list
}

func (s *scene) rt() *RuntimeConf {
	return &RuntimeConf{ContainerID: "c1", NetNS: "/run/netns/c1", IfName: "eth0"}
}

// runs are the runs of the plugins so far.
func (s *scene) runs() []pluginRun {
	s.t.Helper()
	var runs []pluginRun
	for i := 0; ; i++ {
		text, err := os.ReadFile(filepath.Join(s.log, fmt.Sprint(i, ".json")))
		if os.IsNotExist(err) {
			return runs
		}
		s.must(err)
		var run pluginRun
		s.must(json.Unmarshal(text, &run))
		runs = append(runs, run)
	}
}

// order has the runs so far as "COMMAND plugin".
func (s *scene) order() []string {
	s.t.Helper()
	return order(s.runs())
}

func order(runs []pluginRun) []string {
	var order []string
	for _, run := range runs {
		order = append(order, run.Command+" "+run.Plugin)
	}
	return order
}

// forget clears the log and the cache.
func (s *scene) forget() {
	s.must(os.RemoveAll(s.log))
	s.must(os.Mkdir(s.log, 0o700))
	s.must(os.RemoveAll(s.caches))
}

func (s *scene) fifo() string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "fifo")
	s.must(syscall.Mkfifo(path, 0o600))
	return path
}

// env is the value of a variable of the run, and whether it is there.
func (r *pluginRun) env(name string) (string, bool) {
	for _, variable := range r.Env {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// field is a member of the run's stdin, as it was written.
func (r *pluginRun) field(name string) string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(r.Stdin, &members); err != nil {
		return err.Error()
	}
	var out bytes.Buffer
	if err := json.Compact(&out, members[name]); err != nil {
		return ""
	}
	return out.String()
}

// untilRunning waits until the plugin behind the fifo runs; the function that it returns waits until nobody is left
// who has it.
func untilRunning(t *testing.T, fifo string) (untilGone func()) {
	t.Helper()
	file, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(file)
	if _, err := reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		defer file.Close()
		if rest, err := reader.ReadString('\n'); err == nil || rest != "" {
			t.Fatalf("the plugin wrote %q after it was ended", rest)
		}
	}
}

func ignoreTerm() {
	signal.Ignore(syscall.SIGTERM)
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}
