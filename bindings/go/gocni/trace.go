package cni

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// traced begins a span for a call (OpenTelemetry), with go-cni's name and attributes. It ends with the call's error.
func traced(ctx context.Context, name, id, path string) (context.Context, func(error)) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, span := otel.Tracer("github.com/libcni/libcni/bindings/go/gocni").Start(ctx, name, trace.WithAttributes(
		attribute.String("cni.id", id),
		attribute.String("cni.path", path),
	))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
