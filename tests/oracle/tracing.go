package main

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// tracing is the trace context of a call, in the form of the W3C headers.
type tracing struct {
	Parent  string `json:"traceparent"`
	State   string `json:"tracestate"`
	Baggage string `json:"baggage"`
}

// context adds the ids to ctx as a traced host would.
func (t *tracing) context(ctx context.Context) (context.Context, error) {
	if t == nil {
		return ctx, nil
	}
	carrier := propagation.MapCarrier{"traceparent": t.Parent, "tracestate": t.State}
	ctx = propagation.TraceContext{}.Extract(ctx, carrier)
	if t.Parent != "" && !trace.SpanContextFromContext(ctx).IsValid() {
		return nil, fmt.Errorf("a case with a bad traceparent: %q", t.Parent)
	}
	if t.Baggage != "" {
		members, err := baggage.Parse(t.Baggage)
		if err != nil {
			return nil, err
		}
		ctx = baggage.ContextWithBaggage(ctx, members)
	}
	return ctx, nil
}
