module github.com/libcni/libcni/bindings/go

go 1.24

require (
	github.com/containernetworking/cni v1.3.1
	go.opentelemetry.io/otel v1.29.0
)

require go.opentelemetry.io/otel/trace v1.29.0
