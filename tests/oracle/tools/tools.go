//go:build tools

// Package tools names what the tests build besides the oracle, so that its modules are pinned, too.
package tools

import _ "github.com/containernetworking/cni/cnitool"
