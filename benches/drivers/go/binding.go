//go:build binding

package main

import (
	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	binding "github.com/libcni/libcni/bindings/go"
)

// newRuntime makes a runtime of our Go package.
func newRuntime(dirs []string, cache string, exec invoke.Exec) libcni.CNI {
	return binding.NewCNIConfigWithCacheDir(dirs, cache, exec)
}
