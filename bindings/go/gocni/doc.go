// Package cni sets up the networks of containers, with the names of github.com/containerd/go-cni v1.1.14: a program
// changes one import line, or one line of its go.mod.
//
//	network, err := gocni.New(gocni.WithMinNetworkCount(2))
//	err = network.Load(gocni.WithLoNetwork, gocni.WithDefaultConf)
//	result, err := network.Setup(ctx, id, "/run/netns/"+id)
//	err = network.Remove(ctx, id, "/run/netns/"+id)
//
// The work is done by [libcni.Networks] of the module that this one belongs to, and so by libcni.so.
//
// # What is better
//
// A deadline holds, and no lock is held while plugins run. A set-up that fails is undone, and tells every failure. A removal goes
// on after failures, and never decides by the text of an error. Loopback needs no program. A load that fails because a
// file is broken leaves the networks that were loaded. Errors have a [*libcni.Error] and a *types.Error inside.
//
// docs/GO.md of the source tree lists every difference to go-cni.
//
// # Linking
//
// Through cgo, for Linux, with the build tags of the package libcni.
package cni
