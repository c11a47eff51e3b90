// Command ledger is a CNI plugin that keeps one file for each attachment in the directory `ledger` of its
// configuration. None of the released plugins implements GC, nor a STATUS of its own that can fail; this one
// does both, on the official plugin library, so that the tests see how that library reads our requests.
//
// It serves as a chained plugin and, for STATUS, as the IPAM plugin of another one.
package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// Codes of the specification that the plugin library has no names for.
const (
	notAvailable        = 50
	limitedConnectivity = 51
)

type ledgerConf struct {
	types.NetConf
	Ledger string `json:"ledger"`
	IPAM   struct {
		Ledger string `json:"ledger"`
	} `json:"ipam"`
}

func parse(stdin []byte) (*ledgerConf, error) {
	conf := &ledgerConf{}
	if err := json.Unmarshal(stdin, conf); err != nil {
		return nil, err
	}
	if conf.Ledger == "" {
		conf.Ledger = conf.IPAM.Ledger
	}
	return conf, nil
}

func (conf *ledgerConf) page(containerID, ifName string) string {
	return filepath.Join(conf.Ledger, containerID+"-"+ifName)
}

func add(args *skel.CmdArgs) error {
	conf, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	if conf.RawPrevResult == nil {
		return errors.New("must be called as chained plugin")
	}
	if err := version.ParsePrevResult(&conf.NetConf); err != nil {
		return err
	}
	if err := os.WriteFile(conf.page(args.ContainerID, args.IfName), nil, 0o600); err != nil {
		return err
	}
	return types.PrintResult(conf.PrevResult, conf.CNIVersion)
}

func check(args *skel.CmdArgs) error {
	conf, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	_, err = os.Stat(conf.page(args.ContainerID, args.IfName))
	return err
}

func del(args *skel.CmdArgs) error {
	conf, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	if err := os.Remove(conf.page(args.ContainerID, args.IfName)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func gc(args *skel.CmdArgs) error {
	conf, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	valid := map[string]bool{}
	for _, attachment := range conf.ValidAttachments {
		valid[conf.page(attachment.ContainerID, attachment.IfName)] = true
	}
	pages, err := filepath.Glob(conf.page("*", "*"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		if !valid[page] {
			if err := os.Remove(page); err != nil {
				return err
			}
		}
	}
	return nil
}

// status tells that the ledger is missing by code 50, and one that takes no entries by code 51.
func status(args *skel.CmdArgs) error {
	conf, err := parse(args.StdinData)
	if err != nil {
		return err
	}
	if _, err := os.Stat(conf.Ledger); err != nil {
		return types.NewError(notAvailable, "the ledger is missing", err.Error())
	}
	if _, err := os.Stat(filepath.Join(conf.Ledger, "closed")); err == nil {
		return types.NewError(limitedConnectivity, "the ledger is closed", "closed by hand")
	}
	return nil
}

func main() {
	funcs := skel.CNIFuncs{Add: add, Check: check, Del: del, GC: gc, Status: status}
	skel.PluginMainFuncs(funcs, version.All, "CNI ledger plugin")
}
