//go:build !libcni_dev && !libcni_static

package libcni

// #cgo pkg-config: libcni
import "C"
