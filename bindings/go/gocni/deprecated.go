package cni

import (
	"fmt"
	"sync"

	types100 "github.com/containernetworking/cni/pkg/types/100"
)

// CNIOpt is the older name of [Opt].
//
// Deprecated: use [Opt].
type CNIOpt = Opt

// CNIResult is the older name of [Result].
//
// Deprecated: use [Result].
type CNIResult = Result

// RWMutex is there because go-cni has the name.
//
// Deprecated: use [sync.RWMutex].
type RWMutex = sync.RWMutex

// GetCNIResultFromResults adds results of networks up as go-cni does, which does not know whose they are: an address that
// names no interface is one of the first interface, "eth0", and of two interfaces of one name the last one counts. It is
// not of the interface CNI; who wants it asserts for it. An address that names an interface out of range is
// [ErrInvalidResult].
//
// Deprecated: use the [Result] of [CNI.Setup].
func (n *node) GetCNIResultFromResults(results []*types100.Result) (*Result, error) {
	first := n.loaded.Load().prefix + "0"
	r := &Result{Interfaces: map[string]*Config{first: {}}, raw: results}
	for _, result := range results {
		for _, known := range result.Interfaces {
			r.Interfaces[known.Name] = &Config{
				Mac: known.Mac, Sandbox: known.Sandbox, PciID: known.PciID, SocketPath: known.SocketPath,
			}
		}
		for _, ip := range result.IPs {
			if ip == nil {
				return nil, fmt.Errorf("an address is null: %w", ErrInvalidResult)
			}
			name := first
			if at := ip.Interface; at != nil {
				if *at < 0 || *at >= len(result.Interfaces) {
					return nil, fmt.Errorf("the address %s is of interface %d, and there are %d: %w",
						ip.Address.IP, *at, len(result.Interfaces), ErrInvalidResult)
				}
				name = result.Interfaces[*at].Name
			}
			r.Interfaces[name].IPConfigs = append(r.Interfaces[name].IPConfigs,
				&IPConfig{IP: ip.Address.IP, Gateway: ip.Gateway})
		}
		r.DNS = append(r.DNS, result.DNS)
		r.Routes = append(r.Routes, result.Routes...)
	}
	return r, nil
}
