package libcni

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Networks are the networks of a node, for any number of containers: loaded from its configuration, they are what a
// runtime attaches every container to. This is the layer above [CNIConfig], with whose plugins it works. Any number of
// goroutines may use one at once: a call works with the networks as they are loaded when it begins.
//
// Errors are an [*Error] for [errors.As], and so is each cause: of several networks the error has the status and the
// code of the first one that failed, and in Causes one for each, which names its network in Attachment. A deadline, a
// cancellation and what an [invoke.Exec] returned are found with [errors.Is], a plugin's error object with
// [errors.As] and a [*types.Error].
type Networks struct {
	// Plugins are found and run as this one does. It is a copy that owns nothing of the core.
	cni CNIConfig

	mu      sync.Mutex
	core    *coreNetworks // nil when closed
	cleanup runtime.Cleanup

	// Ends what waits for changes.
	open  context.Context
	close context.CancelFunc
	// Whether somebody waits for changes.
	watched bool
}

// ErrClosed is the error of calls of [Networks] after [Networks.Close].
var ErrClosed = errors.New("the networks are closed")

// NetworksOptions say where networks come from and how containers are attached to them. The zero value is the first
// network of /etc/cni/net.d, with loopback, one network after the other.
type NetworksOptions struct {
	// Sources are where networks come from, in order. Without any it is the first network of ConfDir.
	Sources []Source
	// ConfDir is the directory of network configurations, "/etc/cni/net.d" when it is empty.
	ConfDir string
	// InterfacePrefix is what the names of interfaces begin with, "eth" when it is empty. The networks are numbered
	// in their order from 0, loopback left out.
	InterfacePrefix string
	// MinNetworks is how many networks must be loaded for a container to be set up, loopback included. 0 stands for
	// one, and one more with loopback; less than 0 for none.
	MinNetworks int
	// MaxNetworks is how many networks are taken from a directory at most; 0 is all of them.
	MaxNetworks int

	// DisableLoopback leaves the interface lo of containers alone. Otherwise it is brought up before everything else, by
	// LoopbackPlugin.
	DisableLoopback bool
	LoopbackPlugin  LoopbackPlugin

	// Parallel attaches a container to its networks at the same time, on threads that end with the call. Plugins in the
	// process, an [invoke.Exec] and its Stderr are then called on several threads at once, with the
	// namespaces of the caller's.
	Parallel bool
	// DisableUndo leaves a container attached to the networks that it was attached to when another one failed.
	DisableUndo bool
	// UndoTimeout is how long detaching it may take then, in whole milliseconds, whatever became of the call's context;
	// 0 stands for 30 seconds.
	UndoTimeout time.Duration
	// DisableNetNSCheck lets a set-up begin without a look for the network namespace, for plugins that understand
	// something else than a path by it.
	DisableNetNSCheck bool
}

// LoopbackPlugin is who brings the loopback interface up.
type LoopbackPlugin string

const (
	// LoopbackAuto is the program where there is one in the plugin directories, else the library itself.
	LoopbackAuto LoopbackPlugin = ""
	// LoopbackBuiltin is the library itself, without a program.
	LoopbackBuiltin LoopbackPlugin = "builtin"
	// LoopbackProgram is the program "loopback" in the plugin directories.
	LoopbackProgram LoopbackPlugin = "program"
)

// A Source is one place that networks come from: a directory, a file or a text.
type Source struct {
	// Dir is a directory, of whose files with the extensions .conflist, .conf and .json Load says how many count.
	// With a Load alone it is the ConfDir of the options.
	Dir  string
	Load DirLoad
	// ConfListFile is the path of a file with a network.
	ConfListFile string
	// ConfFile is the path of a file with the configuration of one plugin.
	ConfFile string
	// ConfList is the text of a network.
	ConfList []byte
	// Conf is the text of one plugin's configuration.
	Conf []byte

	// Index is the number in the name of the interface. nil: the place among all networks. A directory has none.
	Index *int
}

// DirLoad is how many networks of a directory are loaded.
type DirLoad string

const (
	// LoadDefault is the first network in file name order.
	LoadDefault DirLoad = "default"
	// LoadAll is all of them in file name order, or as many as the options allow.
	LoadAll DirLoad = "all"
)

// NewNetworks loads the networks of a node. Plugins are found, run and given their environment as by cni, attachments
// are remembered where it does; it is not needed afterwards, and what is changed in it does not count here.
//
// A directory without networks, or that is not there, is no error, see [Networks.Status]; files in it that cannot be
// loaded are in [Networks.Config]. A file or a text that a source names must be good.
func NewNetworks(cni *CNIConfig, options NetworksOptions) (*Networks, error) {
	text, err := marshal(options.forCore())
	if err != nil {
		return nil, err
	}
	n := &Networks{cni: CNIConfig{
		Path: slices.Clone(cni.Path), exec: cni.exec, cacheDir: cni.cacheDir, plugins: cni.plugins,
	}}
	core, err := newCoreNetworks(&n.cni, text)
	if err != nil {
		return nil, err
	}
	n.core = core
	n.cleanup = runtime.AddCleanup(n, (*coreNetworks).release, core)
	n.open, n.close = context.WithCancel(context.Background())
	return n, nil
}

// Close frees what the library holds, and ends [Networks.Watch]. Calls that run finish; later ones return [ErrClosed].
// Who does not close leaves that to the garbage collector. Containers stay attached.
func (n *Networks) Close() error {
	n.close()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.core != nil {
		n.cleanup.Stop()
		n.core.release()
		n.core = nil
	}
	return nil
}

// share gives the core's networks for a call, which releases them.
func (n *Networks) share() (*coreNetworks, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.core == nil {
		return nil, ErrClosed
	}
	return n.core.share(), nil
}

