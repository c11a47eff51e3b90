package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// listed is the answer to an order that looks through the cache.
type listed struct {
	Ops   int   `json:"ops"`
	NS    int64 `json:"ns"`
	Found int   `json:"found"`
}

// look looks for the attachments of a container, of a network, or for all. The original knows containers alone: who
// wants a network's gets all and leaves out the others.
func (c *contestant) look(what []string) listed {
	container, network, count := "", "", number(what[len(what)-1])
	switch what[0] {
	case "container":
		container = what[1]
	case "network":
		network = what[1]
	}
	found := 0
	begin := time.Now()
	for i := 0; i < count; i++ {
		found = 0
		for _, attachment := range must(c.cni.GetCachedAttachments(container)) {
			if network == "" || attachment.Network == network {
				found++
			}
		}
	}
	return listed{count, time.Since(begin).Nanoseconds(), found}
}

// collect is a GC with that many valid attachments.
func (c *contestant) collect(valid int) listed {
	args := &libcni.GCArgs{}
	for i := 0; i < valid; i++ {
		attachment := types.GCAttachment{ContainerID: fmt.Sprintf("bench-0-%d", i), IfName: "eth0"}
		args.ValidAttachments = append(args.ValidAttachments, attachment)
	}
	begin := time.Now()
	if err := c.cni.GCNetworkList(context.Background(), c.list, args); err != nil {
		fail(err)
	}
	return listed{1, time.Since(begin).Nanoseconds(), 0}
}

// instantly finds every plugin, and each succeeds at once.
type instantly struct{ *version.PluginDecoder }

var _ invoke.Exec = instantly{}

func (instantly) FindInPath(plugin string, _ []string) (string, error) {
	return plugin, nil
}

func (instantly) ExecPlugin(_ context.Context, _ string, _ []byte, environ []string) ([]byte, error) {
	for _, variable := range environ {
		if variable == "CNI_COMMAND=ADD" {
			return nil, errors.New("only commands without a result can be played")
		}
	}
	return nil, nil
}
