//go:build !binding

package main

import (
	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
)

// newRuntime makes a runtime of the Go original.
func newRuntime(dirs []string, cache string, exec invoke.Exec) libcni.CNI {
	return libcni.NewCNIConfigWithCacheDir(dirs, cache, exec)
}
