// The plugin of tests/plugins/probe.rs with the original's skeleton: see there.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"
)

type config struct {
	types.NetConf
	Fail     *types.Error `json:"fail"`
	FailText *string      `json:"failText"`
}

func called(command string, args *skel.CmdArgs) (*config, error) {
	fmt.Fprintf(os.Stderr, "%s id=%s netns=%s if=%s args=%s path=%s stdin=%d\n", command, args.ContainerID, args.Netns,
		args.IfName, args.Args, args.Path, len(args.StdinData))
	conf := &config{}
	if err := json.Unmarshal(args.StdinData, conf); err != nil {
		return nil, err
	}
	if conf.Fail != nil {
		return nil, conf.Fail
	}
	if conf.FailText != nil {
		return nil, errors.New(*conf.FailText)
	}
	return conf, nil
}

func add(args *skel.CmdArgs) error {
	conf, err := called("ADD", args)
	if err != nil {
		return err
	}
	if conf.RawPrevResult != nil {
		if err := version.ParsePrevResult(&conf.NetConf); err != nil {
			return types.NewError(types.ErrDecodingFailure, "failed to load prevResult", err.Error())
		}
		return types.PrintResult(conf.PrevResult, conf.CNIVersion)
	}
	result := &current.Result{
		CNIVersion: current.ImplementedSpecVersion,
		Interfaces: []*current.Interface{{Name: "eth0"}},
		IPs: []*current.IPConfig{{
			Interface: current.Int(0),
			Address:   net.IPNet{IP: net.IPv4(10, 0, 0, 2), Mask: net.CIDRMask(24, 32)},
		}},
	}
	return types.PrintResult(result, conf.CNIVersion)
}

func without(command string) func(*skel.CmdArgs) error {
	return func(args *skel.CmdArgs) error {
		_, err := called(command, args)
		return err
	}
}

func main() {
	skel.PluginMainFuncs(skel.CNIFuncs{
		Add:    add,
		Check:  without("CHECK"),
		Del:    without("DEL"),
		GC:     without("GC"),
		Status: without("STATUS"),
	}, version.PluginSupports(strings.Split(os.Getenv("PROBE_VERSIONS"), ",")...), os.Getenv("PROBE_ABOUT"))
}
