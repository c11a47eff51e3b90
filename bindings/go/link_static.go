//go:build !libcni_dev && libcni_static

package libcni

// libcni.a comes first and leaves nothing to find in a libcni.so beside it, which --as-needed then drops.

// #cgo pkg-config: --static libcni
// #cgo LDFLAGS: -l:libcni.a -Wl,--as-needed
import "C"
