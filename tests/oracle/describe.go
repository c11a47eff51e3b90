package main

import (
	"bytes"
	"encoding/json"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/version"
)

// The shapes in which configurations and cache entries are compared. Bytes
// are base64, because JSON strings cannot hold all of them.

type pluginShape struct {
	Name         string          `json:"name"`
	CNIVersion   string          `json:"cniVersion"`
	Type         string          `json:"type"`
	Capabilities map[string]bool `json:"capabilities"`
	ConfigBytes  []byte          `json:"pluginBytes"`
}

type listShape struct {
	Name                   string        `json:"name"`
	CNIVersion             string        `json:"cniVersion"`
	DisableCheck           bool          `json:"disableCheck"`
	DisableGC              bool          `json:"disableGC"`
	LoadOnlyInlinedPlugins bool          `json:"loadOnlyInlinedPlugins"`
	Plugins                []pluginShape `json:"plugins"`
	ConfigBytes            []byte        `json:"configBytes"`
}

type attachmentShape struct {
	ContainerID    string                 `json:"containerId"`
	NetworkName    string                 `json:"networkName"`
	IfName         string                 `json:"ifName"`
	NetNS          string                 `json:"netns"`
	ConfigBytes    []byte                 `json:"configBytes"`
	CNIArgs        [][2]string            `json:"cniArgs"`
	CapabilityArgs map[string]interface{} `json:"capabilityArgs"`
}

func describePlugin(conf *libcni.PluginConfig) pluginShape {
	shape := pluginShape{
		Name:         conf.Network.Name,
		CNIVersion:   conf.Network.CNIVersion,
		Type:         conf.Network.Type,
		Capabilities: conf.Network.Capabilities,
		ConfigBytes:  conf.Bytes,
	}
	if shape.Capabilities == nil {
		shape.Capabilities = map[string]bool{}
	}
	return shape
}

func describeList(list *libcni.NetworkConfigList) listShape {
	shape := listShape{
		Name:                   list.Name,
		CNIVersion:             list.CNIVersion,
		DisableCheck:           list.DisableCheck,
		DisableGC:              list.DisableGC,
		LoadOnlyInlinedPlugins: list.LoadOnlyInlinedPlugins,
		Plugins:                []pluginShape{},
		ConfigBytes:            list.Bytes,
	}
	for _, plugin := range list.Plugins {
		shape.Plugins = append(shape.Plugins, describePlugin(plugin))
	}
	return shape
}

func describeAttachments(attachments []*libcni.NetworkAttachment) []attachmentShape {
	shapes := []attachmentShape{}
	for _, a := range attachments {
		shapes = append(shapes, attachment(&libcni.RuntimeConf{
			ContainerID:    a.ContainerID,
			NetNS:          a.NetNS,
			IfName:         a.IfName,
			Args:           a.CniArgs,
			CapabilityArgs: a.CapabilityArgs,
		}, a.Network, a.Config))
	}
	return shapes
}

func describeCached(config []byte, rt *libcni.RuntimeConf, err error) (interface{}, error) {
	if err != nil || rt == nil {
		return nil, err
	}
	return attachment(rt, "", config), nil
}

// attachment has empty values in the place of nil ones, whose difference means nothing.
func attachment(rt *libcni.RuntimeConf, network string, config []byte) attachmentShape {
	shape := attachmentShape{
		ContainerID:    rt.ContainerID,
		NetworkName:    network,
		IfName:         rt.IfName,
		NetNS:          rt.NetNS,
		ConfigBytes:    append([]byte{}, config...),
		CNIArgs:        append([][2]string{}, rt.Args...),
		CapabilityArgs: rt.CapabilityArgs,
	}
	if shape.CapabilityArgs == nil {
		shape.CapabilityArgs = map[string]interface{}{}
	}
	return shape
}

// describeVersions lets the answer print itself: its version has no accessor.
func describeVersions(info version.PluginInfo) (interface{}, error) {
	var text bytes.Buffer
	if err := info.Encode(&text); err != nil {
		return nil, err
	}
	return json.RawMessage(text.Bytes()), nil
}
