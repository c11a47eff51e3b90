package libcni

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// An execFunc is an Exec made of functions; what is nil succeeds.
type execFunc struct {
	find   func(plugin string, paths []string) (string, error)
	exec   func(ctx context.Context, path string, stdin []byte, env []string) ([]byte, error)
	decode func(text []byte) (version.PluginInfo, error)
}

func (e *execFunc) FindInPath(plugin string, paths []string) (string, error) {
	if e.find == nil {
		return filepath.Join(paths[0], plugin), nil
	}
	return e.find(plugin, paths)
}

func (e *execFunc) ExecPlugin(ctx context.Context, path string, stdin []byte, env []string) ([]byte, error) {
	if e.exec == nil {
		return []byte(`{"cniVersion":"1.0.0","ips":[{"address":"10.1.2.3/24"}]}`), nil
	}
	return e.exec(ctx, path, stdin, env)
}

func (e *execFunc) Decode(text []byte) (version.PluginInfo, error) {
	if e.decode == nil {
		return version.PluginSupports("1.0.0"), nil
	}
	return e.decode(text)
}

func (s *scene) with(exec invoke.Exec) *CNIConfig {
	c := NewCNIConfigWithCacheDir([]string{"/first", "/second"}, s.caches, exec)
	s.t.Cleanup(func() { c.Close() })
	return c
}

func TestAnExecGetsWhatTheOriginalGivesIt(t *testing.T) {
	s := newScene(t)
	list := s.network("1.0.0", `{"type":"bridge"}`)
	list.Plugins[0].Bytes = []byte(`{"type":"bridge","mtu":18446744073709551615}`)
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "value")
	var commands []string
	c := s.with(&execFunc{
		find: func(plugin string, paths []string) (string, error) {
			equal(t, "plugin", plugin, "bridge")
			equal(t, "paths", fmt.Sprint(paths), "[/first /second]")
			return "somewhere:else", nil
		},
		exec: func(ctx context.Context, path string, stdin []byte, env []string) ([]byte, error) {
			run := pluginRun{Env: env, Stdin: stdin}
			command, _ := run.env("CNI_COMMAND")
			commands = append(commands, command)
			equal(t, "context", ctx.Value(key{}), any("value"))
			equal(t, "path", path, "somewhere:else")
			equal(t, "mtu", run.field("mtu"), "18446744073709551615")
			equal(t, "name", run.field("name"), `"net"`)
			dirs, _ := run.env("CNI_PATH")
			equal(t, "CNI_PATH", dirs, "/first:/second")
			return []byte(`{"ips":[{"address":"10.1.2.3/24"}]}`), nil
		},
	})
	result, err := c.AddNetworkList(ctx, list, s.rt())
	s.must(err)
	equal(t, "version", result.Version(), "1.0.0")
	s.must(c.CheckNetworkList(ctx, list, s.rt()))
	s.must(c.DelNetworkList(ctx, list, s.rt()))
	equal(t, "commands", fmt.Sprint(commands), "[ADD CHECK DEL]")
}

type myError struct{ n int }

func (e *myError) Error() string { return fmt.Sprint("mine ", e.n) }

func TestWhatAnExecReturnsKeepsItsIdentity(t *testing.T) {
	s := newScene(t)
	list := s.network("1.1.0", `{"type":"a"}`, `{"type":"b","name":"own"}`)
	mine := &myError{7}
	failing := func() *CNIConfig {
		return s.with(&execFunc{exec: func(context.Context, string, []byte, []string) ([]byte, error) { return nil, mine }})
	}
	ctx := context.Background()
	_, err := failing().AddNetworkList(ctx, list, s.rt())
	equal(t, "ADD", err.Error(), `plugin type="a" failed (add): mine 7`)
	equal(t, "unwrapped", errors.Unwrap(err), error(mine))
	err = failing().DelNetworkList(ctx, list, s.rt())
	equal(t, "DEL", err.Error(), `plugin type="b" name="own" failed (delete): mine 7`)
	var found *myError
	if !errors.As(err, &found) || found != mine {
		t.Errorf("not the error that was returned: %#v", err)
	}
	equal(t, "CHECK", failing().CheckNetworkList(ctx, list, s.rt()), error(mine))
	equal(t, "STATUS", failing().GetStatusNetworkList(ctx, list), error(mine))
	_, err = failing().AddNetwork(ctx, list.Plugins[1], s.rt())
	equal(t, "ADD of one plugin", err, error(mine))
	err = failing().GCNetworkList(ctx, list, nil)
	equal(t, "GC", err.Error(), "failed to GC plugin a: mine 7\nfailed to GC plugin b: mine 7")
	if !errors.Is(err, mine) {
		t.Errorf("not the error that was returned: %#v", err)
	}
	_, err = failing().ValidateNetworkList(ctx, list)
	equal(t, "validation", err.Error(), "[mine 7 mine 7]")

	notFound := s.with(&execFunc{find: func(string, []string) (string, error) { return "", mine }})
	_, err = notFound.GetVersionInfo(ctx, "a")
	equal(t, "VERSION", err, error(mine))
}

