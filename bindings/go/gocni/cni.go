package cni

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	libcni "github.com/libcni/libcni/bindings/go"
)

// CNI sets up the networks of containers. Any number of goroutines may use one at once; calls work with the networks
// that are loaded when they begin.
type CNI interface {
	// Setup attaches a container, whose network namespace has this path, to all networks at the same time. When one
	// fails the container is detached again; the error tells all failures.
	Setup(ctx context.Context, id string, path string, opts ...NamespaceOpts) (*Result, error)
	// SetupSerially is Setup with one network after the other, as the CNI specification asks.
	SetupSerially(ctx context.Context, id string, path string, opts ...NamespaceOpts) (*Result, error)
	// Remove detaches a container from all networks, also from those that are not loaded any more, last first. It goes on
	// after failures. The path may be empty.
	Remove(ctx context.Context, id string, path string, opts ...NamespaceOpts) error
	// Check asks whether a container is still attached as it was.
	Check(ctx context.Context, id string, path string, opts ...NamespaceOpts) error
	// Load loads the networks anew. When it fails, those that were loaded stay; but in a directory of configurations
	// that has none there are none.
	Load(opts ...Opt) error
	// Status tells whether containers can be set up: enough networks are loaded, and their plugins are ready.
	Status() error
	// GetConfig tells what is loaded.
	GetConfig() *ConfigResult
}

// A node implements CNI.
type node struct {
	// One load at a time.
	loading sync.Mutex
	loaded  atomic.Pointer[loaded]
}

// loaded is what a load leaves. It never changes.
type loaded struct {
	settings
	cni      *libcni.CNIConfig
	networks *libcni.Networks
	known    []*Network
	// Why the last load failed.
	problem error
}

// New makes a CNI. Without an option that loads networks there are none until Load.
func New(config ...Opt) (CNI, error) {
	d := &draft{settings: settings{
		prefix:      DefaultPrefix,
		pluginDirs:  []string{DefaultCNIDir},
		confDir:     DefaultNetDir,
		maxConfNum:  DefaultMaxConfNum,
		minNetworks: 1,
	}}
	l, err := d.load(config)
	if err != nil {
		return nil, err
	}
	n := &node{}
	n.loaded.Store(l)
	return n, nil
}

func (n *node) Load(opts ...Opt) error {
	n.loading.Lock()
	defer n.loading.Unlock()
	d := &draft{settings: n.loaded.Load().settings}
	l, err := d.load(opts)
	if err == nil {
		n.loaded.Store(l)
		return nil
	}
	if l == nil {
		before := *n.loaded.Load()
		l = &before
	}
	l.problem = err
	n.loaded.Store(l)
	return fmt.Errorf("cni config load failed: %w: %w", err, ErrLoad)
}

// load follows the options. For a directory without configurations it gives an error and what is then loaded: nothing.
func (d *draft) load(opts []Opt) (*loaded, error) {
	for _, opt := range opts {
		if err := opt(d); err != nil {
			return nil, err
		}
	}
	p := &plan{settings: d.settings}
	for _, source := range d.sources {
		var none *noNetworks
		if err := source(p); errors.As(err, &none) {
			empty, failed := (&plan{settings: d.settings, loopback: p.loopback}).load()
			if failed != nil {
				return nil, failed
			}
			empty.known = nil
			return empty, err
		} else if err != nil {
			return nil, err
		}
	}
	return p.load()
}

// nowhere is a directory that there never is. Without any source the library would take the default one.
const nowhere = "/dev/null/net.d"

