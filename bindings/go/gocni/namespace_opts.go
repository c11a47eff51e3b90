package cni

import (
	"maps"
	"slices"

	libcni "github.com/libcni/libcni/bindings/go"
)

// A NamespaceOpts adds to what plugins are told of one container.
type NamespaceOpts func(*Namespace) error

// A Namespace is the container of one call.
type Namespace struct {
	id, path       string
	capabilityArgs map[string]any
	args           map[string]string
}

func newNamespace(id, path string, opts []NamespaceOpts) (*Namespace, error) {
	ns := &Namespace{id: id, path: path, capabilityArgs: map[string]any{}, args: map[string]string{}}
	for _, opt := range opts {
		if err := opt(ns); err != nil {
			return nil, err
		}
	}
	return ns, nil
}

// The values of capabilities have the keys of the CNI conventions. (The types have none: programs store them as JSON.)
type (
	portMappingValue struct {
		HostPort      int32  `json:"hostPort"`
		ContainerPort int32  `json:"containerPort"`
		Protocol      string `json:"protocol"`
		HostIP        string `json:"hostIP,omitempty"`
	}
	ipRangeValue struct {
		Subnet     string `json:"subnet"`
		RangeStart string `json:"rangeStart,omitempty"`
		RangeEnd   string `json:"rangeEnd,omitempty"`
		Gateway    string `json:"gateway,omitempty"`
	}
	bandWidthValue struct {
		IngressRate  uint64 `json:"ingressRate"`
		IngressBurst uint64 `json:"ingressBurst"`
		EgressRate   uint64 `json:"egressRate"`
		EgressBurst  uint64 `json:"egressBurst"`
	}
	dnsValue struct {
		Servers  []string `json:"servers"`
		Searches []string `json:"searches"`
		Options  []string `json:"options"`
	}
)

// WithCapabilityPortMap is the capability portMappings: ports of the host that lead to the container.
func WithCapabilityPortMap(portMapping []PortMapping) NamespaceOpts {
	values := make([]portMappingValue, len(portMapping))
	for i, mapping := range portMapping {
		values[i] = portMappingValue(mapping)
	}
	return WithCapability("portMappings", values)
}

// WithCapabilityIPRanges is the capability ipRanges: the container gets an address of each range.
func WithCapabilityIPRanges(ipRanges []IPRanges) NamespaceOpts {
	values := make([][]ipRangeValue, len(ipRanges))
	for i, ipRange := range ipRanges {
		values[i] = []ipRangeValue{ipRangeValue(ipRange)}
	}
	return WithCapability("ipRanges", values)
}

// WithCapabilityBandWidth is the capability bandwidth: limits of the traffic.
func WithCapabilityBandWidth(bandWidth BandWidth) NamespaceOpts {
	return WithCapability("bandwidth", bandWidthValue(bandWidth))
}

// WithCapabilityDNS is the capability dns: how names are to be resolved.
func WithCapabilityDNS(dns DNS) NamespaceOpts {
	return WithCapability("dns", dnsValue(dns))
}

// WithCapabilityCgroupPath is the capability cgroupPath: the control group of the container.
func WithCapabilityCgroupPath(cgroupPath string) NamespaceOpts {
	return WithCapability("cgroupPath", cgroupPath)
}

// WithCapability is a capability by its name: plugins that have it enabled get the value, as JSON, in their
// runtimeConfig. See https://www.cni.dev/docs/conventions.
func WithCapability(name string, capability interface{}) NamespaceOpts {
	return func(ns *Namespace) error {
		ns.capabilityArgs[name] = capability
		return nil
	}
}

// WithLabels adds to the CNI_ARGS of the plugins.
func WithLabels(labels map[string]string) NamespaceOpts {
	return func(ns *Namespace) error {
		for key, value := range labels {
			ns.args[key] = value
		}
		return nil
	}
}

// WithArgs adds one to the CNI_ARGS of the plugins.
func WithArgs(k, v string) NamespaceOpts {
	return func(ns *Namespace) error {
		ns.args[k] = v
		return nil
	}
}

// cniArgs are the CNI_ARGS, sorted by key: the same ones look the same at each call.
func (ns *Namespace) cniArgs() [][2]string {
	args := make([][2]string, 0, len(ns.args))
	for _, key := range slices.Sorted(maps.Keys(ns.args)) {
		args = append(args, [2]string{key, ns.args[key]})
	}
	return args
}

func (ns *Namespace) container() *libcni.Container {
	return &libcni.Container{
		ContainerID:    ns.id,
		NetNS:          ns.path,
		Args:           ns.cniArgs(),
		CapabilityArgs: ns.capabilityArgs,
	}
}
