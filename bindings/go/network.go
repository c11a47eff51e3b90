package libcni

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	original "github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// A network is what an operation works on: a list, or the configuration of one plugin on its own, which is a list of
// one under the plugin's name and version.
//
// Callers change fields and leave the bytes as they are. As in the original, the name, the version and the names
// by which ADD, CHECK, DEL and validation find the plugins come from the fields; what the plugins get comes from
// their bytes.
type network struct {
	name         string
	cniVersion   string
	disableCheck bool
	disableGC    bool
	plugins      []*PluginConfig

	// What ADD remembers.
	bytes []byte
	// Whether it is one plugin's. Its errors are not told apart by plugin.
	single bool
}

func networkOf(list *NetworkConfigList) *network {
	return &network{
		name:         list.Name,
		cniVersion:   list.CNIVersion,
		disableCheck: list.DisableCheck,
		disableGC:    list.DisableGC,
		plugins:      list.Plugins,
		bytes:        list.Bytes,
	}
}

func networkOfOne(plugin *PluginConfig) *network {
	return &network{
		name:       plugin.Network.Name,
		cniVersion: plugin.Network.CNIVersion,
		plugins:    []*PluginConfig{plugin},
		bytes:      plugin.Bytes,
		single:     true,
	}
}

// types are the names by which the plugins are found.
func (n *network) types() []string {
	names := make([]string, len(n.plugins))
	for i, plugin := range n.plugins {
		names[i] = plugin.Network.Type
	}
	return names
}

// listHead is a list without its plugins.
type listHead struct {
	Name         string `json:"name"`
	CNIVersion   string `json:"cniVersion"`
	DisableCheck bool   `json:"disableCheck,omitempty"`
	DisableGC    bool   `json:"disableGC,omitempty"`
}

// head is the list for operations that run no plugin.
func (n *network) head() ([]byte, error) {
	return marshal(listHead{n.name, n.cniVersion, n.disableCheck, n.disableGC})
}

// list is the whole list, with every plugin as its bytes say.
func (n *network) list() ([]byte, error) {
	for i, plugin := range n.plugins {
		if !isObject(plugin.Bytes) {
			return nil, n.problemOf(i)
		}
	}
	return n.listOf(func(plugin *PluginConfig) ([]byte, error) {
		// The core reads UTF-8 only. The original replaces what is not, too.
		return bytes.ToValidUTF8(plugin.Bytes, []byte("\uFFFD")), nil
	})
}

// listToValidate has of every plugin what validation looks at, which is in the fields.
func (n *network) listToValidate() ([]byte, error) {
	return n.listOf(func(plugin *PluginConfig) ([]byte, error) {
		return marshal(struct {
			Type         string          `json:"type"`
			Capabilities map[string]bool `json:"capabilities,omitempty"`
		}{plugin.Network.Type, plugin.Network.Capabilities})
	})
}

func (n *network) listOf(text func(*PluginConfig) ([]byte, error)) ([]byte, error) {
	list, err := n.head()
	if err != nil || len(n.plugins) == 0 {
		return list, err
	}
	list = append(list[:len(list)-1], `,"plugins":`...)
	separator := byte('[')
	for _, plugin := range n.plugins {
		object, err := text(plugin)
		if err != nil {
			return nil, err
		}
		list = append(append(list, separator), object...)
		separator = ','
	}
	return append(list, "]}"...), nil
}

func isObject(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) && json.Valid(text)
}

// A pluginProblem tells which plugin's bytes are not the configuration of a plugin.
type pluginProblem struct {
	index int
	error
}

func (p *pluginProblem) Unwrap() error { return p.error }

// problemOf is what the original says of the bytes of a plugin when it makes a request of them; nil when it makes one.
func (n *network) problemOf(index int) error {
	plugin := n.plugins[index]
	if string(bytes.TrimSpace(plugin.Bytes)) == "null" {
		// The original panics.
		return &pluginProblem{index, errors.New("unmarshal existing network bytes: null is not an object")}
	}
	if _, err := original.InjectConf(plugin, map[string]any{"name": n.name, "cniVersion": n.cniVersion}); err != nil {
		return &pluginProblem{index, err}
	}
	return nil
}

// problemBehind is the first problem of a list that the core refused, in the original's words; nil when e is about
// something else.
func (n *network) problemBehind(e *Error) error {
	if e.Status != StatusInvalidConfig || e.Code != 0 {
		return nil
	}
	for i := range n.plugins {
		if err := n.problemOf(i); err != nil {
			return err
		}
	}
	return nil
}

// versionProblem is what the original says of a version that is none, before it looks for CHECK or a prevResult in it.
func (n *network) versionProblem() error {
	_, err := version.GreaterThanOrEqualTo(n.cniVersion, "0.4.0")
	return err
}

// typeProblem is what the original's validation says of plugins without a type. The core reads no such list.
func (n *network) typeProblem() error {
	var problems []error
	for _, plugin := range n.plugins {
		if plugin.Network.Type == "" {
			problems = append(problems, errors.New("no plugin name provided"))
		}
	}
	switch {
	case problems == nil:
		return nil
	case n.single:
		return problems[0]
	default:
		return &validationFailures{problems}
	}
}

// describe is how errors name a plugin of a list.
func describe(plugin *types.PluginConf) string {
	if plugin.Name == "" {
		return fmt.Sprintf("type=%q", plugin.Type)
	}
	return fmt.Sprintf("type=%q name=%q", plugin.Type, plugin.Name)
}

// runtimeText is the rt of the C ABI, but for its end, which says of the network what there is to say.
func runtimeText(rt *RuntimeConf, room int) ([]byte, error) {
	out := make([]byte, 0, 64+len(rt.ContainerID)+len(rt.NetNS)+len(rt.IfName)+room)
	out = appendText(append(out, `{"containerId":`...), rt.ContainerID)
	out = appendText(append(out, `,"netns":`...), rt.NetNS)
	out = appendText(append(out, `,"ifName":`...), rt.IfName)
	for i, arg := range rt.Args {
		between := `],[`
		if i == 0 {
			between = `,"cniArgs":[[`
		}
		out = appendText(append(out, between...), arg[0])
		out = appendText(append(out, ','), arg[1])
	}
	if len(rt.Args) > 0 {
		out = append(out, `]]`...)
	}
	if len(rt.CapabilityArgs) > 0 {
		capabilityArgs, err := marshal(rt.CapabilityArgs)
		if err != nil {
			return nil, err
		}
		out = append(append(out, `,"capabilityArgs":`...), capabilityArgs...)
	}
	return out, nil
}

// arguments are the texts of an operation on an attachment.
func (c *CNIConfig) arguments(n *network, rt *RuntimeConf) (list, rtText []byte, err error) {
	texts, err := c.owner().networks.of(n)
	if err != nil {
		return nil, nil, err
	}
	rtText, err = runtimeText(rt, len(texts.rtEnd))
	if err != nil {
		return nil, nil, err
	}
	return texts.list, append(rtText, texts.rtEnd...), nil
}
