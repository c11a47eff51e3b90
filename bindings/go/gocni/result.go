package cni

import (
	"fmt"
	"net"

	"github.com/containernetworking/cni/pkg/types"
	types100 "github.com/containernetworking/cni/pkg/types/100"

	libcni "github.com/libcni/libcni/bindings/go"
)

// IPConfig is an address and its gateway, which may be nil.
type IPConfig struct {
	IP      net.IP
	Gateway net.IP
}

// A Result is what a container got from its networks.
type Result struct {
	// Interfaces are the interfaces by their names, inside the container (those with a Sandbox) and on the host. The
	// container's first one, "eth0", is always there.
	Interfaces map[string]*Config
	// DNS has one element for each network, in their order.
	DNS []types.DNS
	// Routes are those of all networks, in their order.
	Routes []*types.Route
	raw    []*types100.Result
}

// Raw are the results of the networks, in their order.
func (r *Result) Raw() []*types100.Result {
	return r.raw
}

// Config is one interface. What was not told is empty.
type Config struct {
	IPConfigs []*IPConfig
	// Mac is the hardware address.
	Mac string
	// Sandbox is the path of its network namespace; empty on the host.
	Sandbox string
	// PciID is its PCI address.
	PciID string
	// SocketPath is the path of its socket.
	SocketPath string
}

func (l *loaded) result(setup *libcni.SetupResult) (*Result, error) {
	r := &Result{Interfaces: make(map[string]*Config), DNS: setup.DNS}
	if len(setup.Routes) > 0 {
		r.Routes = setup.Routes
	}
	for name, known := range setup.Interfaces {
		config := &Config{Mac: known.Mac, Sandbox: known.Sandbox, PciID: known.PciID, SocketPath: known.SocketPath}
		for _, ip := range known.IPs {
			config.IPConfigs = append(config.IPConfigs, &IPConfig{IP: ip.Address.IP, Gateway: ip.Gateway})
		}
		r.Interfaces[name] = config
	}
	// Programs look at it without a question whether it is there.
	if first := l.prefix + "0"; r.Interfaces[first] == nil {
		r.Interfaces[first] = &Config{}
	}
	for _, of := range setup.Results {
		raw, err := types100.NewResultFromResult(of.Result)
		if err != nil {
			return nil, fmt.Errorf("the result of network %s: %w: %w", of.Network, err, ErrInvalidResult)
		}
		r.raw = append(r.raw, raw)
	}
	return r, nil
}