// Load loads the networks again: from these sources if there are some, else from the same ones as before. When it fails
// everything stays as it was. Calls that run go on with what they began with.
func (n *Networks) Load(sources ...Source) (*NetworksConfig, error) {
	var text []byte
	if sources != nil {
		var err error
		if text, err = marshal(sourcesForCore(sources)); err != nil {
			return nil, err
		}
	}
	core, err := n.share()
	if err != nil {
		return nil, err
	}
	defer core.release()
	return readNetworksConfig(core.load(text))
}

// Config tells what is loaded.
func (n *Networks) Config() (*NetworksConfig, error) {
	core, err := n.share()
	if err != nil {
		return nil, err
	}
	defer core.release()
	return readNetworksConfig(core.config())
}

// Status tells whether containers can be set up: enough networks are loaded (else it is [StatusNetworkNotFound]), and
// the plugins of each say that they are ready (STATUS, from version 1.1.0).
func (n *Networks) Status(ctx context.Context) error {
	return n.do(ctx, func(core *coreNetworks, ctx *coreContext) *Error { return core.status(ctx) })
}

// Setup attaches a container to its networks: ADD of each, loopback first. Whatever can be wrong with the container
// is looked at before the first plugin runs; a network namespace that is not there has the code 8. When a network fails,
// the container is detached from those that this call attached it to, unless the options say otherwise; the error
// has a cause for each that failed, and for each that could not be detached.
func (n *Networks) Setup(ctx context.Context, container *Container) (*SetupResult, error) {
	containerText, err := n.textOf(container)
	if err != nil {
		return nil, err
	}
	var result []byte
	err = n.do(ctx, func(core *coreNetworks, ctx *coreContext) (failed *Error) {
		result, failed = core.setup(ctx, containerText)
		return failed
	})
	if err != nil {
		return nil, err
	}
	return readSetupResult(result)
}

// Check asks the plugins of every network of a container whether it is still attached as it was (CHECK). The error
// has a cause for each network that failed.
func (n *Networks) Check(ctx context.Context, container *Container) error {
	text, err := n.textOf(container)
	if err != nil {
		return err
	}
	return n.do(ctx, func(core *coreNetworks, ctx *coreContext) *Error { return core.check(ctx, text) })
}

// Remove detaches a container from its networks, in the reverse order of the set-up: DEL of each with the
// configuration of its ADD, also when that is not loaded any more. It goes on after failures; the error has a cause for
// each network that failed and can be tried again. What is detached already is fine, and so is an empty NetNS.
func (n *Networks) Remove(ctx context.Context, container *Container) error {
	text, err := n.textOf(container)
	if err != nil {
		return err
	}
	return n.do(ctx, func(core *coreNetworks, ctx *coreContext) *Error { return core.remove(ctx, text) })
}

// do makes a call that runs plugins.
func (n *Networks) do(ctx context.Context, what func(*coreNetworks, *coreContext) *Error) error {
	core, err := n.share()
	if err != nil {
		return err
	}
	defer core.release()
	call, err := n.cni.beginWith(ctx, core.runtime.share(), core.newEnvironment())
	if err != nil {
		return err
	}
	defer call.end()
	if failed := what(core, call.core); failed != nil {
		call.complete(failed)
		return failed
	}
	return nil
}

// complete puts what is known on this side into an error of several networks: what ended the call, and what its Exec
// returned.
func (c *call) complete(e *Error) {
	e.ended = c.endedBy(e.Status)
	if e.Status == StatusCallback && len(e.Causes) == 0 {
		e.returned = c.kept(e.Message)
	}
	e.Message = c.withKept(e.Message)
	for _, cause := range e.Causes {
		c.complete(cause)
	}
}

// OperationMetrics count one kind of operation.
type OperationMetrics struct {
	// Total is how many ended, and Errors how many of them failed.
	Total, Errors uint64
	// Duration is how long all of them took together.
	Duration time.Duration
	// Buckets tell how many took at most so long.
	Buckets map[time.Duration]uint64
}

// Metrics are the counters of the calls so far, by operation: "set_up_pod", "tear_down_pod", "check_pod" and
// "get_pod_network_status" for whole calls, "add", "del", "check" and "status" for single networks.
func (n *Networks) Metrics() (map[string]OperationMetrics, error) {
	core, err := n.share()
	if err != nil {
		return nil, err
	}
	defer core.release()
	text, failed := core.metrics("json")
	if failed != nil {
		return nil, failed
	}
	var read map[string]struct {
		Total, Errors   uint64
		DurationSeconds json.Number
		Buckets         map[json.Number]uint64
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, err
	}
	metrics := make(map[string]OperationMetrics, len(read))
	for operation, counts := range read {
		buckets := make(map[time.Duration]uint64, len(counts.Buckets))
		for end, count := range counts.Buckets {
			buckets[seconds(end)] = count
		}
		metrics[operation] = OperationMetrics{counts.Total, counts.Errors, seconds(counts.DurationSeconds), buckets}
	}
	return metrics, nil
}

// seconds reads a number of seconds that is known to have at most six digits behind the point.
func seconds(text json.Number) time.Duration {
	duration, _ := time.ParseDuration(text.String() + "s")
	return duration
}

// WritePrometheus writes the counters of the calls so far in the text format of Prometheus, version 0.0.4:
// network_plugin_operations_total, network_plugin_operations_errors_total and the histogram
// network_plugin_operations_duration_seconds, with the label operation_type.
func (n *Networks) WritePrometheus(w io.Writer) error {
	core, err := n.share()
	if err != nil {
		return err
	}
	defer core.release()
	text, failed := core.metrics("prometheus")
	if failed != nil {
		return failed
	}
	_, err = w.Write(text)
	return err
}
