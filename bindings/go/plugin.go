package libcni

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/types/create"
)

// A Plugin lives in the process: it is called in place of a program, with exactly what the program would get.
//
// One value serves any number of calls at once, on the goroutines of the callers. The context is that of the call; a
// plugin cannot be ended from outside, so a long piece of work looks at it. A [types.Error] is the error object of the
// protocol; any other error, and a panic, has the code 999.
//
// The program of the same plugin is made with the original's pkg/skel: its functions take a *skel.CmdArgs, which a
// [CmdArgs] can be converted to, and print their result.
type Plugin interface {
	// Add attaches the container; the result may have any version.
	Add(ctx context.Context, request *PluginRequest) (types.Result, error)
	// Check tells whether the attachment is as it should be.
	Check(ctx context.Context, request *PluginRequest) error
	// Del undoes Add. What is gone already is deleted.
	Del(ctx context.Context, request *PluginRequest) error
	// GC removes what belongs to none of the valid attachments of the configuration.
	GC(ctx context.Context, request *PluginRequest) error
	// Status tells whether Add would work.
	Status(ctx context.Context, request *PluginRequest) error
}

// A VersionedPlugin tells the versions of the specification that it can be asked in. Any other has all of them.
type VersionedPlugin interface {
	Plugin
	SupportedVersions() []string
}

// CmdArgs are the arguments of a plugin, under the names of the original's pkg/skel: skel.CmdArgs(args) is the same there.
// (That package is not imported here, for what it needs itself.)
type CmdArgs struct {
	ContainerID   string
	Netns         string
	IfName        string
	Args          string
	Path          string
	NetnsOverride string
	StdinData     []byte
}

// A PluginRequest is what a plugin is asked, checked by the rules of the protocol. It is valid until the plugin
// returns.
type PluginRequest struct {
	CmdArgs

	// Command is ADD, CHECK, DEL, GC or STATUS.
	Command string
	// NetworkName is the name of the network.
	NetworkName string
	// CNIVersion is the version of the specification in which the configuration is written.
	CNIVersion string

	native nativeRequest
}

// PrevResult is the result of the plugin before this one (Add) or of the attachment (Check, Del), in the version of the
// configuration; nil when there is none.
func (r *PluginRequest) PrevResult() (types.Result, error) {
	text, err := r.native.prevResult()
	if err != nil {
		return nil, err.object()
	}
	if string(text) == "null" {
		return nil, nil
	}
	return create.CreateFromBytes(text)
}

// Log writes a line for people: to where the stderr of the plugin's program would go.
func (r *PluginRequest) Log(line string) {
	r.native.log(line)
}

// DelegateAdd is ADD by another plugin, in the process first and as a program second. When it fails, DEL follows.
func (r *PluginRequest) DelegateAdd(pluginType string, config []byte) (types.Result, error) {
	text, err := r.native.delegate("ADD", pluginType, config)
	if err != nil {
		return nil, err.object()
	}
	return create.CreateFromBytes(text)
}

// Delegate is CHECK, DEL, GC or STATUS by another plugin.
func (r *PluginRequest) Delegate(command, pluginType string, config []byte) error {
	if _, err := r.native.delegate(command, pluginType, config); err != nil {
		return err.object()
	}
	return nil
}

// NewCNIConfigWithPlugins is [NewCNIConfigWithCacheDir] with plugins that live in the process, by their types. They are
// asked before the programs in path.
func NewCNIConfigWithPlugins(path []string, cacheDir string, plugins map[string]Plugin) *CNIConfig {
	c := NewCNIConfigWithCacheDir(path, cacheDir, nil)
	c.plugins = plugins
	return c
}

// object is the error as a plugin passes it on.
func (e *Error) object() error {
	if e.Status == StatusPlugin || e.Msg != "" {
		return &types.Error{Code: e.Code, Msg: e.Msg, Details: e.Details}
	}
	return e
}

// runPlugin calls the method that the command asks for: its result as JSON, or the error object.
func runPlugin(ctx context.Context, plugin Plugin, request *PluginRequest) (result []byte, failed *types.Error) {
	defer func() {
		if value := recover(); value != nil {
			failed = types.NewError(types.ErrInternal, "the plugin panicked", fmt.Sprint(value))
		}
	}()
	var err error
	switch request.Command {
	case "ADD":
		var added types.Result
		if added, err = plugin.Add(ctx, request); err == nil {
			result, err = resultText(added)
		}
	case "CHECK":
		err = plugin.Check(ctx, request)
	case "DEL":
		err = plugin.Del(ctx, request)
	case "GC":
		err = plugin.GC(ctx, request)
	case "STATUS":
		err = plugin.Status(ctx, request)
	default:
		err = fmt.Errorf("unknown command %s", request.Command)
	}
	if err == nil {
		return result, nil
	}
	if object := (*types.Error)(nil); errors.As(err, &object) {
		return nil, object
	}
	return nil, types.NewError(types.ErrInternal, err.Error(), "")
}

func resultText(result types.Result) ([]byte, error) {
	if result == nil {
		return json.RawMessage("{}"), nil
	}
	var text bytes.Buffer
	err := result.PrintTo(&text)
	return text.Bytes(), err
}

// supportedVersions is nil for all of them.
func supportedVersions(plugin Plugin) []string {
	if versioned, ok := plugin.(VersionedPlugin); ok {
		return versioned.SupportedVersions()
	}
	return nil
}
