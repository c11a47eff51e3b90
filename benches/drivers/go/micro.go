package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/types/create"
)

// micro measures the quantities of core/main.rs.
func (c *contestant) micro(what string, count int) interface{} {
	once := c.quantity(what)
	once()
	allocations := testing.AllocsPerRun(4, once)
	begin := time.Now()
	for i := 0; i < count; i++ {
		once()
	}
	elapsed := time.Since(begin)
	return struct {
		measured
		Allocations float64 `json:"allocations"`
	}{measured{Ops: count, NS: elapsed.Nanoseconds()}, allocations}
}

func (c *contestant) quantity(what string) func() {
	switch words := strings.Split(what, "-"); words[0] {
	case "list":
		text := c.sample("list.json")
		return func() {
			must(libcni.NetworkConfFromBytes(text))
		}
	case "request":
		return c.request()
	case "result":
		text := c.sample("result-1.0.0.json")
		return func() {
			must(create.CreateFromBytes(text))
		}
	case "convert":
		text, to := c.sample("result-"+words[1]+".json"), words[2]
		return func() {
			must(json.Marshal(must(must(create.CreateFromBytes(text)).GetAsVersion(to))))
		}
	}
	fail(fmt.Errorf("no such quantity: %s", what))
	return nil
}

// request derives a plugin's request as the original does for CHECK (its buildOneConfig is not exported): name, version
// and prevResult are injected, and then the runtime's arguments.
func (c *contestant) request() func() {
	list := must(libcni.NetworkConfFromBytes(c.sample("one.json")))
	var rt struct {
		PrevResult     json.RawMessage
		CapabilityArgs map[string]interface{}
	}
	if err := json.Unmarshal(c.sample("rt.json"), &rt); err != nil {
		fail(err)
	}
	var previous types.Result = must(create.CreateFromBytes(rt.PrevResult))
	return func() {
		conf := must(libcni.InjectConf(list.Plugins[0], map[string]interface{}{
			"name": list.Name, "cniVersion": list.CNIVersion, "prevResult": previous,
		}))
		must(libcni.InjectConf(conf, map[string]interface{}{"runtimeConfig": rt.CapabilityArgs}))
	}
}

func (c *contestant) sample(name string) []byte {
	return must(os.ReadFile(filepath.Join(c.setting["samples"], name)))
}

func must[T any](value T, err error) T {
	if err != nil {
		fail(err)
	}
	return value
}
