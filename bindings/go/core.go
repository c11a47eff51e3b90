package libcni

// #include "callbacks.h"
import "C"

import (
	"runtime/cgo"
	"sync/atomic"
	"unsafe"

	"github.com/containernetworking/cni/pkg/invoke"
)

// The C ABI as this package uses it: JSON in, JSON or an error out. What C made is freed by C before a function
// here returns; what Go made is only lent for the time of a call.

// The things of the core that are alive, for tests.
var live struct {
	runtimes, networks, contexts, texts, errors atomic.Int64
}

// A runtime is a libcni, shared by its owner and the calls that run: the last one to let go frees it.
type coreRuntime struct {
	ptr    *C.libcni
	owners atomic.Int64
	// The plugins that live in the process.
	plugins []cgo.Handle
}

// newCoreRuntime makes a runtime with one owner. Where the core does not itself find and run the plugins of exec, the
// calls do.
func newCoreRuntime(options []byte, exec invoke.Exec, plugins map[string]Plugin) (*coreRuntime, error) {
	native, err := newNativePlugins(plugins)
	if err != nil {
		return nil, err
	}
	defer native.free()
	r := &coreRuntime{plugins: native.handles}
	var failed *C.libcni_error
	_, byCore := ranByCore(exec)
	status := C.libcni_go_new(
		text(options), C.bool(!byCore), C.bool(exec == nil), native.ptr, native.count, &r.ptr, &failed)
	if status != C.LIBCNI_OK {
		r.forgetPlugins()
		return nil, takeError(status, failed)
	}
	live.runtimes.Add(1)
	r.owners.Store(1)
	return r, nil
}

func (r *coreRuntime) share() *coreRuntime {
	r.owners.Add(1)
	return r
}

func (r *coreRuntime) release() {
	if r.owners.Add(-1) == 0 {
		C.libcni_free(r.ptr)
		r.forgetPlugins()
		live.runtimes.Add(-1)
	}
}

func (r *coreRuntime) forgetPlugins() {
	for _, plugin := range r.plugins {
		plugin.Delete()
	}
}

// A coreContext is a libcni_context, or none. It must be freed after the last cancel.
type coreContext struct {
	ptr    *C.libcni_context
	handle cgo.Handle
}

// noContext is none, for calls that need none.
var noContext coreContext

// newCoreContext makes a context whose callbacks are those of call; nil when there is nobody to call back.
func newCoreContext(options []byte, call *call) (*coreContext, *Error) {
	c := &coreContext{}
	if call != nil {
		c.handle = cgo.NewHandle(call)
	}
	var err *C.libcni_error
	status := C.libcni_go_context_new(text(options), C.uintptr_t(c.handle), &c.ptr, &err)
	if status != C.LIBCNI_OK {
		c.free()
		return nil, takeError(status, err)
	}
	live.contexts.Add(1)
	return c, nil
}

func (c *coreContext) cancel() {
	C.libcni_context_cancel(c.ptr)
}

func (c *coreContext) free() {
	if c.ptr != nil {
		C.libcni_context_free(c.ptr)
		live.contexts.Add(-1)
	}
	if c.handle != 0 {
		c.handle.Delete()
	}
}

// An answer receives what a function of the core gives away.
type answer struct {
	buf C.libcni_buf
	err *C.libcni_error
}

func (a *answer) take(status C.int32_t) ([]byte, *Error) {
	if status != C.LIBCNI_OK {
		return nil, takeError(status, a.err)
	}
	if a.buf.data == nil {
		return nil, nil
	}
	live.texts.Add(1)
	out := C.GoBytes(unsafe.Pointer(a.buf.data), C.int(a.buf.len))
	C.libcni_buf_free(&a.buf)
	live.texts.Add(-1)
	return out, nil
}

func takeError(status C.int32_t, err *C.libcni_error) *Error {
	live.errors.Add(1)
	e := parseError(Status(status), []byte(C.GoString(C.libcni_error_json(err))))
	C.libcni_error_free(err)
	live.errors.Add(-1)
	return e
}

// text lends a Go text to C, with the NUL that C expects behind it.
func text(s []byte) *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(append(s[:len(s):len(s)], 0))))
}

func (r *coreRuntime) addNetworkList(ctx *coreContext, list, rt []byte) ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_go_add_network_list(r.ptr, ctx.ptr, text(list), text(rt), &a.buf, &a.err))
}

func (r *coreRuntime) checkNetworkList(ctx *coreContext, list, rt []byte) *Error {
	var a answer
	_, err := a.take(C.libcni_check_network_list(r.ptr, ctx.ptr, text(list), text(rt), &a.err))
	return err
}

func (r *coreRuntime) delNetworkList(ctx *coreContext, list, rt []byte) *Error {
	var a answer
	_, err := a.take(C.libcni_del_network_list(r.ptr, ctx.ptr, text(list), text(rt), &a.err))
	return err
}

func (r *coreRuntime) validateNetworkList(ctx *coreContext, list []byte) ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_validate_network_list(r.ptr, ctx.ptr, text(list), &a.buf, &a.err))
}

func (r *coreRuntime) gcNetworkList(ctx *coreContext, list, args []byte) *Error {
	var a answer
	_, err := a.take(C.libcni_gc_network_list(r.ptr, ctx.ptr, text(list), text(args), &a.err))
	return err
}

func (r *coreRuntime) getStatusNetworkList(ctx *coreContext, list []byte) *Error {
	var a answer
	_, err := a.take(C.libcni_get_status_network_list(r.ptr, ctx.ptr, text(list), &a.err))
	return err
}

func (r *coreRuntime) getVersionInfo(ctx *coreContext, pluginType string) ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_get_version_info(r.ptr, ctx.ptr, text([]byte(pluginType)), &a.buf, &a.err))
}

func (r *coreRuntime) getCachedResult(list, rt []byte) ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_get_network_list_cached_result(r.ptr, text(list), text(rt), &a.buf, &a.err))
}

func (r *coreRuntime) getCachedConfig(list, rt []byte) ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_get_network_list_cached_config(r.ptr, text(list), text(rt), &a.buf, &a.err))
}

func (r *coreRuntime) getCachedAttachments(filter []byte) ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_get_cached_attachments(r.ptr, text(filter), &a.buf, &a.err))
}

// Version is the version of the library that runs, for example "0.1.0".
func Version() string {
	return C.GoString(C.libcni_version())
}

func statusName(status Status) string {
	return C.GoString(C.libcni_status_name(C.int32_t(status)))
}
