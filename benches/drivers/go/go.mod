module github.com/libcni/libcni/benches/drivers/go

go 1.24

require (
	github.com/containernetworking/cni v1.3.1
	github.com/libcni/libcni/bindings/go v0.0.0
)

require (
	go.opentelemetry.io/otel v1.29.0 // indirect
	go.opentelemetry.io/otel/trace v1.29.0 // indirect
)

replace github.com/libcni/libcni/bindings/go => ../../../bindings/go
