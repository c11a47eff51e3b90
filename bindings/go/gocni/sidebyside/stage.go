package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/containerd/go-cni"
	"github.com/containernetworking/cni/pkg/types"
)

// A stage is where one scene is played: directories of its own under the usual names, and what was to be seen.
type stage struct {
	dir, conf, bin, log string
	seen                map[string]any
}

// stageBroken ends the program: what failed is no part of the scene.
type stageBroken struct{ error }

func must(err error) {
	if err != nil {
		panic(stageBroken{err})
	}
}

// stageIn is the stage that was made there.
func stageIn(dir string) *stage {
	return &stage{
		dir: dir, conf: filepath.Join(dir, "net.d"), bin: filepath.Join(dir, "bin"), log: filepath.Join(dir, "log"),
		seen: map[string]any{},
	}
}

func newStage(dir string) *stage {
	s := stageIn(dir)
	for _, dir := range []string{s.conf, s.bin, s.log} {
		must(os.Mkdir(dir, 0o700))
	}
	// Attachments are remembered below, and namespaces live in /run.
	for _, dir := range []string{"/var/lib", "/run"} {
		must(syscall.Mount("tmpfs", dir, "tmpfs", 0, ""))
	}
	must(os.Mkdir("/run/netns", 0o700))
	program, err := os.Executable()
	must(err)
	for _, plugin := range []string{"fake", "other"} {
		must(os.Symlink(program, filepath.Join(s.bin, plugin)))
	}
	return s
}

// note keeps what is to be seen, as JSON.
func (s *stage) note(name string, value any) {
	if _, ok := s.seen[name]; ok {
		must(fmt.Errorf("%s is noted twice", name))
	}
	s.seen[name] = value
}

// kinds are the errors that go-cni lets its callers ask for.
var kinds = []struct {
	name string
	is   func(error) bool
}{
	{"not initialized", cni.IsCNINotInitialized},
	{"invalid config", cni.IsInvalidConfig},
	{"not found", cni.IsNotFound},
	{"read failure", cni.IsReadFailure},
	{"invalid result", cni.IsInvalidResult},
	{"load", func(err error) bool { return errors.Is(err, cni.ErrLoad) }},
	{"no file", func(err error) bool { return errors.Is(err, os.ErrNotExist) }},
	{"cancelled", func(err error) bool { return errors.Is(err, context.Canceled) }},
}

// noteError keeps whether there is an error, its kinds, the plugin's error object, and which of the words it has.
func (s *stage) noteError(name string, err error, words ...string) {
	if err == nil {
		s.note(name, "succeeds")
		return
	}
	seen := map[string]any{}
	for _, kind := range kinds {
		if kind.is(err) {
			seen["is "+kind.name] = true
		}
	}
	var object *types.Error
	if errors.As(err, &object) {
		seen["object"] = object
	}
	for _, word := range words {
		seen["says "+strings.ReplaceAll(word, s.dir, "")] = strings.Contains(err.Error(), word)
	}
	s.note(name, seen)
}

// file writes a file of the directory of configurations.
func (s *stage) file(name, text string) string {
	path := filepath.Join(s.conf, name)
	must(os.MkdirAll(filepath.Dir(path), 0o700))
	must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// options are what most scenes have in common.
func (s *stage) options(more ...cni.Opt) []cni.Opt {
	return append([]cni.Opt{cni.WithPluginDir([]string{s.bin}), cni.WithPluginConfDir(s.conf)}, more...)
}

func (s *stage) cni(more ...cni.Opt) cni.CNI {
	c, err := cni.New(s.options(more...)...)
	must(err)
	return c
}

// noteConfig keeps what is loaded; paths begin at the stage.
func (s *stage) noteConfig(name string, c cni.CNI) {
	text, err := json.Marshal(c.GetConfig())
	must(err)
	var seen any
	must(json.Unmarshal([]byte(strings.ReplaceAll(string(text), s.dir, "")), &seen))
	s.note(name, seen)
}

// noteNames keeps the names of what is loaded, with their interfaces.
func (s *stage) noteNames(name string, c cni.CNI) {
	names := []string{}
	for _, network := range c.GetConfig().Networks {
		names = append(names, network.IFName+" "+network.Config.Name)
	}
	s.note(name, names)
}

// A run is one run of a fake plugin.
type run struct {
	Command, Plugin, ContainerID, NetNS, IfName string
	Args                                        []string
	Stdin                                       map[string]any
}

// read reads JSON without a loss of digits.
func read(text []byte, value any) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	must(decoder.Decode(value))
}

// runs are the runs of the fake plugins so far, in order.
func (s *stage) runs() (runs []run) {
	for i := 0; ; i++ {
		text, err := os.ReadFile(filepath.Join(s.log, fmt.Sprint(i)))
		if errors.Is(err, os.ErrNotExist) {
			return runs
		}
		must(err)
		var r run
		read(text, &r)
		runs = append(runs, r)
	}
}

// noteOrder keeps which commands ran: "ADD net eth0".
func (s *stage) noteOrder(name string) {
	order := []string{}
	for _, r := range s.runs() {
		order = append(order, fmt.Sprintf("%s %v %s", r.Command, r.Stdin["name"], r.IfName))
	}
	s.note(name, order)
}

// noteCommands is [stage.noteOrder] for networks that are set up at the same time.
func (s *stage) noteCommands(name string) {
	s.noteOrder(name)
	slices.Sort(s.seen[name].([]string))
}

// noteResult keeps a result, with its raw ones.
func (s *stage) noteResult(name string, result *cni.Result, err error) {
	s.noteError(name+" error", err)
	if err != nil {
		return
	}
	s.note(name, map[string]any{"result": result, "raw": result.Raw()})
}
