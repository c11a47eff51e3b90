package libcni

import (
	"encoding/json"

	"github.com/containernetworking/cni/pkg/types"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/types/create"
)

// What calls of Networks take and return, and how it looks as JSON of the C ABI.

// A Container is whom a call of [Networks] is about.
type Container struct {
	// ContainerID is unique among the containers of the node.
	ContainerID string
	// NetNS is the path of the container's network namespace. It may be empty for Remove.
	NetNS string
	// Args are the CNI_ARGS, and CapabilityArgs the values of capabilities, for all networks.
	Args           [][2]string
	CapabilityArgs map[string]any
	// CacheDir is where attachments are remembered, when the [CNIConfig] names no directory itself.
	CacheDir string
	// Networks are the networks of this container. nil: all that are loaded. Loopback is there in any case.
	Networks []ContainerNetwork
	// Parallel overrides the option of that name.
	Parallel *bool
}

// A ContainerNetwork is a network of one container.
type ContainerNetwork struct {
	// Name is the name of a network that is loaded.
	Name string
	// IfName is the interface in the container; empty: the one that the network has by its place.
	IfName string
	// Args and CapabilityArgs are further ones; those of the same name count in place of the container's.
	Args           [][2]string
	CapabilityArgs map[string]any
}

// containerText is the container of the C ABI.
type containerText struct {
	ContainerID    string                 `json:"containerId"`
	NetNS          string                 `json:"netns"`
	Args           [][2]string            `json:"cniArgs,omitempty"`
	CapabilityArgs map[string]any         `json:"capabilityArgs,omitempty"`
	CacheDir       string                 `json:"cacheDir,omitempty"`
	Networks       []containerNetworkText `json:"networks"`
	Parallel       *bool                  `json:"parallel,omitempty"`
}

type containerNetworkText struct {
	Name           string         `json:"name"`
	IfName         string         `json:"ifName,omitempty"`
	Args           [][2]string    `json:"cniArgs,omitempty"`
	CapabilityArgs map[string]any `json:"capabilityArgs,omitempty"`
}

func (n *Networks) textOf(container *Container) ([]byte, error) {
	text := containerText{
		ContainerID:    container.ContainerID,
		NetNS:          container.NetNS,
		Args:           container.Args,
		CapabilityArgs: container.CapabilityArgs,
		CacheDir:       n.cni.cacheDirFor(&RuntimeConf{CacheDir: container.CacheDir}),
		Parallel:       container.Parallel,
	}
	if container.Networks != nil {
		text.Networks = make([]containerNetworkText, len(container.Networks))
		for i, network := range container.Networks {
			text.Networks[i] = containerNetworkText(network)
		}
	}
	return marshal(text)
}

// networksOptionsText are the options of libcni_networks_new.
type networksOptionsText struct {
	Sources         []sourceText   `json:"sources,omitempty"`
	ConfDir         string         `json:"confDir,omitempty"`
	InterfacePrefix string         `json:"interfacePrefix,omitempty"`
	MinNetworks     *int           `json:"minNetworks,omitempty"`
	MaxNetworks     int            `json:"maxNetworks"`
	Loopback        bool           `json:"loopback"`
	LoopbackPlugin  LoopbackPlugin `json:"loopbackPlugin,omitempty"`
	Parallel        bool           `json:"parallel"`
	Undo            bool           `json:"undo"`
	UndoTimeoutMs   *int64         `json:"undoTimeoutMs,omitempty"`
	CheckNetNS      bool           `json:"checkNetns"`
}

func (o *NetworksOptions) forCore() networksOptionsText {
	text := networksOptionsText{
		Sources:         sourcesForCore(o.Sources),
		ConfDir:         o.ConfDir,
		InterfacePrefix: o.InterfacePrefix,
		MaxNetworks:     o.MaxNetworks,
		Loopback:        !o.DisableLoopback,
		LoopbackPlugin:  o.LoopbackPlugin,
		Parallel:        o.Parallel,
		Undo:            !o.DisableUndo,
		CheckNetNS:      !o.DisableNetNSCheck,
	}
	if o.MinNetworks != 0 {
		least := max(o.MinNetworks, 0)
		text.MinNetworks = &least
	}
	if o.UndoTimeout != 0 {
		milliseconds := max(o.UndoTimeout.Milliseconds(), 0)
		text.UndoTimeoutMs = &milliseconds
	}
	return text
}

// sourceText is an element of the sources of the C ABI.
type sourceText struct {
	Dir          string  `json:"dir,omitempty"`
	Load         DirLoad `json:"load,omitempty"`
	ConfFile     string  `json:"confFile,omitempty"`
	ConfListFile string  `json:"confListFile,omitempty"`
	Conf         *string `json:"conf,omitempty"`
	ConfList     *string `json:"confList,omitempty"`
	Index        *int    `json:"index,omitempty"`
}

