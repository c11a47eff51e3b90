package libcni

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/containernetworking/cni/pkg/types"
)

func TestAnErrorKnowsThePluginAndWhatItWrote(t *testing.T) {
	s := newScene(t, "first", "second")
	failing := &action{Stdout: json.RawMessage(`{"code":111,"msg":"no","details":"way"}`), Stderr: "because", Exit: 4}
	list := s.network("1.0.0", s.plugin("first", fake{}), s.plugin("second", fake{Add: failing}))
	_, err := s.cni().AddNetworkList(context.Background(), list, s.rt())
	var plugin *types.Error
	if !errors.As(err, &plugin) {
		t.Fatalf("no types.Error in %#v", err)
	}
	equal(t, "types.Error", *plugin, types.Error{Code: 111, Msg: "no", Details: "way"})
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("no libcni.Error in %#v", err)
	}
	equal(t, "status", known.Status, StatusPlugin)
	equal(t, "plugin", known.Plugin, "second")
	equal(t, "index", *known.Index, 1)
	equal(t, "path", known.Path, filepath.Join(s.bin, "second"))
	equal(t, "command", known.Command, "ADD")
	equal(t, "exit code", *known.ExitCode, 4)
	equal(t, "stderr", known.Stderr, "because")
	equal(t, "code", known.Code, 111)
}

func TestASignalIsKnown(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{Del: &action{Kill: true}}))
	err := s.cni().DelNetworkList(context.Background(), list, s.rt())
	equal(t, "text", err.Error(), `plugin type="first" failed (delete): netplugin failed with no error message: signal: killed`)
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("no libcni.Error in %#v", err)
	}
	equal(t, "signal", known.Signal, 9)
	equal(t, "exit code", known.ExitCode, nil)
}

func TestWhatPluginsReturnedIsNotLostWithTheCache(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	s.must(os.WriteFile(s.caches, []byte("not a directory, and no JSON"), 0o600))
	c := s.cni()
	_, err := c.AddNetworkList(context.Background(), list, s.rt())
	if err == nil {
		t.Fatal("the attachment cannot have been remembered")
	}
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("no libcni.Error in %#v", err)
	}
	equal(t, "status", known.Status, StatusCache)
	var plugin *types.Error
	if errors.As(err, &plugin) {
		t.Errorf("no plugin said this: %v", err)
	}
}

func TestStatusesAreThoseOfTheLibrary(t *testing.T) {
	for status, name := range map[Status]string{
		StatusInvalidArgument: "INVALID_ARGUMENT", StatusInvalidConfig: "INVALID_CONFIG",
		StatusNetworkNotFound: "NETWORK_NOT_FOUND", StatusPluginNotFound: "PLUGIN_NOT_FOUND", StatusPlugin: "PLUGIN",
		StatusIncompatibleVersion: "INCOMPATIBLE_VERSION", StatusInvalidResult: "INVALID_RESULT", StatusIO: "IO",
		StatusCache: "CACHE", StatusNotAdded: "NOT_ADDED", StatusTimeout: "TIMEOUT", StatusCancelled: "CANCELLED",
		StatusCheckNotSupported: "CHECK_NOT_SUPPORTED", StatusCallback: "CALLBACK", StatusInternal: "INTERNAL",
	} {
		equal(t, "name", status.String(), name)
		var read Status
		if err := read.UnmarshalText([]byte(name)); err != nil {
			t.Error(err)
		}
		equal(t, "status", read, status)
	}
	var unknown Status
	if err := unknown.UnmarshalText([]byte("OF_TOMORROW")); err != nil {
		t.Error(err)
	}
	equal(t, "unknown", unknown, StatusInternal)
}

func TestANameWithANULIsNotCutThere(t *testing.T) {
	s := newScene(t, "first")
	_, err := s.cni().GetVersionInfo(context.Background(), "first\x00x")
	equal(t, "text", err.Error(), `failed to find plugin "first\x00x" in path [`+s.bin+`]`)
}
