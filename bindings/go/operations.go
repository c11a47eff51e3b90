package libcni

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// AddNetworkList attaches a container to a network: ADD of every plugin, in order, each with the result of the one
// before. It remembers the attachment and returns the last result.
func (c *CNIConfig) AddNetworkList(ctx context.Context, list *NetworkConfigList, rt *RuntimeConf) (types.Result, error) {
	return c.add(ctx, networkOf(list), rt)
}

// AddNetwork is [CNIConfig.AddNetworkList] for one plugin on its own.
func (c *CNIConfig) AddNetwork(ctx context.Context, net *PluginConfig, rt *RuntimeConf) (types.Result, error) {
	return c.add(ctx, networkOfOne(net), rt)
}

func (c *CNIConfig) add(ctx context.Context, net *network, rt *RuntimeConf) (types.Result, error) {
	list, rtText, err := c.arguments(net, rt)
	if err != nil {
		return nil, net.refused(err, "add")
	}
	call, err := c.begin(ctx, c.cacheDirFor(rt))
	if err != nil {
		return nil, err
	}
	defer call.end()
	result, failed := call.runtime.addNetworkList(call.core, list, rtText)
	if failed != nil {
		return nil, call.operationError(failed, net, "add")
	}
	return resultOf(result, net.cniVersion)
}

// CheckNetworkList asks every plugin of a network whether an attachment is as it should be. The plugins get the
// remembered result of ADD, if there is one.
func (c *CNIConfig) CheckNetworkList(ctx context.Context, list *NetworkConfigList, rt *RuntimeConf) error {
	return c.check(ctx, networkOf(list), rt)
}

// CheckNetwork is [CNIConfig.CheckNetworkList] for one plugin on its own.
func (c *CNIConfig) CheckNetwork(ctx context.Context, net *PluginConfig, rt *RuntimeConf) error {
	return c.check(ctx, networkOfOne(net), rt)
}

func (c *CNIConfig) check(ctx context.Context, net *network, rt *RuntimeConf) error {
	err := c.checkIn(ctx, net, rt, c.cacheDirFor(rt))
	var failed *Error
	if errors.As(err, &failed) && failed.Status == StatusNotAdded {
		// The original then asks the plugins without a result. So does a runtime that remembers nothing.
		return c.checkIn(ctx, net, rt, "")
	}
	return err
}

func (c *CNIConfig) checkIn(ctx context.Context, net *network, rt *RuntimeConf, cacheDir string) error {
	if err := net.versionProblem(); err != nil {
		return err
	}
	list, rtText, err := c.arguments(net, rt)
	if err != nil {
		return net.refused(err, "")
	}
	call, err := c.begin(ctx, cacheDir)
	if err != nil {
		return err
	}
	defer call.end()
	if failed := call.runtime.checkNetworkList(call.core, list, rtText); failed != nil {
		return call.operationError(failed, net, "")
	}
	return nil
}

// DelNetworkList undoes an attachment: DEL of every plugin, from the last to the first, with the remembered result of
// ADD. Then the attachment is forgotten. Deleting what is not there succeeds.
func (c *CNIConfig) DelNetworkList(ctx context.Context, list *NetworkConfigList, rt *RuntimeConf) error {
	return c.del(ctx, networkOf(list), rt)
}

// DelNetwork is [CNIConfig.DelNetworkList] for one plugin on its own.
func (c *CNIConfig) DelNetwork(ctx context.Context, net *PluginConfig, rt *RuntimeConf) error {
	return c.del(ctx, networkOfOne(net), rt)
}

func (c *CNIConfig) del(ctx context.Context, net *network, rt *RuntimeConf) error {
	if err := net.versionProblem(); err != nil {
		return err
	}
	list, rtText, err := c.arguments(net, rt)
	if err != nil {
		return net.refused(err, "delete")
	}
	call, err := c.begin(ctx, c.cacheDirFor(rt))
	if err != nil {
		return err
	}
	defer call.end()
	if failed := call.runtime.delNetworkList(call.core, list, rtText); failed != nil {
		return call.operationError(failed, net, "delete")
	}
	return nil
}

// ValidateNetworkList checks that every plugin of a network can be found and supports its version. It returns the
// capabilities that the plugins have enabled.
func (c *CNIConfig) ValidateNetworkList(ctx context.Context, list *NetworkConfigList) ([]string, error) {
	return c.validate(ctx, networkOf(list))
}

