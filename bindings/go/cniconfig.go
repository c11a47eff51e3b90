package libcni

import (
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/containernetworking/cni/pkg/invoke"
)

// CNIConfig is a CNI runtime: the directories of its plugins, how they are run, and where attachments are remembered.
//
// Its zero value is usable, Path may be changed between calls, and a copy is as good as the value itself. Any number
// of goroutines may use one at once.
type CNIConfig struct {
	// Path has the directories in which plugins are searched, in order.
	Path []string

	exec     invoke.Exec
	cacheDir string
	plugins  map[string]Plugin
	core     *coreOwner
}

var _ CNI = &CNIConfig{}

// NewCNIConfig makes a CNI runtime that searches its plugins in these directories. With a nil exec the plugins are
// run by libcni, as with the original's [invoke.DefaultExec]; any other is called for each plugin.
func NewCNIConfig(path []string, exec invoke.Exec) *CNIConfig {
	return NewCNIConfigWithCacheDir(path, "", exec)
}

// NewCNIConfigWithCacheDir is [NewCNIConfig] with a directory in which attachments are remembered in place of
// [CacheDir].
func NewCNIConfigWithCacheDir(path []string, cacheDir string, exec invoke.Exec) *CNIConfig {
	return &CNIConfig{Path: path, exec: exec, cacheDir: cacheDir, core: new(coreOwner)}
}

// Close frees what the library holds for this value and its copies. Calls that run finish; a later call makes anew
// what it needs. Who does not close a CNIConfig leaves that to the garbage collector.
func (c *CNIConfig) Close() error {
	c.owner().close()
	return nil
}

// cacheDirFor is the directory in which attachments are remembered: the runtime's, else the call's, else the default.
func (c *CNIConfig) cacheDirFor(rt *RuntimeConf) string {
	for _, dir := range []string{c.cacheDir, rt.CacheDir, CacheDir} {
		if dir != "" {
			return dir
		}
	}
	return "."
}

// runtimeOptions are the options of libcni_new.
type runtimeOptions struct {
	PluginDirs []string `json:"pluginDirs"`
	// nil: nothing is remembered.
	CacheDir *string `json:"cacheDir"`
	// The original finds out about each plugin when its turn comes.
	Preflight bool              `json:"preflight"`
	Env       map[string]string `json:"env,omitempty"`
}

// runtimeSource is what a runtime of the core is made of. It is compared for each call, which is why it is not text.
type runtimeSource struct {
	path []string
	// Empty: nothing is remembered.
	cacheDir string
	environ  []string
}

func (s *runtimeSource) equals(other *runtimeSource) bool {
	return s.cacheDir == other.cacheDir && slices.Equal(s.path, other.path) && slices.Equal(s.environ, other.environ)
}

func (s *runtimeSource) options() ([]byte, error) {
	options := runtimeOptions{PluginDirs: append([]string{}, s.path...), Env: environment(s.environ)}
	if s.cacheDir != "" {
		options.CacheDir = &s.cacheDir
	}
	return marshal(options)
}

// runtime is the core's runtime for a call, which releases it. Without a cache directory it remembers nothing.
func (c *CNIConfig) runtime(cacheDir string) (*coreRuntime, error) {
	return c.owner().get(&runtimeSource{c.Path, cacheDir, os.Environ()}, c.exec, c.plugins)
}

// ownerless guards the making of the owners of zero values.
var ownerless sync.Mutex

func (c *CNIConfig) owner() *coreOwner {
	ownerless.Lock()
	defer ownerless.Unlock()
	if c.core == nil {
		c.core = new(coreOwner)
	}
	return c.core
}

// A coreOwner keeps one runtime of the core from call to call, and the texts of networks. When something else is asked
// for, there is a new one.
type coreOwner struct {
	mu      sync.Mutex
	source  runtimeSource
	current *coreRuntime
	cleanup runtime.Cleanup

	networks networkTexts
}

// get gives a share of the runtime of that source.
func (o *coreOwner) get(source *runtimeSource, exec invoke.Exec, plugins map[string]Plugin) (*coreRuntime, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current == nil || !o.source.equals(source) {
		options, err := source.options()
		if err != nil {
			return nil, err
		}
		made, err := newCoreRuntime(options, exec, plugins)
		if err != nil {
			return nil, err
		}
		o.drop()
		o.source, o.current = *source, made
		// The caller's own may be changed in place.
		o.source.path = slices.Clone(source.path)
		o.cleanup = runtime.AddCleanup(o, (*coreRuntime).release, made)
	}
	return o.current.share(), nil
}

func (o *coreOwner) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drop()
}

func (o *coreOwner) drop() {
	if o.current != nil {
		o.cleanup.Stop()
		o.current.release()
		o.current = nil
	}
}
