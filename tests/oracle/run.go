package main

import (
	"context"
	"encoding/json"
	"sort"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/types/create"
)

// run does what the request asks and returns what JSON can say of the outcome.
func run(req *request) (interface{}, error) {
	cni := libcni.NewCNIConfigWithCacheDir(req.Dirs, req.CacheDir, nil)
	ctx, err := req.Trace.context(context.Background())
	if err != nil {
		return nil, err
	}
	switch req.Op {
	case "version":
		info, err := cni.GetVersionInfo(ctx, req.Plugin)
		if err != nil {
			return nil, err
		}
		return describeVersions(info)
	case "attachments":
		attachments, err := cni.GetCachedAttachments(req.Container)
		return describeAttachments(attachments), err
	case "conf_files":
		files, err := libcni.ConfFiles(req.Source.Path, req.Extensions)
		if files == nil {
			files = []string{}
		}
		return files, err
	case "inject":
		conf, err := libcni.InjectConf(&libcni.PluginConfig{Bytes: req.Source.Bytes}, req.Values)
		if err != nil {
			return nil, err
		}
		return describePlugin(conf), nil
	case "convert":
		result, err := create.CreateFromBytes(req.Source.Bytes)
		if err != nil {
			return nil, err
		}
		result, err = result.GetAsVersion(req.Version)
		return describeResult(result, err)
	}
	conf, err := req.Source.load()
	if err != nil {
		return nil, loadError{err}
	}
	if conf.single != nil {
		return runSingle(ctx, cni, req, conf.single)
	}
	return runList(ctx, cni, req, conf.list)
}

func runList(ctx context.Context, cni *libcni.CNIConfig, req *request, list *libcni.NetworkConfigList) (interface{}, error) {
	rt := req.Runtime.conf()
	switch req.Op {
	case "load":
		return describeList(list), nil
	case "add":
		return describeResult(cni.AddNetworkList(ctx, list, rt))
	case "check":
		return nil, cni.CheckNetworkList(ctx, list, rt)
	case "del":
		return nil, cni.DelNetworkList(ctx, list, rt)
	case "cached_result":
		return describeResult(cni.GetNetworkListCachedResult(list, rt))
	case "cached_config":
		return describeCached(cni.GetNetworkListCachedConfig(list, rt))
	case "validate":
		return sorted(cni.ValidateNetworkList(ctx, list))
	case "status":
		return nil, cni.GetStatusNetworkList(ctx, list)
	case "gc":
		var args *libcni.GCArgs
		if req.Valid != nil {
			args = &libcni.GCArgs{ValidAttachments: *req.Valid}
		}
		return nil, cni.GCNetworkList(ctx, list, args)
	}
	panic("not an operation on a list: " + req.Op)
}

func runSingle(ctx context.Context, cni *libcni.CNIConfig, req *request, conf *libcni.PluginConfig) (interface{}, error) {
	rt := req.Runtime.conf()
	switch req.Op {
	case "load":
		return describePlugin(conf), nil
	case "add":
		return describeResult(cni.AddNetwork(ctx, conf, rt))
	case "check":
		return nil, cni.CheckNetwork(ctx, conf, rt)
	case "del":
		return nil, cni.DelNetwork(ctx, conf, rt)
	case "cached_result":
		return describeResult(cni.GetNetworkCachedResult(conf, rt))
	case "cached_config":
		return describeCached(cni.GetNetworkCachedConfig(conf, rt))
	case "validate":
		return sorted(cni.ValidateNetwork(ctx, conf))
	}
	panic("not an operation on one plugin: " + req.Op)
}

func sorted(names []string, err error) (interface{}, error) {
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	return names, nil
}

func describeResult(result types.Result, err error) (interface{}, error) {
	if err != nil || result == nil {
		return nil, err
	}
	text, err := json.Marshal(result)
	return json.RawMessage(text), err
}
