package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// A spanProvider has one tracer, which keeps the spans of this program.
type spanProvider struct {
	noop.TracerProvider
	recorder *spanRecorder
}

func (p spanProvider) Tracer(string, ...trace.TracerOption) trace.Tracer { return p.recorder }

type spanRecorder struct {
	noop.Tracer
	mu    sync.Mutex
	spans []*recordedSpan
}

type recordedSpan struct {
	noop.Span
	name       string
	attributes []string
	failed     bool
}

func (r *spanRecorder) Start(
	ctx context.Context, name string, options ...trace.SpanStartOption,
) (context.Context, trace.Span) {
	span := &recordedSpan{name: name}
	config := trace.NewSpanStartConfig(options...)
	for _, attribute := range config.Attributes() {
		span.attributes = append(span.attributes, fmt.Sprint(attribute.Key, "=", attribute.Value.Emit()))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans = append(r.spans, span)
	return trace.ContextWithSpan(ctx, span), span
}

func (s *recordedSpan) SetStatus(code codes.Code, _ string) { s.failed = code == codes.Error }

var _ = addScenes(map[string]func(*stage){
	"spans": func(s *stage) {
		recorder := &spanRecorder{}
		otel.SetTracerProvider(spanProvider{recorder: recorder})
		s.container("c1")
		c := s.cni(s.working("a"))
		ctx := context.Background()
		_, err := c.Setup(ctx, "c1", "/run/netns/c1")
		must(err)
		must(c.Check(ctx, "c1", "/run/netns/c1"))
		must(c.Remove(ctx, "c1", "/run/netns/c1"))
		c = s.cni(s.failing("a", "1.0.0", "ADD", 11, "try again", ""))
		_, err = c.SetupSerially(ctx, "c1", "/run/netns/c1")
		s.noteError("setup", err)
		calls, networks := []string{}, []string{}
		for _, span := range recorder.spans {
			seen := fmt.Sprint(span.name, " ", span.attributes, " failed: ", span.failed)
			if slices.Contains([]string{"cni.Setup", "cni.SetupSerially", "cni.Check", "cni.Remove"}, span.name) {
				calls = append(calls, seen)
			} else {
				networks = append(networks, seen)
			}
		}
		s.note("calls", calls)
		s.note("networks", networks)
	},
})
