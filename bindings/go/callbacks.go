package libcni

// #include <libcni.h>
import "C"

import (
	"os"
	"runtime/cgo"
	"unsafe"
)

// The callbacks of the core, on the goroutine and the thread of the call that they belong to. What they do is in
// exec.go and stderr.go; here is how it looks from C.

//export libcniGoFindInPath
func libcniGoFindInPath(handle C.uintptr_t, request *C.libcni_exec_request, response *C.libcni_exec_response) C.int32_t {
	call := cgo.Handle(handle).Value().(*call)
	path, err := call.findInPath(C.GoString(C.libcni_exec_request_plugin(request)))
	if err != nil {
		return refuse(call, response, err)
	}
	C.libcni_exec_response_set_path(response, text([]byte(path)))
	return 0
}

//export libcniGoExecPlugin
func libcniGoExecPlugin(handle C.uintptr_t, request *C.libcni_exec_request, response *C.libcni_exec_response) C.int32_t {
	call := cgo.Handle(handle).Value().(*call)
	var length C.size_t
	stdin := C.libcni_exec_request_stdin(request, &length)
	var env []string
	for i := C.size_t(0); ; i++ {
		variable := C.libcni_exec_request_env(request, i)
		if variable == nil {
			break
		}
		env = append(env, C.GoString(variable))
	}
	stdout, err := call.execPlugin(
		C.GoString(C.libcni_exec_request_command(request)),
		C.GoString(C.libcni_exec_request_path(request)),
		C.GoBytes(unsafe.Pointer(stdin), C.int(length)),
		env,
	)
	if err != nil {
		return refuse(call, response, err)
	}
	C.libcni_exec_response_set_stdout(response, text(stdout), C.size_t(len(stdout)))
	return 0
}

//export libcniGoOnEvent
func libcniGoOnEvent(handle C.uintptr_t, event *C.char) {
	text := []byte(C.GoString(event))
	if handle == 0 {
		copyStderr(os.Stderr, text)
		return
	}
	cgo.Handle(handle).Value().(*call).onEvent(text)
}

// refuse makes the core end the call, or go on to the next plugin where the operation does so, with an error that
// stands for err.
func refuse(call *call, response *C.libcni_exec_response, err error) C.int32_t {
	C.libcni_exec_response_set_error(response, text([]byte(call.keep(err))))
	return C.LIBCNI_ERR_CALLBACK
}
