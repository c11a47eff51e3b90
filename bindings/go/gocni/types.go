package cni

const (
	// CNIPluginName is what the kind of plugin is called that this package runs.
	CNIPluginName = "cni"
	// DefaultNetDir is the directory of configurations.
	DefaultNetDir = "/etc/cni/net.d"
	// DefaultCNIDir is the directory of plugins.
	DefaultCNIDir = "/opt/cni/bin"
	// DefaultMaxConfNum is how many networks [WithDefaultConf] loads.
	DefaultMaxConfNum = 1
	// DefaultPrefix is what the names of interfaces begin with.
	DefaultPrefix = "eth"
	// VendorCNIDirTemplate is the format of a vendor's directory of plugins: prefix and vendor.
	VendorCNIDirTemplate = "%s/opt/%s/bin"
)

// PortMapping is a port of the host that leads to a port of the container.
type PortMapping struct {
	HostPort      int32
	ContainerPort int32
	// Protocol is "tcp", "udp" or "sctp".
	Protocol string
	// HostIP is the address of the host; empty is all of them.
	HostIP string
}

// IPRanges is one range of addresses to take an address from. Only Subnet is needed.
type IPRanges struct {
	Subnet     string
	RangeStart string
	RangeEnd   string
	Gateway    string
}

// BandWidth limits what the container gets (ingress) and sends (egress): rates in bits per second, bursts in bits.
type BandWidth struct {
	IngressRate  uint64
	IngressBurst uint64
	EgressRate   uint64
	EgressBurst  uint64
}

// DNS says how the container is to resolve names.
type DNS struct {
	Servers  []string
	Searches []string
	Options  []string
}