// ValidateNetwork is [CNIConfig.ValidateNetworkList] for one plugin on its own.
func (c *CNIConfig) ValidateNetwork(ctx context.Context, net *PluginConfig) ([]string, error) {
	return c.validate(ctx, networkOfOne(net))
}

func (c *CNIConfig) validate(ctx context.Context, net *network) ([]string, error) {
	if err := net.typeProblem(); err != nil {
		return nil, err
	}
	list, err := net.listToValidate()
	if err != nil {
		return nil, err
	}
	call, err := c.begin(ctx, c.cacheDirFor(&RuntimeConf{}))
	if err != nil {
		return nil, err
	}
	defer call.end()
	text, failed := call.runtime.validateNetworkList(call.core, list)
	if failed != nil {
		return nil, call.validationError(failed, net)
	}
	capabilities := []string{}
	return capabilities, json.Unmarshal(text, &capabilities)
}

// gcArgs are the args of libcni_gc_network_list.
type gcArgs struct {
	// nil: all are stale, and the plugins are told nothing.
	ValidAttachments []gcAttachment `json:"validAttachments"`
}

type gcAttachment struct {
	ContainerID string `json:"containerId"`
	IfName      string `json:"ifName"`
}

// GCNetworkList deletes the remembered attachments of a network that are not valid any more; then, from version
// 1.1.0, every plugin is told to remove what belongs to none of the valid ones. It goes on after errors and joins them.
// With nil args every attachment is deleted.
func (c *CNIConfig) GCNetworkList(ctx context.Context, list *NetworkConfigList, args *GCArgs) error {
	if list.DisableGC {
		return nil
	}
	net := networkOf(list)
	texts, err := c.owner().networks.of(net)
	if err != nil {
		return net.refused(err, "GC")
	}
	var valid gcArgs
	if args != nil {
		valid.ValidAttachments = make([]gcAttachment, len(args.ValidAttachments))
		for i, attachment := range args.ValidAttachments {
			valid.ValidAttachments[i] = gcAttachment{attachment.ContainerID, attachment.IfName}
		}
	}
	argsText, err := marshal(valid)
	if err != nil {
		return err
	}
	call, err := c.begin(ctx, c.cacheDirFor(&RuntimeConf{}))
	if err != nil {
		return err
	}
	defer call.end()
	if failed := call.runtime.gcNetworkList(call.core, texts.list, argsText); failed != nil {
		return call.gcError(failed, net)
	}
	return nil
}

// GetStatusNetworkList asks every plugin of a network whether it is ready for ADD; the error is that of the first one
// that is not, with its code. Below version 1.1.0 nothing runs.
func (c *CNIConfig) GetStatusNetworkList(ctx context.Context, list *NetworkConfigList) error {
	if supported, err := version.GreaterThanOrEqualTo(list.CNIVersion, "1.1.0"); err != nil || !supported {
		return nil
	}
	net := networkOf(list)
	texts, err := c.owner().networks.of(net)
	if err != nil {
		return net.refused(err, "STATUS")
	}
	call, err := c.begin(ctx, c.cacheDirFor(&RuntimeConf{}))
	if err != nil {
		return err
	}
	defer call.end()
	if failed := call.runtime.getStatusNetworkList(call.core, texts.list); failed != nil {
		return call.operationError(failed, net, "STATUS")
	}
	return nil
}

// GetVersionInfo asks a plugin which versions of the CNI specification it supports.
func (c *CNIConfig) GetVersionInfo(ctx context.Context, pluginType string) (version.PluginInfo, error) {
	if strings.IndexByte(pluginType, 0) >= 0 {
		// C would read the name up to there.
		return nil, fmt.Errorf("failed to find plugin %q in path %s", pluginType, c.Path)
	}
	call, err := c.begin(ctx, c.cacheDirFor(&RuntimeConf{}))
	if err != nil {
		return nil, err
	}
	defer call.end()
	text, failed := call.runtime.getVersionInfo(call.core, pluginType)
	if failed != nil {
		return nil, call.explained(failed, nil)
	}
	if call.info != nil {
		return call.info, nil
	}
	info, err := (&version.PluginDecoder{}).Decode(text)
	if err != nil {
		return nil, fmt.Errorf("decoding version info of plugin %s: %w", pluginType, err)
	}
	return info, nil
}