func TestAPanicOfAnExecSurfacesInTheCaller(t *testing.T) {
	s := newScene(t)
	list := s.network("1.1.0", `{"type":"a"}`, `{"type":"b"}`)
	mine, calls := &myError{1}, 0
	c := s.with(&execFunc{exec: func(context.Context, string, []byte, []string) ([]byte, error) {
		calls++
		panic(mine)
	}})
	func() {
		defer func() { equal(t, "panic", recover(), any(mine)) }()
		t.Errorf("returned %v", c.GCNetworkList(context.Background(), list, &GCArgs{}))
	}()
	equal(t, "calls", calls, 1)
	// Nothing stayed locked.
	good := s.with(&execFunc{})
	s.must(good.DelNetworkList(context.Background(), list, s.rt()))
}

func TestAnExecDecodesTheAnswerToVersion(t *testing.T) {
	s := newScene(t)
	list := s.network("0.9.9", `{"type":"a"}`)
	ctx := context.Background()
	custom := version.PluginSupports("0.9.9")
	c := s.with(&execFunc{
		exec: func(_ context.Context, _ string, stdin []byte, _ []string) ([]byte, error) {
			equal(t, "stdin", string(stdin), `{"cniVersion":"1.1.0"}`)
			return []byte("0.9.9 it is"), nil
		},
		decode: func(text []byte) (version.PluginInfo, error) {
			equal(t, "text", string(text), "0.9.9 it is")
			return custom, nil
		},
	})
	info, err := c.GetVersionInfo(ctx, "a")
	s.must(err)
	equal(t, "info", info, custom)
	_, err = c.ValidateNetworkList(ctx, list)
	s.must(err)

	old := s.with(&execFunc{exec: func(context.Context, string, []byte, []string) ([]byte, error) {
		return nil, &types.Error{Msg: "unknown CNI_COMMAND: VERSION"}
	}})
	info, err = old.GetVersionInfo(ctx, "a")
	s.must(err)
	equal(t, "versions", fmt.Sprint(info.SupportedVersions()), "[0.1.0]")

	none := s.with(&execFunc{decode: func([]byte) (version.PluginInfo, error) { return noVersions{}, nil }})
	info, err = none.GetVersionInfo(ctx, "a")
	s.must(err)
	equal(t, "versions", len(info.SupportedVersions()), 0)
}

type noVersions struct{}

func (noVersions) SupportedVersions() []string { return nil }

func (noVersions) Encode(io.Writer) error { return nil }

func TestTheOriginalsOwnExecIsRunByTheCore(t *testing.T) {
	s := newScene(t, "first", "second")
	list := s.network("1.0.0",
		s.plugin("first", fake{Add: &action{Stderr: "a warning\n"}}),
		s.plugin("second", fake{Add: &action{Stderr: "only in the error", Exit: 1}}))
	var stderr bytes.Buffer
	c := NewCNIConfigWithCacheDir([]string{s.bin}, s.caches, defaultExec(&stderr))
	defer c.Close()
	_, err := c.AddNetworkList(context.Background(), list, s.rt())
	equal(t, "stderr", stderr.String(), "a warning\n")
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("no libcni.Error in %#v", err)
	}
	equal(t, "stderr of the failure", known.Stderr, "only in the error")
	// Only the core hands locks on.
	if _, locked := s.runs()[0].env("LIBCNI_LOCKS"); !locked {
		t.Error("the plugin was not run by the core")
	}
}

func TestAWriterThatPanicsPanicsInTheCaller(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{Del: &action{Stderr: "boom"}}))
	full := writerFunc(func([]byte) (int, error) { panic("full") })
	c := NewCNIConfigWithCacheDir([]string{s.bin}, s.caches, defaultExec(full))
	defer c.Close()
	defer func() { equal(t, "panic", recover(), any("full")) }()
	t.Errorf("returned %v", c.DelNetworkList(context.Background(), list, s.rt()))
}

// defaultExec is the original's Exec, as containerd makes it.
func defaultExec(stderr io.Writer) invoke.Exec {
	return &invoke.DefaultExec{RawExec: &invoke.RawExec{Stderr: stderr}}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// Even for the attachment that it is called for, whose lock is held.
func TestAnExecMayCallTheLibraryItself(t *testing.T) {
	s := newScene(t, "inner")
	inner := s.cni()
	innerList := s.network("1.0.0", s.plugin("inner", fake{}))
	c := s.with(&execFunc{exec: func(ctx context.Context, _ string, _ []byte, _ []string) ([]byte, error) {
		result, err := inner.AddNetworkList(ctx, innerList, s.rt())
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		err = result.PrintTo(&out)
		return out.Bytes(), err
	}})
	result, err := c.AddNetworkList(context.Background(), s.network("1.0.0", `{"type":"outer"}`), s.rt())
	s.must(err)
	if !strings.Contains(fmt.Sprint(result), "10.1.2.3") {
		t.Errorf("not the inner result: %v", result)
	}
	if !slices.Equal(s.order(), []string{"ADD inner"}) {
		t.Errorf("runs: %v", s.order())
	}
}
