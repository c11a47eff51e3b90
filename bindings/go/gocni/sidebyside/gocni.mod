module sidebyside

go 1.24

require (
	github.com/containerd/go-cni v1.1.14
	github.com/containernetworking/cni v1.3.1
	go.opentelemetry.io/otel v1.29.0
	go.opentelemetry.io/otel/trace v1.29.0
	golang.org/x/sys v0.35.0
)

require (
	github.com/go-logr/logr v1.4.3 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/libcni/libcni/bindings/go v0.0.0 // indirect
	go.opentelemetry.io/otel/metric v1.29.0 // indirect
)

// What a user of go-cni adds.
replace (
	github.com/containerd/go-cni => ../
	github.com/libcni/libcni/bindings/go => ../../
)
