package main

import (
	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

// request is one operation with all that it works on. Paths are absolute.
type request struct {
	Op       string   `json:"op"`
	Source   source   `json:"source"`
	Runtime  runtime  `json:"rt"`
	Dirs     []string `json:"dirs"`
	CacheDir string   `json:"cacheDir"`
	Trace    *tracing `json:"trace"`

	// Valid is what GC keeps; nil stands for no arguments at all.
	Valid      *[]types.GCAttachment  `json:"valid"`
	Plugin     string                 `json:"plugin"`
	Container  string                 `json:"container"`
	Version    string                 `json:"version"`
	Values     map[string]interface{} `json:"values"`
	Extensions []string               `json:"extensions"`
}

// source tells where the configuration of an operation comes from.
type source struct {
	// Form is list, single, wrapped (a single one made a list), file or dir.
	Form  string `json:"form"`
	Bytes []byte `json:"bytes"`
	Path  string `json:"path"`
	Name  string `json:"name"`
}

type runtime struct {
	ContainerID    string                 `json:"containerId"`
	NetNS          string                 `json:"netns"`
	IfName         string                 `json:"ifName"`
	Args           [][2]string            `json:"cniArgs"`
	CapabilityArgs map[string]interface{} `json:"capabilityArgs"`
	CacheDir       string                 `json:"cacheDir"`
}

func (r *runtime) conf() *libcni.RuntimeConf {
	return &libcni.RuntimeConf{
		ContainerID:    r.ContainerID,
		NetNS:          r.NetNS,
		IfName:         r.IfName,
		Args:           r.Args,
		CapabilityArgs: r.CapabilityArgs,
		CacheDir:       r.CacheDir,
	}
}

// loaded is a configuration: a list, or one plugin's on its own.
type loaded struct {
	list   *libcni.NetworkConfigList
	single *libcni.PluginConfig
}

func (s *source) load() (loaded, error) {
	var l loaded
	var err error
	switch s.Form {
	case "list":
		l.list, err = libcni.NetworkConfFromBytes(s.Bytes)
	case "single":
		l.single, err = libcni.NetworkPluginConfFromBytes(s.Bytes)
	case "wrapped":
		if l.single, err = libcni.NetworkPluginConfFromBytes(s.Bytes); err == nil {
			l.list, err = libcni.ConfListFromConf(l.single)
			l.single = nil
		}
	case "file":
		l.list, err = libcni.NetworkConfFromFile(s.Path)
	case "dir":
		l.list, err = libcni.LoadNetworkConf(s.Path, s.Name)
	default:
		panic("unknown form of a source: " + s.Form)
	}
	return l, err
}