func (p *plan) load() (*loaded, error) {
	sources := p.sources
	if len(sources) == 0 {
		sources = []libcni.Source{{Dir: nowhere}}
	}
	cni := libcni.NewCNIConfig(p.pluginDirs, nil)
	networks, err := libcni.NewNetworks(cni, libcni.NetworksOptions{
		Sources:         sources,
		ConfDir:         p.confDir,
		InterfacePrefix: p.prefix,
		// Whoever calls is told by this package.
		MinNetworks:     -1,
		DisableLoopback: !p.loopback,
	})
	if err != nil {
		return nil, notLoaded(err)
	}
	l := &loaded{settings: p.settings, cni: cni, networks: networks}
	config, err := networks.Config()
	if err != nil {
		return nil, err
	}
	for _, network := range config.Networks {
		list, err := network.List()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, ErrInvalidConfig)
		}
		l.known = append(l.known, &Network{cni: cni, list: list, ifName: network.IfName})
	}
	return l, nil
}

// ready is an [ErrCNINotInitialized] when fewer networks are loaded than there must be.
func (l *loaded) ready() error {
	if len(l.known) >= l.minNetworks {
		return nil
	}
	if none := (*noNetworks)(nil); errors.As(l.problem, &none) {
		return fmt.Errorf("%w: no network config found in %s", ErrCNINotInitialized, none.dir)
	}
	if l.problem != nil {
		return fmt.Errorf("%w: %w", ErrCNINotInitialized, l.problem)
	}
	return fmt.Errorf("%w: %d of at least %d networks are loaded", ErrCNINotInitialized, len(l.known), l.minNetworks)
}

func (n *node) Status() error {
	return n.StatusWithContext(context.Background())
}

// StatusWithContext is Status with an end: a plugin that does not answer is ended with the context. The interface CNI,
// which others implement, cannot have it; it is found with a type assertion.
func (n *node) StatusWithContext(ctx context.Context) error {
	l := n.loaded.Load()
	if err := l.ready(); err != nil {
		return err
	}
	return explained(l.networks.Status(ctx))
}

func (n *node) Setup(ctx context.Context, id string, path string, opts ...NamespaceOpts) (*Result, error) {
	return n.setup(ctx, "cni.Setup", true, id, path, opts)
}

func (n *node) SetupSerially(ctx context.Context, id string, path string, opts ...NamespaceOpts) (*Result, error) {
	return n.setup(ctx, "cni.SetupSerially", false, id, path, opts)
}

func (n *node) setup(
	ctx context.Context, span string, parallel bool, id, path string, opts []NamespaceOpts,
) (result *Result, err error) {
	ctx, end := traced(ctx, span, id, path)
	defer func() { end(err) }()
	l := n.loaded.Load()
	if err := l.ready(); err != nil {
		return nil, err
	}
	ns, err := newNamespace(id, path, opts)
	if err != nil {
		return nil, err
	}
	container := ns.container()
	container.Parallel = &parallel
	setup, err := l.networks.Setup(ctx, container)
	if err != nil {
		return nil, explained(err)
	}
	return l.result(setup)
}

func (n *node) Remove(ctx context.Context, id string, path string, opts ...NamespaceOpts) (err error) {
	ctx, end := traced(ctx, "cni.Remove", id, path)
	defer func() { end(err) }()
	ns, err := newNamespace(id, path, opts)
	if err != nil {
		return err
	}
	l := n.loaded.Load()
	if notReady := l.ready(); notReady != nil {
		// What is remembered of the container is enough to remove it. Of one that nothing is known of it cannot be told
		// that it is removed.
		if attachments, err := l.cni.GetCachedAttachments(id); err != nil || len(attachments) == 0 {
			return errors.Join(notReady, err)
		}
	}
	return explained(l.networks.Remove(ctx, ns.container()))
}

func (n *node) Check(ctx context.Context, id string, path string, opts ...NamespaceOpts) (err error) {
	ctx, end := traced(ctx, "cni.Check", id, path)
	defer func() { end(err) }()
	l := n.loaded.Load()
	if err := l.ready(); err != nil {
		return err
	}
	ns, err := newNamespace(id, path, opts)
	if err != nil {
		return err
	}
	return explained(l.networks.Check(ctx, ns.container()))
}

// Networks are the networks that are loaded. It is found with a type assertion, as in go-cni.
func (n *node) Networks() []*Network {
	return slices.Clone(n.loaded.Load().known)
}
