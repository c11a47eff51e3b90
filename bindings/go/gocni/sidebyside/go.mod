// The side-by-side tests of gocni. A module of its own, so that nobody who uses gocni needs go-cni.
//
// With this file the program here is that of a user of go-cni; with gocni.mod, which differs in what comes with the
// replacement, it is the same program on gocni.
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
	github.com/petermattis/goid v0.0.0-20240813172612-4fcff4a6cae7 // indirect
	github.com/sasha-s/go-deadlock v0.3.5 // indirect
	go.opentelemetry.io/otel/metric v1.29.0 // indirect
)
