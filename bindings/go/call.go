package libcni

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// A call is one operation that runs plugins: the core's runtime and context for it, and what its callbacks need and
// leave behind.
type call struct {
	customExec
	stderr io.Writer
	// Held while stderr is written to: networks in parallel have their events on threads of their own.
	writing sync.Mutex

	runtime *coreRuntime
	core    *coreContext
	unwatch func()
}

// begin prepares a call. It must be ended.
func (c *CNIConfig) begin(ctx context.Context, cacheDir string) (*call, error) {
	runtime, err := c.runtime(cacheDir)
	if err != nil {
		return nil, err
	}
	return c.beginWith(ctx, runtime, nil)
}

// beginWith prepares a call of a runtime, of which it takes over a share. An environment counts in place of the
// runtime's: an object, or the name of a way to make one.
func (c *CNIConfig) beginWith(ctx context.Context, runtime *coreRuntime, env any) (*call, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	stderr, native := ranByCore(c.exec)
	call := &call{runtime: runtime, stderr: stderr}
	call.ctx = ctx
	options := contextOptions{Env: env}
	options.Locks, _ = ctx.Value(heldLocks{}).(string)
	if native {
		options.trace(ctx)
	} else {
		call.exec, call.dirs = c.exec, c.Path
	}
	if deadline, ok := ctx.Deadline(); ok {
		options.TimeoutMs = millisecondsUntil(deadline)
	}
	called := call
	if native && (stderr == nil || c.exec == nil) && len(c.plugins) == 0 {
		called = nil
	}
	if called == nil && ctx.Done() == nil && options.areNone() {
		call.core, call.unwatch = &noContext, func() {}
		return call, nil
	}
	text, err := marshal(options)
	if err == nil {
		var failed *Error
		if call.core, failed = newCoreContext(text, called); failed == nil {
			call.unwatch = watch(ctx, call.cancel)
			return call, nil
		}
		err = failed
	}
	runtime.release()
	return nil, err
}

// end frees what the call had. A panic of the call's Exec goes on here, in the caller of the operation.
func (c *call) end() {
	c.unwatch()
	c.core.free()
	c.runtime.release()
	if c.panicked != nil {
		panic(c.panicked.value)
	}
}

// cancel ends the call, unless its time is up: the core sees that itself, a millisecond later at most, and says so.
func (c *call) cancel() {
	if deadline, ok := c.ctx.Deadline(); !ok || time.Until(deadline) > 0 {
		c.core.cancel()
	}
}

func (c *call) onEvent(event []byte) {
	// An io.Writer is code of the caller's as an Exec is.
	var ignored error
	defer c.catch(&ignored)
	if c.stderr == nil {
		return
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	copyStderr(c.stderr, event)
}

// watch calls cancel when ctx is over, until the function that it returns is called; when that returns, nothing is
// left of it.
func watch(ctx context.Context, cancel func()) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	if ctx.Err() != nil {
		cancel()
		return func() {}
	}
	over, joined := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(joined)
		select {
		case <-ctx.Done():
			cancel()
		case <-over:
		}
	}()
	return func() {
		close(over)
		<-joined
	}
}

// contextOptions are the options of libcni_context_new.
type contextOptions struct {
	TimeoutMs   *int64 `json:"timeoutMs,omitempty"`
	Env         any    `json:"env,omitempty"`
	Traceparent string `json:"traceparent,omitempty"`
	Tracestate  string `json:"tracestate,omitempty"`
	Baggage     string `json:"baggage,omitempty"`
	Locks       string `json:"locks,omitempty"`
}

func (o *contextOptions) areNone() bool {
	return o.TimeoutMs == nil && o.Env == nil && o.Traceparent == "" && o.Locks == ""
}

// heldLocks is the key of the locks of an operation in the context that its Exec gets: calls that it makes with that
// do not wait for them.
type heldLocks struct{}

// trace takes the trace context and the baggage of ctx (OpenTelemetry). The core passes the baggage on beside a trace
// context only.
func (o *contextOptions) trace(ctx context.Context) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	o.Traceparent, o.Tracestate = carrier.Get("traceparent"), carrier.Get("tracestate")
	o.Baggage = baggage.FromContext(ctx).String()
}

// environment is the environment of this process, which plugins inherit, as the core takes it. Go knows it better than
// C, where reading it while another goroutine sets a variable is a race. Without a value it is left to the core: when it
// has bytes that JSON cannot carry.
func environment(environ []string) map[string]string {
	variables := make(map[string]string, len(environ))
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !utf8.ValidString(variable) {
			return nil
		}
		if name != "" {
			variables[name] = value
		}
	}
	return variables
}

// millisecondsUntil rounds up, so that the core is not over before ctx is.
func millisecondsUntil(deadline time.Time) *int64 {
	left := max(time.Until(deadline), 0)
	milliseconds := left.Milliseconds()
	if left%time.Millisecond > 0 {
		milliseconds++
	}
	return &milliseconds
}
