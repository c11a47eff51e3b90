package libcni

// #include "callbacks.h"
// #include <stdlib.h>
import "C"

import (
	"context"
	"encoding/json"
	"runtime/cgo"
	"unsafe"
)

// Plugins in the process as they look from C; what they are for Go is in plugin.go.

//export libcniGoRunPlugin
func libcniGoRunPlugin(
	plugin, handle C.uintptr_t, request *C.libcni_plugin_request, response *C.libcni_plugin_response,
) C.int32_t {
	native := nativeRequest{request}
	ctx := context.Background()
	if handle != 0 {
		ctx = cgo.Handle(handle).Value().(*call).ctx
	}
	if locks := native.variable("LIBCNI_LOCKS"); locks != "" {
		ctx = context.WithValue(ctx, heldLocks{}, locks)
	}
	result, failed := runPlugin(ctx, cgo.Handle(plugin).Value().(Plugin), native.forGo())
	if failed != nil {
		code := C.uint32_t(failed.Code)
		C.libcni_plugin_response_set_error(response, code, text([]byte(failed.Msg)), text([]byte(failed.Details)))
		return -1
	}
	if result != nil {
		C.libcni_plugin_response_set_result(response, text(result))
	}
	return 0
}

// A nativeRequest is a request as C holds it.
type nativeRequest struct{ ptr *C.libcni_plugin_request }

func (r nativeRequest) forGo() *PluginRequest {
	var length C.size_t
	stdin := C.libcni_plugin_request_stdin(r.ptr, &length)
	return &PluginRequest{
		CmdArgs: CmdArgs{
			ContainerID:   C.GoString(C.libcni_plugin_request_container_id(r.ptr)),
			Netns:         C.GoString(C.libcni_plugin_request_netns(r.ptr)),
			IfName:        C.GoString(C.libcni_plugin_request_if_name(r.ptr)),
			Args:          C.GoString(C.libcni_plugin_request_args(r.ptr)),
			Path:          r.variable("CNI_PATH"),
			NetnsOverride: r.variable("CNI_NETNS_OVERRIDE"),
			StdinData:     C.GoBytes(unsafe.Pointer(stdin), C.int(length)),
		},
		Command:     C.GoString(C.libcni_plugin_request_command(r.ptr)),
		NetworkName: C.GoString(C.libcni_plugin_request_network_name(r.ptr)),
		CNIVersion:  C.GoString(C.libcni_plugin_request_cni_version(r.ptr)),
		native:      r,
	}
}

func (r nativeRequest) variable(name string) string {
	return C.GoString(C.libcni_plugin_request_variable(r.ptr, text([]byte(name))))
}

func (r nativeRequest) log(line string) {
	C.libcni_plugin_request_log(r.ptr, text([]byte(line)))
}

func (r nativeRequest) prevResult() ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_plugin_request_prev_result(r.ptr, &a.buf, &a.err))
}

func (r nativeRequest) delegate(command, pluginType string, config []byte) ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_plugin_request_delegate(
		r.ptr, text([]byte(command)), text([]byte(pluginType)), text(config), &a.buf, &a.err))
}

// nativePlugins are plugins as libcni_new takes them, which copies all but the handles.
type nativePlugins struct {
	ptr     *C.libcni_plugin
	count   C.size_t
	strings []*C.char
	handles []cgo.Handle
}

func newNativePlugins(plugins map[string]Plugin) (*nativePlugins, error) {
	p := &nativePlugins{count: C.size_t(len(plugins))}
	if p.count > 0 {
		p.ptr = C.libcni_go_plugins(p.count)
	}
	lend := func(s string) *C.char {
		p.strings = append(p.strings, C.CString(s))
		return p.strings[len(p.strings)-1]
	}
	place := C.size_t(0)
	for pluginType, plugin := range plugins {
		var versions *C.char
		if supported := supportedVersions(plugin); supported != nil {
			list, err := json.Marshal(supported)
			if err != nil {
				return nil, err
			}
			versions = lend(string(list))
		}
		handle := cgo.NewHandle(plugin)
		p.handles = append(p.handles, handle)
		C.libcni_go_plugin_set(p.ptr, place, lend(pluginType), versions, C.uintptr_t(handle))
		place++
	}
	return p, nil
}

// free frees what was copied. The handles stay as long as the plugins may be called.
func (p *nativePlugins) free() {
	for _, s := range p.strings {
		C.free(unsafe.Pointer(s))
	}
	C.free(unsafe.Pointer(p.ptr))
}
