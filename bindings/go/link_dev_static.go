//go:build libcni_dev && libcni_static

package libcni

// #cgo CFLAGS: -I${SRCDIR}/../../include
// #cgo LDFLAGS: ${SRCDIR}/../../target/release/libcni.a -lutil -lrt -lpthread -lm -ldl
import "C"
