package cni

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/containernetworking/cni/pkg/types"

	libcni "github.com/libcni/libcni/bindings/go"
)

// What holds side by side with go-cni is in the module sidebyside. Here is what go-cni cannot play.

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gocni")
	if err != nil {
		panic(err)
	}
	// Attachments of these tests are remembered beside those of the machine.
	libcni.CacheDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A scene is a directory with plugins, which are shell scripts.
type scene struct {
	t   *testing.T
	bin string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	return &scene{t, t.TempDir()}
}

// plugin is the list of one plugin, with that script in front of a success.
func (s *scene) plugin(name, script string) Opt {
	text := "#!/bin/sh\ncat >/dev/null\n" + script + "\n[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.1.0\"}'\nexit 0\n"
	must(s.t, os.WriteFile(filepath.Join(s.bin, name), []byte(text), 0o700))
	return WithConfListBytes(fmt.Appendf(nil, `{"name": %q, "cniVersion": "1.1.0", "plugins": [{"type": %q}]}`, name, name))
}

func (s *scene) cni(opts ...Opt) CNI {
	s.t.Helper()
	c, err := New(append([]Opt{WithPluginDir([]string{s.bin})}, opts...)...)
	must(s.t, err)
	return c
}

func (s *scene) fifo() string {
	path := filepath.Join(s.t.TempDir(), "fifo")
	must(s.t, syscall.Mkfifo(path, 0o600))
	return path
}

// untilRunning waits until somebody writes a line into the fifo. What it returns waits until nobody is left who has
// it open.
func (s *scene) untilRunning(fifo string) (untilGone func()) {
	s.t.Helper()
	file, err := os.Open(fifo)
	must(s.t, err)
	reader := bufio.NewReader(file)
	_, err = reader.ReadString('\n')
	must(s.t, err)
	return func() {
		s.t.Helper()
		defer file.Close()
		if rest, err := reader.ReadString('\n'); err == nil || rest != "" {
			s.t.Errorf("it wrote %q after it was ended", rest)
		}
	}
}

// hanging tells the fifo that it runs, and does not end; nor does its child, which has its pipes: go-cni would wait for it.
func hanging(command, fifo string) string {
	return fmt.Sprintf("if [ $CNI_COMMAND = %s ]; then exec 3>%s; echo runs >&3; sleep 600 & sleep 600; fi", command, fifo)
}

const netns = "/proc/self/ns/net"

func TestNoCallWaitsForAPluginOfAnother(t *testing.T) {
	s := newScene(t)
	fifo := s.fifo()
	hangs, works := s.plugin("hangs", hanging("ADD", fifo)), s.plugin("works", "")
	c := s.cni(hangs)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := c.Setup(ctx, t.Name(), netns)
		done <- err
	}()
	untilGone := s.untilRunning(fifo)
	// go-cni would hold its lock: Load would wait for the plugin, and everybody else for Load.
	must(t, c.Load(works))
	must(t, c.Status())
	if name := c.GetConfig().Networks[0].Config.Name; name != "works" {
		t.Error(name)
	}
	_, err := c.Setup(context.Background(), t.Name()+"-2", netns)
	must(t, err)
	must(t, c.Remove(context.Background(), t.Name()+"-2", netns))
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	untilGone()
}

func TestTheEndOfAContextEndsACall(t *testing.T) {
	for _, command := range []string{"ADD", "CHECK", "DEL", "STATUS"} {
		t.Run(command, func(t *testing.T) {
			s := newScene(t)
			fifo := s.fifo()
			c := s.cni(s.plugin("hangs", hanging(command, fifo)))
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if command != "ADD" {
				_, err := c.Setup(ctx, command, netns)
				must(t, err)
			}
			done := make(chan error)
			go func() {
				switch command {
				case "ADD":
					_, err := c.SetupSerially(ctx, command, netns)
					done <- err
				case "CHECK":
					done <- c.Check(ctx, command, netns)
				case "DEL":
					done <- c.Remove(ctx, command, netns)
				case "STATUS":
					done <- c.(interface{ StatusWithContext(context.Context) error }).StatusWithContext(ctx)
				}
			}()
			untilGone := s.untilRunning(fifo)
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			untilGone()
		})
	}
}

