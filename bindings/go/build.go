//go:build !cgo || !linux

package libcni

// What the compiler says of this is the message: CGO_ENABLED=1 and a C compiler are needed, see docs/GO.md.
type coreRuntime = libcni_needs_cgo_and_Linux