func sourcesForCore(sources []Source) []sourceText {
	texts := make([]sourceText, len(sources))
	for i, source := range sources {
		texts[i] = sourceText{
			Dir:          source.Dir,
			Load:         source.Load,
			ConfFile:     source.ConfFile,
			ConfListFile: source.ConfListFile,
			Conf:         textIfAny(source.Conf),
			ConfList:     textIfAny(source.ConfList),
			Index:        source.Index,
		}
	}
	return texts
}

func textIfAny(text []byte) *string {
	if text == nil {
		return nil
	}
	s := string(text)
	return &s
}

// NetworksConfig is what is loaded at a time.
type NetworksConfig struct {
	ConfDir         string   `json:"confDir"`
	InterfacePrefix string   `json:"interfacePrefix"`
	PluginDirs      []string `json:"pluginDirs"`
	// Generation counts the loads that changed something, from 1.
	Generation uint64 `json:"generation"`
	// Networks are in the order of the set-up.
	Networks []*LoadedNetwork `json:"networks"`
	// Errors tell what could not be loaded. A file that is broken now but was loaded before keeps its network.
	Errors []*LoadError `json:"errors"`
}

// A LoadedNetwork is a network as it was loaded.
type LoadedNetwork struct {
	Name string
	// IfName is the interface that containers get, unless they ask for another one.
	IfName string
	// Path is the file that it comes from; empty when it comes from none.
	Path string
	// Loopback tells the library's own network of lo.
	Loopback bool
	// Bytes are the exact text of the network, with its drop-in plugins at the end; bytes that are not UTF-8 are U+FFFD.
	Bytes []byte
}

// List is the network as the original reads it.
func (n *LoadedNetwork) List() (*NetworkConfigList, error) {
	return NetworkConfFromBytes(n.Bytes)
}

// UnmarshalJSON reads an element of the networks of libcni_networks_config.
func (n *LoadedNetwork) UnmarshalJSON(text []byte) error {
	var read struct {
		Name, IfName, Path string
		Loopback           bool
		ListText           string
	}
	err := json.Unmarshal(text, &read)
	*n = LoadedNetwork{read.Name, read.IfName, read.Path, read.Loopback, []byte(read.ListText)}
	return err
}

// A LoadError tells why a file or a directory could not be loaded.
type LoadError struct {
	Path string `json:"path"`
	// Status is the kind of failure, as of an [*Error].
	Status  Status `json:"status"`
	Message string `json:"message"`
}

// Error is the library's text.
func (e *LoadError) Error() string { return e.Message }

func readNetworksConfig(text []byte, failed *Error) (*NetworksConfig, error) {
	if failed != nil {
		return nil, failed
	}
	config := new(NetworksConfig)
	if err := json.Unmarshal(text, config); err != nil {
		return nil, err
	}
	return config, nil
}

// A SetupResult is what a container got from its networks.
type SetupResult struct {
	// Interfaces are the interfaces by their names, inside the container (those with a Sandbox) and on the host.
	Interfaces map[string]*InterfaceResult
	// DNS has one element for each network, and Routes the routes of all, in the order of the networks.
	DNS    []types.DNS
	Routes []*types.Route
	// Results are what each network returned, in the order of the set-up.
	Results []*NetworkResult
}

// An InterfaceResult is one interface. What was not told is empty.
type InterfaceResult struct {
	// Network is the name of the network that it belongs to.
	Network string `json:"network"`
	// Mac is the hardware address, and Mtu the maximum transmission unit in bytes.
	Mac string `json:"mac"`
	Mtu int    `json:"mtu"`
	// Sandbox is the path of its network namespace; empty on the host.
	Sandbox string `json:"sandbox"`
	// PciID is its PCI address, and SocketPath the path of its socket.
	PciID      string `json:"pciID"`
	SocketPath string `json:"socketPath"`
	// IPs are its addresses, each with its gateway. Their Interface is nil.
	IPs []*types100.IPConfig `json:"ips"`
}

// A NetworkResult is the result of one network, in the version of its configuration.
type NetworkResult struct {
	Network string
	// IfName is the interface in the container.
	IfName string
	Result types.Result
}

// readSetupResult reads the result of libcni_networks_setup.
func readSetupResult(text []byte) (*SetupResult, error) {
	var read struct {
		Interfaces map[string]*InterfaceResult
		DNS        []types.DNS
		Routes     []*types.Route
		Results    []struct {
			Network, IfName string
			Result          json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	setup := &SetupResult{Interfaces: read.Interfaces, DNS: read.DNS, Routes: read.Routes}
	for _, of := range read.Results {
		result, err := create.CreateFromBytes(of.Result)
		if err != nil {
			return nil, err
		}
		setup.Results = append(setup.Results, &NetworkResult{of.Network, of.IfName, result})
	}
	return setup, nil
}
