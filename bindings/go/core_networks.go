package libcni

// #include <libcni.h>
import "C"

import (
	"os"
	"slices"
	"sync/atomic"
)

// coreNetworks are a libcni_networks, shared by its owner and the calls that run: the last one to let go frees it.
type coreNetworks struct {
	ptr     *C.libcni_networks
	runtime *coreRuntime
	// The environment that the runtime was made with.
	environ []string
	owners  atomic.Int64
}

// newCoreNetworks makes networks with one owner, and a runtime of their own.
func newCoreNetworks(cni *CNIConfig, options []byte) (*coreNetworks, error) {
	environ := os.Environ()
	runtimeText, err := marshal(networksRuntimeOptions{append([]string{}, cni.Path...), cni.cacheDir, environment(environ)})
	if err != nil {
		return nil, err
	}
	runtime, err := newCoreRuntime(runtimeText, cni.exec, cni.plugins)
	if err != nil {
		return nil, err
	}
	n := &coreNetworks{runtime: runtime, environ: environ}
	var failed *C.libcni_error
	status := C.libcni_networks_new(runtime.ptr, text(options), &n.ptr, &failed)
	if status != C.LIBCNI_OK {
		runtime.release()
		return nil, takeError(status, failed)
	}
	live.networks.Add(1)
	n.owners.Store(1)
	return n, nil
}

// networksRuntimeOptions are the options of libcni_new for networks. Without a directory it is each call's.
type networksRuntimeOptions struct {
	PluginDirs []string `json:"pluginDirs"`
	CacheDir   string   `json:"cacheDir,omitempty"`
	// As it is when the networks are made.
	Env map[string]string `json:"env,omitempty"`
}

// newEnvironment is what the core is told of the environment with a call: nothing while it is as it was, which is nearly
// always.
func (n *coreNetworks) newEnvironment() any {
	environ := os.Environ()
	if slices.Equal(environ, n.environ) {
		return nil
	}
	if variables := environment(environ); variables != nil {
		return variables
	}
	return "inherit"
}

func (n *coreNetworks) share() *coreNetworks {
	n.owners.Add(1)
	return n
}

func (n *coreNetworks) release() {
	if n.owners.Add(-1) == 0 {
		C.libcni_networks_free(n.ptr)
		live.networks.Add(-1)
		n.runtime.release()
	}
}

func (n *coreNetworks) load(sources []byte) ([]byte, *Error) {
	var a answer
	var given *C.char
	if sources != nil {
		given = text(sources)
	}
	return a.take(C.libcni_networks_load(n.ptr, given, &a.buf, &a.err))
}

func (n *coreNetworks) config() ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_networks_config(n.ptr, &a.buf, &a.err))
}

func (n *coreNetworks) status(ctx *coreContext) *Error {
	var a answer
	_, err := a.take(C.libcni_networks_status(n.ptr, ctx.ptr, &a.err))
	return err
}

func (n *coreNetworks) setup(ctx *coreContext, container []byte) ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_networks_setup(n.ptr, ctx.ptr, text(container), &a.buf, &a.err))
}

func (n *coreNetworks) check(ctx *coreContext, container []byte) *Error {
	var a answer
	_, err := a.take(C.libcni_networks_check(n.ptr, ctx.ptr, text(container), &a.err))
	return err
}

func (n *coreNetworks) remove(ctx *coreContext, container []byte) *Error {
	var a answer
	_, err := a.take(C.libcni_networks_remove(n.ptr, ctx.ptr, text(container), &a.err))
	return err
}

// watch gives the descriptor of what changes, which lives as long as the networks.
func (n *coreNetworks) watch(options []byte) (fd int, failed *Error) {
	var a answer
	var out C.int32_t
	_, failed = a.take(C.libcni_networks_watch(n.ptr, text(options), &out, &a.err))
	return int(out), failed
}

func (n *coreNetworks) dispatch() ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_networks_dispatch(n.ptr, &a.buf, &a.err))
}

func (n *coreNetworks) metrics(format string) ([]byte, *Error) {
	var a answer
	return a.take(C.libcni_networks_metrics(n.ptr, text([]byte(format)), &a.buf, &a.err))
}
