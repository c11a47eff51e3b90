package libcni

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	types100 "github.com/containernetworking/cni/pkg/types/100"
)

// An insider is a plugin in the process that keeps what it is asked.
type insider struct {
	asked   []string
	request PluginRequest
	ctx     context.Context
	add     func(*PluginRequest) (types.Result, error)
}

func (i *insider) see(ctx context.Context, request *PluginRequest) error {
	i.asked = append(i.asked, request.Command)
	i.request, i.ctx = *request, ctx
	return nil
}

func (i *insider) Add(ctx context.Context, request *PluginRequest) (types.Result, error) {
	_ = i.see(ctx, request)
	if i.add != nil {
		return i.add(request)
	}
	address := net.IPNet{IP: net.IPv4(10, 1, 0, 5), Mask: net.CIDRMask(24, 32)}
	return &types100.Result{CNIVersion: "1.1.0", IPs: []*types100.IPConfig{{Address: address}}}, nil
}

func (i *insider) Check(ctx context.Context, request *PluginRequest) error {
	result, err := request.PrevResult()
	if err != nil || result == nil {
		return fmt.Errorf("no result: %w", err)
	}
	return i.see(ctx, request)
}

func (i *insider) Del(ctx context.Context, request *PluginRequest) error { return i.see(ctx, request) }
func (i *insider) GC(ctx context.Context, request *PluginRequest) error  { return i.see(ctx, request) }
func (i *insider) Status(ctx context.Context, request *PluginRequest) error {
	return i.see(ctx, request)
}

func (i *insider) SupportedVersions() []string { return []string{"0.4.0", "1.0.0", "1.1.0"} }

func (s *scene) inside(plugins map[string]Plugin) *CNIConfig {
	c := NewCNIConfigWithPlugins([]string{s.bin}, s.caches, plugins)
	s.t.Cleanup(func() { c.Close() })
	return c
}

type ownKey struct{}

func TestAPluginInTheProcessGetsWhatItsProgramWouldGet(t *testing.T) {
	s := newScene(t)
	plugin := &insider{}
	c := s.inside(map[string]Plugin{"inside": plugin})
	list := s.network("1.0.0", `{"type":"inside","key":12345}`)
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), ownKey{}, "mine"), time.Minute)
	defer cancel()
	rt := s.rt()
	rt.Args = [][2]string{{"IgnoreUnknown", "1"}}
	result, err := c.AddNetworkList(ctx, list, rt)
	s.must(err)
	if result.Version() != "1.0.0" {
		t.Error(result.Version())
	}
	request := plugin.request
	if request.ContainerID != "c1" || request.Netns != rt.NetNS || request.IfName != "eth0" || request.Path != s.bin ||
		request.Args != "IgnoreUnknown=1" || request.NetworkName != "net" || request.CNIVersion != "1.0.0" ||
		!strings.Contains(string(request.StdinData), "12345") {
		t.Errorf("%+v", request)
	}
	if plugin.ctx.Value(ownKey{}) != "mine" {
		t.Error("not the context of the call")
	}
	s.must(c.CheckNetworkList(ctx, list, rt))
	s.must(c.DelNetworkList(ctx, list, rt))
	newest := s.network("1.1.0", `{"type":"inside"}`)
	s.must(c.GetStatusNetworkList(ctx, newest))
	s.must(c.GCNetworkList(ctx, newest, &GCArgs{}))
	if want := []string{"ADD", "CHECK", "DEL", "STATUS", "GC"}; !reflect.DeepEqual(plugin.asked, want) {
		t.Error(plugin.asked)
	}
	if _, err := c.AddNetworkList(ctx, s.network("0.3.1", `{"type":"inside"}`), rt); err == nil ||
		!strings.Contains(err.Error(), "incompatible CNI versions") {
		t.Error(err)
	}
}

