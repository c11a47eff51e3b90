package libcni

import (
	"context"
	"errors"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"
)

func TestADeadlineEndsThePluginAndItsChildren(t *testing.T) {
	s := newScene(t, "stuck")
	fifo := s.fifo()
	list := s.network("1.0.0", s.plugin("stuck", fake{Add: &action{Fifo: fifo, Hang: true, Child: true}}))
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	failed := make(chan error)
	go func() {
		_, err := s.cni().AddNetworkList(ctx, list, s.rt())
		failed <- err
	}()
	untilGone := untilRunning(t, fifo)
	err := <-failed
	untilGone()

	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Errorf("not the deadline's error: %v", err)
	}
	equal(t, "text", err.Error(),
		`plugin type="stuck" failed (add): netplugin failed with no error message: context deadline exceeded`)
	var known *Error
	if !errors.As(err, &known) {
		t.Fatalf("no libcni.Error in %#v", err)
	}
	equal(t, "status", known.Status, StatusTimeout)
	equal(t, "plugin", known.Plugin, "stuck")
}

func TestCancellationEndsThePlugin(t *testing.T) {
	s := newScene(t, "stuck")
	fifo := s.fifo()
	list := s.network("1.0.0", s.plugin("stuck", fake{Del: &action{Fifo: fifo, Hang: true, Child: true}}))
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error)
	go func() { failed <- s.cni().DelNetworkList(ctx, list, s.rt()) }()
	untilGone := untilRunning(t, fifo)
	cancel()
	err := <-failed
	untilGone()

	if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("not the cancellation's error: %v", err)
	}
	var plugin *types.Error
	if !errors.As(err, &plugin) {
		t.Fatalf("no types.Error in %#v", err)
	}
	equal(t, "message", plugin.Msg, "netplugin failed with no error message: context canceled")
}

func TestWithAContextThatIsOverNothingRuns(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.cni().AddNetworkList(ctx, list, s.rt())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("not the cancellation's error: %v", err)
	}
	late, cancelLate := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancelLate()
	if err := s.cni().CheckNetworkList(late, list, s.rt()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("not the deadline's error: %v", err)
	}
	equal(t, "runs", len(s.runs()), 0)
}

func TestWaitingForALockEndsInTime(t *testing.T) {
	s := newScene(t, "stuck")
	fifo := s.fifo()
	list := s.network("1.0.0", s.plugin("stuck", fake{Add: &action{Fifo: fifo, Hang: true}}))
	holding, release := context.WithCancel(context.Background())
	held := make(chan error)
	go func() {
		_, err := s.cni().AddNetworkList(holding, list, s.rt())
		held <- err
	}()
	untilGone := untilRunning(t, fifo)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := s.cni().DelNetworkList(ctx, list, s.rt())
	release()
	<-held
	untilGone()
	var known *Error
	if !errors.As(err, &known) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("not the deadline's error: %#v", err)
	}
	equal(t, "status", known.Status, StatusTimeout)
	equal(t, "plugin", known.Plugin, "")
}

func TestNoGoroutineOutlivesACall(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	c := s.cni()
	for _, ctx := range []context.Context{context.Background(), nil} {
		if err := c.DelNetworkList(ctx, list, s.rt()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := c.DelNetworkList(ctx, list, s.rt()); err != nil {
		t.Fatal(err)
	}
	// The call waited for the watcher's last statement; only its stack may still be there for a moment.
	for watchers() > 0 {
		runtime.Gosched()
	}
}

func TestTheWatcherIsJoined(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	started := make(chan struct{})
	var finished atomic.Bool
	stop := watch(ctx, func() {
		close(started)
		for range 1000 {
			runtime.Gosched()
		}
		finished.Store(true)
	})
	cancel()
	<-started
	stop()
	if !finished.Load() {
		t.Error("the watcher still cancels what may be freed now")
	}
}

// watchers counts the goroutines that watch a context.
func watchers() int {
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 1); err != nil {
		return -1
	}
	return strings.Count(stacks.String(), "bindings/go.watch.func")
}

func TestThereIsNoWatcherForAContextThatCannotEnd(t *testing.T) {
	for _, ctx := range []context.Context{context.Background(), context.WithoutCancel(context.TODO())} {
		stop := watch(ctx, func() { t.Error("cancelled") })
		equal(t, "watchers", watchers(), 0)
		stop()
	}
}

func TestPluginsGetTheTraceContextAndTheBaggage(t *testing.T) {
	s := newScene(t, "first")
	list := s.network("1.1.0", s.plugin("first", fake{}))
	member, err := baggage.NewMember("tenant", "a%20b")
	s.must(err)
	bag, err := baggage.New(member)
	s.must(err)
	state, err := trace.ParseTraceState("vendor=1")
	s.must(err)
	withBaggage := baggage.ContextWithBaggage(context.Background(), bag)
	span := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state,
	})
	traced := trace.ContextWithSpanContext(withBaggage, span)
	c := s.cni()
	for _, ctx := range []context.Context{traced, withBaggage} {
		s.must(c.GetStatusNetworkList(ctx, list))
	}
	runs := s.runs()
	for name, want := range map[string]string{
		"TRACEPARENT": "00-01000000000000000000000000000000-0200000000000000-01",
		"TRACESTATE":  "vendor=1",
		"BAGGAGE":     "tenant=a%20b",
	} {
		got, _ := runs[0].env(name)
		equal(t, name, got, want)
		if _, there := runs[1].env(name); there {
			t.Errorf("%s without a span", name)
		}
	}
}
