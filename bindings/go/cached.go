package libcni

import (
	"encoding/json"
	"errors"

	"github.com/containernetworking/cni/pkg/types"
)

// GetNetworkListCachedResult is the remembered result of an ADD in the version of the list; nil when there is none.
func (c *CNIConfig) GetNetworkListCachedResult(list *NetworkConfigList, rt *RuntimeConf) (types.Result, error) {
	return c.cachedResult(&network{name: list.Name, cniVersion: list.CNIVersion}, rt)
}

// GetNetworkCachedResult is [CNIConfig.GetNetworkListCachedResult] for one plugin on its own.
func (c *CNIConfig) GetNetworkCachedResult(net *PluginConfig, rt *RuntimeConf) (types.Result, error) {
	return c.cachedResult(&network{name: net.Network.Name, cniVersion: net.Network.CNIVersion}, rt)
}

func (c *CNIConfig) cachedResult(net *network, rt *RuntimeConf) (types.Result, error) {
	text, err := c.cached(net, rt, (*coreRuntime).getCachedResult)
	var known *Error
	if errors.As(err, &known) {
		if problem := known.fileProblem(); problem != nil {
			return nil, &failure{"decoding version from network config: ", problem, known}
		}
	}
	if err != nil || text == nil {
		return nil, err
	}
	return resultOf(text, net.cniVersion)
}

// GetNetworkListCachedConfig is the remembered configuration of an ADD and a copy of rt with the arguments of that ADD;
// nil when there is none.
func (c *CNIConfig) GetNetworkListCachedConfig(list *NetworkConfigList, rt *RuntimeConf) ([]byte, *RuntimeConf, error) {
	return c.cachedConfig(&network{name: list.Name}, rt)
}

// GetNetworkCachedConfig is [CNIConfig.GetNetworkListCachedConfig] for one plugin on its own.
func (c *CNIConfig) GetNetworkCachedConfig(net *PluginConfig, rt *RuntimeConf) ([]byte, *RuntimeConf, error) {
	return c.cachedConfig(&network{name: net.Network.Name}, rt)
}

func (c *CNIConfig) cachedConfig(net *network, rt *RuntimeConf) ([]byte, *RuntimeConf, error) {
	text, err := c.cached(net, rt, (*coreRuntime).getCachedConfig)
	if err != nil || text == nil {
		return nil, nil, err
	}
	var cached struct {
		Config      []byte `json:"configBytes"`
		RuntimeConf struct {
			Args           [][2]string    `json:"cniArgs"`
			CapabilityArgs map[string]any `json:"capabilityArgs"`
		} `json:"runtimeConf"`
	}
	if err := json.Unmarshal(text, &cached); err != nil {
		return nil, nil, err
	}
	conf := *rt
	if args := cached.RuntimeConf.Args; args != nil {
		conf.Args = args
	}
	conf.CapabilityArgs = cached.RuntimeConf.CapabilityArgs
	return cached.Config, &conf, nil
}

// cached asks the core for something that it remembers of an attachment; nil when it remembers nothing.
func (c *CNIConfig) cached(
	net *network, rt *RuntimeConf, get func(r *coreRuntime, list, rt []byte) ([]byte, *Error),
) ([]byte, error) {
	list, err := net.head()
	if err != nil {
		return nil, err
	}
	// The arguments of the call are not asked for; those of the ADD are the answer.
	rtText, err := runtimeText(&RuntimeConf{ContainerID: rt.ContainerID, NetNS: rt.NetNS, IfName: rt.IfName}, 1)
	if err != nil {
		return nil, err
	}
	rtText = append(rtText, '}')
	runtime, err := c.runtime(c.cacheDirFor(rt))
	if err != nil {
		return nil, err
	}
	defer runtime.release()
	text, failed := get(runtime, list, rtText)
	if failed != nil {
		return nil, failed.asOfGo(net)
	}
	if string(text) == "null" {
		return nil, nil
	}
	return text, nil
}

// GetCachedAttachments lists the remembered attachments of a container, or of all when containerID is empty.
func (c *CNIConfig) GetCachedAttachments(containerID string) ([]*NetworkAttachment, error) {
	filter, err := marshal(struct {
		ContainerID string `json:"containerId,omitempty"`
	}{containerID})
	if err != nil {
		return nil, err
	}
	runtime, err := c.runtime(c.cacheDirFor(&RuntimeConf{}))
	if err != nil {
		return nil, err
	}
	defer runtime.release()
	text, failed := runtime.getCachedAttachments(filter)
	if failed != nil {
		return nil, failed
	}
	var found []struct {
		ContainerID    string         `json:"containerId"`
		Network        string         `json:"networkName"`
		IfName         string         `json:"ifName"`
		NetNS          string         `json:"netns"`
		Config         []byte         `json:"configBytes"`
		Args           [][2]string    `json:"cniArgs"`
		CapabilityArgs map[string]any `json:"capabilityArgs"`
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, err
	}
	attachments := make([]*NetworkAttachment, len(found))
	for i, a := range found {
		attachments[i] = &NetworkAttachment{
			ContainerID:    a.ContainerID,
			Network:        a.Network,
			IfName:         a.IfName,
			Config:         a.Config,
			NetNS:          a.NetNS,
			CniArgs:        a.Args,
			CapabilityArgs: a.CapabilityArgs,
		}
		if len(a.Args) == 0 {
			attachments[i].CniArgs = nil
		}
		if len(a.CapabilityArgs) == 0 {
			attachments[i].CapabilityArgs = nil
		}
	}
	return attachments, nil
}