func TestWhatAPluginInTheProcessReturnsIsTheErrorObject(t *testing.T) {
	for _, test := range []struct {
		add     func(*PluginRequest) (types.Result, error)
		code    uint
		message string
	}{
		{func(*PluginRequest) (types.Result, error) { return nil, types.NewError(111, "no", "at all") }, 111, "no; at all"},
		{func(*PluginRequest) (types.Result, error) { return nil, errors.New("wrong") }, 999, "wrong"},
		{func(*PluginRequest) (types.Result, error) { panic("oops") }, 999, "the plugin panicked; oops"},
	} {
		s := newScene(t)
		c := s.inside(map[string]Plugin{"inside": &insider{add: test.add}})
		_, err := c.AddNetworkList(context.Background(), s.network("1.1.0", `{"type":"inside"}`), s.rt())
		var object *types.Error
		if !errors.As(err, &object) || object.Code != test.code || object.Error() != test.message {
			t.Error(err)
		}
	}
}

func TestAPluginInTheProcessDelegatesToItsNeighboursFirst(t *testing.T) {
	s := newScene(t, "program")
	neighbour := &insider{}
	failing := s.plugin("program", fake{})
	delegate := func(pluginType, config string) *insider {
		return &insider{add: func(request *PluginRequest) (types.Result, error) {
			text := fmt.Sprintf(`{"name":"net","cniVersion":"1.1.0",%s`, strings.TrimPrefix(config, "{"))
			result, err := request.DelegateAdd(pluginType, []byte(text))
			if err == nil {
				err = request.Delegate("DEL", pluginType, []byte(text))
			}
			return result, err
		}}
	}
	c := s.inside(map[string]Plugin{
		"to-neighbour": delegate("neighbour", `{"type":"neighbour"}`),
		"to-program":   delegate("program", failing),
		"to-nobody":    delegate("nobody", `{"type":"nobody"}`),
		"neighbour":    neighbour,
	})
	add := func(pluginType string) error {
		list := s.network("1.1.0", fmt.Sprintf(`{"type":%q}`, pluginType))
		_, err := c.AddNetworkList(context.Background(), list, s.rt())
		return err
	}
	s.must(add("to-neighbour"))
	if want := []string{"ADD", "DEL"}; !reflect.DeepEqual(neighbour.asked, want) {
		t.Error(neighbour.asked)
	}
	s.must(add("to-program"))
	if want := []string{"ADD program", "DEL program"}; !reflect.DeepEqual(s.order(), want) {
		t.Error(s.order())
	}
	if err := add("to-nobody"); err == nil || !strings.Contains(err.Error(), `failed to find plugin "nobody"`) {
		t.Error(err)
	}
}

func TestPluginsInTheProcessServeManyAndAreLetGo(t *testing.T) {
	s := newScene(t)
	plugins := map[string]Plugin{"inside": stateless{}}
	c := s.inside(plugins)
	list := s.network("1.1.0", `{"type":"inside"}`)
	failed := make(chan error)
	for i := range 16 {
		go func() {
			rt := s.rt()
			rt.ContainerID = fmt.Sprint("c", i)
			_, err := c.AddNetworkList(context.Background(), list, rt)
			failed <- errors.Join(err, c.DelNetworkList(context.Background(), list, rt))
		}()
	}
	for range 16 {
		s.must(<-failed)
	}
	runtimes := live.runtimes.Load()
	s.must(c.Close())
	runtime.GC()
	if live.runtimes.Load() != runtimes-1 {
		t.Error("the runtime is still there")
	}
}

// stateless answers everything.
type stateless struct{}

func (stateless) Add(context.Context, *PluginRequest) (types.Result, error) { return nil, nil }
func (stateless) Check(context.Context, *PluginRequest) error               { return nil }
func (stateless) Del(context.Context, *PluginRequest) error                 { return nil }
func (stateless) GC(context.Context, *PluginRequest) error                  { return nil }
func (stateless) Status(context.Context, *PluginRequest) error              { return nil }
