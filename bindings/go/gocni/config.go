package cni

import (
	"slices"

	"github.com/containernetworking/cni/pkg/types"
)

// ConfigResult is what is loaded, and with which settings.
type ConfigResult struct {
	PluginDirs       []string
	PluginConfDir    string
	PluginMaxConfNum int
	Prefix           string
	Networks         []*ConfNetwork
}

// ConfNetwork is a network and the interface that containers get for it.
type ConfNetwork struct {
	Config *NetworkConfList
	IFName string
}

// NetworkConfList is the configuration of a network; Source is its text.
type NetworkConfList struct {
	Name       string
	CNIVersion string
	Plugins    []*NetworkConf
	Source     string
}

// NetworkConf is the configuration of one plugin; Source is its text.
type NetworkConf struct {
	Network *types.NetConf
	Source  string
}

func (n *node) GetConfig() *ConfigResult {
	l := n.loaded.Load()
	config := &ConfigResult{
		PluginDirs:       slices.Clone(l.pluginDirs),
		PluginConfDir:    l.confDir,
		PluginMaxConfNum: l.maxConfNum,
		Prefix:           l.prefix,
	}
	for _, network := range l.known {
		list := network.list
		conf := &NetworkConfList{Name: list.Name, CNIVersion: list.CNIVersion, Source: string(list.Bytes)}
		for _, plugin := range list.Plugins {
			known := *plugin.Network
			conf.Plugins = append(conf.Plugins, &NetworkConf{Network: &known, Source: string(plugin.Bytes)})
		}
		config.Networks = append(config.Networks, &ConfNetwork{Config: conf, IFName: network.ifName})
	}
	return config
}