// TestContainersComeAndGoWhileTheDirectoryChanges: whatever was loaded when a container was set up, and whatever is when it is
// removed, each of its ADDs has a DEL by the same plugin, and nothing is left.
func TestContainersComeAndGoWhileTheDirectoryChanges(t *testing.T) {
	s := newScene(t)
	dir, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	for _, plugin := range []string{"one", "two"} {
		s.plugin(plugin, `echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME ${0##*/}" >>`+log)
	}
	list := func(name, plugin string) []byte {
		return fmt.Appendf(nil, `{"name": %q, "cniVersion": "1.0.0", "plugins": [{"type": %q}]}`, name, plugin)
	}
	must(t, os.WriteFile(filepath.Join(dir, "0.conflist"), list("net0", "one"), 0o600))
	c := s.cni(WithPluginConfDir(dir), WithAllConf)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		file := func(i int) string { return filepath.Join(dir, fmt.Sprint(i%3, ".conflist")) }
		for i := 0; ; i++ {
			// New networks, other plugins, files that are cut off, and files that go.
			text := list(fmt.Sprint("net", i%5), []string{"one", "two"}[i%2])
			if i%7 == 0 {
				text = text[:20]
			}
			if err := os.WriteFile(file(i), text, 0o600); err != nil {
				t.Error(err)
			}
			if i%4 == 0 {
				os.Remove(file(i + 1))
			}
			if err := c.Load(WithAllConf); err != nil && !IsInvalidConfig(err) && !IsReadFailure(err) && !IsCNINotInitialized(err) {
				t.Error(err)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	}()
	var workers sync.WaitGroup
	var attached atomic.Int32
	for worker := range 8 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			setUp := []func(context.Context, string, string, ...NamespaceOpts) (*Result, error){c.Setup, c.SetupSerially}[worker%2]
			for i := range 12 {
				id, ctx := fmt.Sprint(t.Name(), worker, "-", i), context.Background()
				// Two files may have one network's name for a moment, and a moment may have none.
				_, err := setUp(ctx, id, netns)
				if err == nil {
					attached.Add(1)
				}
				if removed := c.Remove(ctx, id, netns); removed != nil && (err == nil || !IsCNINotInitialized(removed)) {
					t.Error(removed)
				}
			}
		}()
	}
	workers.Wait()
	close(done)
	<-ended
	lines, err := os.ReadFile(log)
	must(t, err)
	open := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(string(lines)), "\n") {
		command, of, _ := strings.Cut(line, " ")
		open[of] = command == "ADD"
	}
	for of, isOpen := range open {
		if isOpen {
			t.Error("never removed: ", of)
		}
	}
	for _, plugin := range []string{"one", "two"} {
		if !strings.Contains(string(lines), " "+plugin+"\n") {
			t.Errorf("the plugin %s never ran; %d containers were attached", plugin, attached.Load())
		}
	}
	left, err := filepath.Glob(filepath.Join(libcni.CacheDir, "results", "*"+t.Name()+"*"))
	must(t, err)
	if len(left) > 0 {
		t.Error("attachments left: ", left)
	}
}

func TestAnErrorHasEveryFailure(t *testing.T) {
	s := newScene(t)
	failing := func(name string, code int) Opt {
		return s.plugin(name, fmt.Sprintf(
			`if [ $CNI_COMMAND = ADD ]; then echo '{"cniVersion": "1.1.0", "code": %d, "msg": "no %s"}'; exit 1; fi`, code, name))
	}
	_, err := s.cni(failing("a", 101), s.plugin("b", ""), failing("c", 103)).Setup(context.Background(), t.Name(), netns)
	var object *types.Error
	if !errors.As(err, &object) || object.Code != 101 || object.Msg != "no a" {
		t.Error(err)
	}
	var known *libcni.Error
	if !errors.As(err, &known) || len(known.Causes) != 2 {
		t.Fatalf("%+v", known)
	}
	for i, want := range []libcni.AttachmentKey{{ContainerID: t.Name(), NetworkName: "a", IfName: "eth0"}, {ContainerID: t.Name(), NetworkName: "c", IfName: "eth2"}} {
		if cause := known.Causes[i]; *cause.Attachment != want || cause.Code != uint(101+2*i) {
			t.Errorf("%+v", cause)
		}
	}
}

func TestStatusTellsWhyNothingIsLoaded(t *testing.T) {
	s := newScene(t)
	dir := t.TempDir()
	c := s.cni(WithPluginConfDir(dir))
	file := filepath.Join(dir, "net.conflist")
	must(t, os.WriteFile(file, []byte(`{"name":`), 0o600))
	if err := c.Load(WithDefaultConf); !IsInvalidConfig(err) || !errors.Is(err, ErrLoad) {
		t.Error(err)
	}
	if err := c.Status(); !IsCNINotInitialized(err) || !strings.Contains(err.Error(), file) {
		t.Error(err)
	}
	must(t, os.Remove(file))
	if err := c.Load(WithDefaultConf); !IsCNINotInitialized(err) {
		t.Error(err)
	}
	if err := c.Status(); !IsCNINotInitialized(err) || !strings.Contains(err.Error(), "no network config found in "+dir) {
		t.Error(err)
	}
	must(t, c.Load(s.plugin("works", "")))
	must(t, c.Status())
}

func TestSettingsOfALoadThatFailsDoNotStay(t *testing.T) {
	s := newScene(t)
	c := s.cni(s.plugin("works", ""))
	if err := c.Load(WithInterfacePrefix("net"), WithConfListFile("/nowhere")); !IsReadFailure(err) || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	config := c.GetConfig()
	if config.Prefix != "eth" || len(config.Networks) != 1 {
		t.Errorf("%+v", config)
	}
	if _, err := New(WithConfIndex([]byte(`{"name": "a", "type": "b"}`), -1)); !IsInvalidConfig(err) {
		t.Error(err)
	}
}

func TestWhatGetConfigReturnsIsACopy(t *testing.T) {
	c := newScene(t).cni(WithConf([]byte(`{"name": "a", "type": "b"}`)))
	config := c.GetConfig()
	config.PluginDirs[0], config.Networks[0].Config.Plugins[0].Network.Type = "changed", "changed"
	if config := c.GetConfig(); config.PluginDirs[0] == "changed" || config.Networks[0].Config.Plugins[0].Network.Type == "changed" {
		t.Errorf("%+v", config)
	}
}

func TestANetworkCanBeUsedAlone(t *testing.T) {
	s := newScene(t)
	c := s.cni(s.plugin("works", ""))
	networks := c.(interface{ Networks() []*Network }).Networks()
	ns, err := newNamespace(t.Name(), netns, nil)
	must(t, err)
	ctx := context.Background()
	_, err = networks[0].Attach(ctx, ns)
	must(t, err)
	must(t, networks[0].Check(ctx, ns))
	must(t, networks[0].Remove(ctx, ns))
}
