package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/version"
)

type contestant struct {
	setting      settings
	cni          libcni.CNI
	list         *libcni.NetworkConfigList
	capabilities map[string]interface{}
	ballast      [][]byte
}

func newContestant(setting settings) *contestant {
	c := &contestant{setting: setting}
	var exec invoke.Exec
	if setting["exec"] == "none" {
		exec = instantly{&version.PluginDecoder{}}
	}
	c.cni = newRuntime([]string{setting["plugins"]}, setting["cache"], exec)
	text, err := os.ReadFile(setting["list"])
	if err != nil {
		fail(err)
	}
	if c.list, err = libcni.ConfListFromBytes(text); err != nil {
		fail(err)
	}
	if text := setting["capabilities"]; text != "" {
		if err := json.Unmarshal([]byte(text), &c.capabilities); err != nil {
			fail(err)
		}
	}
	return c
}

func (c *contestant) answer(order []string) interface{} {
	switch order[0] {
	case "ballast":
		c.touch(number(order[1]))
		return struct{}{}
	case "micro":
		return c.micro(order[1], number(order[2]))
	case "list":
		return c.look(order[1:])
	case "gc":
		return c.collect(number(order[1]))
	case "ADD", "CHECK", "DEL", "RESULT":
		return c.run(order[0], number(order[1]), number(order[2]))
	}
	fail(fmt.Errorf("no such order: %s", strings.Join(order, " ")))
	return nil
}

// touch keeps memory in small pages, as driver.c does.
func (c *contestant) touch(mebibytes int) {
	memory, err := syscall.Mmap(-1, 0, mebibytes<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		fail(err)
	}
	if err := syscall.Madvise(memory, syscall.MADV_NOHUGEPAGE); err != nil {
		fail(err)
	}
	for i := 0; i < len(memory); i += 4096 {
		memory[i] = 1
	}
	c.ballast = append(c.ballast, memory)
}

// measured is the answer to an order that runs operations.
type measured struct {
	Ops   int   `json:"ops"`
	NS    int64 `json:"ns"`
	CPUNS int64 `json:"cpuNs"`
}

func (c *contestant) run(command string, operations, threads int) measured {
	start := make(chan struct{})
	var done sync.WaitGroup
	for thread := 0; thread < threads; thread++ {
		share := operations / threads
		if thread < operations%threads {
			share++
		}
		done.Add(1)
		go func(thread int) {
			defer done.Done()
			<-start
			for i := 0; i < share; i++ {
				c.operate(command, fmt.Sprintf("bench-%d-%d", thread, i))
			}
		}(thread)
	}
	cpu, begin := ownCPU(), time.Now()
	close(start)
	done.Wait()
	elapsed := time.Since(begin)
	return measured{operations, elapsed.Nanoseconds(), ownCPU() - cpu}
}

func (c *contestant) operate(command, container string) {
	rt := &libcni.RuntimeConf{ContainerID: container, NetNS: c.setting["netns"], IfName: "eth0", CapabilityArgs: c.capabilities}
	var err error
	switch command {
	case "ADD":
		_, err = c.cni.AddNetworkList(context.Background(), c.list, rt)
	case "CHECK":
		err = c.cni.CheckNetworkList(context.Background(), c.list, rt)
	case "RESULT":
		_, err = c.cni.GetNetworkListCachedResult(c.list, rt)
	case "DEL":
		err = c.cni.DelNetworkList(context.Background(), c.list, rt)
	}
	if err != nil {
		fail(err)
	}
}

// ownCPU is what this process itself has used of the processors, in nanoseconds; its children do not count.
func ownCPU() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
