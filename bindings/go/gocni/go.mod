module github.com/libcni/libcni/bindings/go/gocni

go 1.24

require (
	github.com/containernetworking/cni v1.3.1
	github.com/libcni/libcni/bindings/go v0.0.0
	go.opentelemetry.io/otel v1.29.0
	go.opentelemetry.io/otel/trace v1.29.0
)

require (
	github.com/go-logr/logr v1.4.3 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	go.opentelemetry.io/otel/metric v1.29.0 // indirect
)

// The module beside this one. Whoever requires this module says the same, until both are published.
replace github.com/libcni/libcni/bindings/go => ../
