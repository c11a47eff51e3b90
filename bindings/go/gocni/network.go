package cni

import (
	"context"

	types100 "github.com/containernetworking/cni/pkg/types/100"

	libcni "github.com/libcni/libcni/bindings/go"
)

// A Network is one network that is loaded.
type Network struct {
	cni    *libcni.CNIConfig
	list   *libcni.NetworkConfigList
	ifName string
}

// Attach attaches a container to this network alone.
func (n *Network) Attach(ctx context.Context, ns *Namespace) (*types100.Result, error) {
	result, err := n.cni.AddNetworkList(ctx, n.list, ns.runtimeConf(n.ifName))
	if err != nil {
		return nil, err
	}
	return types100.NewResultFromResult(result)
}

// Remove detaches a container from this network alone.
func (n *Network) Remove(ctx context.Context, ns *Namespace) error {
	return n.cni.DelNetworkList(ctx, n.list, ns.runtimeConf(n.ifName))
}

// Check asks whether a container is still attached to this network as it was.
func (n *Network) Check(ctx context.Context, ns *Namespace) error {
	return n.cni.CheckNetworkList(ctx, n.list, ns.runtimeConf(n.ifName))
}

func (ns *Namespace) runtimeConf(ifName string) *libcni.RuntimeConf {
	return &libcni.RuntimeConf{
		ContainerID:    ns.id,
		NetNS:          ns.path,
		IfName:         ifName,
		Args:           ns.cniArgs(),
		CapabilityArgs: ns.capabilityArgs,
	}
}
