package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestGocniDoesWhatGoCniDoes plays every scene with both, and holds what was to be seen side by side.
func TestGocniDoesWhatGoCniDoes(t *testing.T) {
	for name := range differences {
		if scenes[name] == nil {
			t.Errorf("differences of %q, which is no scene", name)
		}
	}
	// Without -race: go-cni then has locks that take every goroutine of a newer Go for the same one, and give up.
	theirs, ours := program(t, "go.mod"), program(t, "gocni.mod", "-race")
	for _, name := range slices.Sorted(maps.Keys(scenes)) {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "real: ") {
				plugins(t)
			}
			seenTheirs, seenOurs := seen(t, theirs, ours, name), seen(t, ours, theirs, name)
			for _, expected := range differences[name] {
				place := strings.Split(expected.place, "|")
				hold(t, "go-cni, "+expected.place, take(seenTheirs, place), expected.theirs)
				hold(t, "gocni, "+expected.place, take(seenOurs, place), expected.ours)
			}
			if !reflect.DeepEqual(seenTheirs, seenOurs) {
				t.Errorf("go-cni:\n%s\ngocni:\n%s", indented(seenTheirs), indented(seenOurs))
			}
		})
	}
}

// program is the program of this directory, built with that go.mod.
func program(t *testing.T, mod string, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sidebyside")
	goBuild(t, ".", append(flags, "-modfile="+mod, "-tags=libcni_dev", "-o", path, ".")...)
	return path
}

func goBuild(t *testing.T, dir string, args ...string) {
	t.Helper()
	command := exec.Command("go", append([]string{"build"}, args...)...)
	command.Dir = dir
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
}

var builtPlugins struct {
	once sync.Once
	dir  string
}

// plugins is the directory of the reference plugins, built from the module that pins them.
func plugins(t *testing.T) string {
	t.Helper()
	builtPlugins.once.Do(func() {
		source, dir := "../../../../tests/real_plugins", "../../../../target/tmp/go_plugins"
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		dir, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		const of = "github.com/containernetworking/plugins/plugins/"
		goBuild(t, source, "-trimpath", "-o", dir+"/", of+"main/bridge", of+"main/loopback", of+"ipam/host-local", of+"meta/portmap")
		builtPlugins.dir = dir
	})
	if builtPlugins.dir == "" {
		t.Fatal("there are no plugins")
	}
	for _, tool := range []string{"iptables", "nft"} {
		if _, err := exec.LookPath(tool); err == nil {
			return builtPlugins.dir
		}
	}
	t.Skip("the plugin portmap needs iptables or nft: Debian's package iptables or nftables")
	return ""
}

// seen is what is to be seen of a scene, played by a process in private namespaces. In some the other program has a
// part.
func seen(t *testing.T, program, other, name string) any {
	t.Helper()
	dir := t.TempDir()
	var output strings.Builder
	player := exec.Command(program, name, dir)
	player.Stdout, player.Stderr = &output, &output
	player.Env = append(os.Environ(),
		"PLUGINS="+builtPlugins.dir, "OTHER="+other, "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "GORACE=halt_on_error=1 atexit_sleep_ms=0")
	player.SysProcAttr = privateNamespaces()
	if err := player.Start(); err != nil {
		t.Skip("this machine forbids namespaces: ", err)
	}
	if err := player.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &output)
	}
	text, err := os.ReadFile(filepath.Join(dir, "seen.json"))
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, string(text))
}

func privateNamespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

// parsed is JSON as values. A text inside that is JSON itself, a configuration's, counts by what it says.
func parsed(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return opened(t, value)
}

func opened(t *testing.T, value any) any {
	switch value := value.(type) {
	case string:
		if trimmed := strings.TrimSpace(value); strings.HasPrefix(trimmed, "{") && json.Valid([]byte(trimmed)) {
			return parsed(t, trimmed)
		}
	case map[string]any:
		for key := range value {
			value[key] = opened(t, value[key])
		}
	case []any:
		for i := range value {
			value[i] = opened(t, value[i])
		}
	}
	return value
}

type nothing struct{}

// take takes what is at the place away; nothing when there is nothing.
func take(value any, place []string) any {
	switch value := value.(type) {
	case map[string]any:
		inside, ok := value[place[0]]
		if !ok {
			return nothing{}
		}
		if len(place) > 1 {
			return take(inside, place[1:])
		}
		delete(value, place[0])
		return inside
	case []any:
		if at, err := strconv.Atoi(place[0]); err == nil && at < len(value) && len(place) > 1 {
			return take(value[at], place[1:])
		}
		return nothing{}
	default:
		return nothing{}
	}
}

func hold(t *testing.T, what string, got any, want string) {
	t.Helper()
	var wanted any = nothing{}
	if want != "" {
		wanted = parsed(t, want)
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%s:\n%s\nnot\n%s", what, indented(got), indented(wanted))
	}
}

func indented(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return text.String()
}
