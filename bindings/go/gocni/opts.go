package cni

import (
	"fmt"
	"slices"
	"strings"

	libcni "github.com/libcni/libcni/bindings/go"
)

// An Opt is a setting, or a place that networks come from. Settings count for all networks of the call of New or Load,
// wherever they stand, and for later calls of Load.
type Opt func(*draft) error

// settings are what stays from load to load.
type settings struct {
	prefix      string
	pluginDirs  []string
	confDir     string
	maxConfNum  int
	minNetworks int
}

// A draft is what the options of one call say.
type draft struct {
	settings
	sources []source
}

// A source is known once all settings are.
type source func(*plan) error

// WithInterfacePrefix sets what the names of interfaces begin with; a number follows. Default: [DefaultPrefix].
func WithInterfacePrefix(prefix string) Opt {
	return func(d *draft) error {
		d.prefix = prefix
		return nil
	}
}

// WithPluginDir sets the directories in which plugins are searched, in order. Default: [DefaultCNIDir].
func WithPluginDir(dirs []string) Opt {
	return func(d *draft) error {
		d.pluginDirs = slices.Clone(dirs)
		return nil
	}
}

// WithPluginConfDir sets the directory of configurations. Default: [DefaultNetDir].
func WithPluginConfDir(dir string) Opt {
	return func(d *draft) error {
		d.confDir = dir
		return nil
	}
}

// WithPluginMaxConfNum sets how many networks [WithDefaultConf] loads at most; 0 is all. Default: [DefaultMaxConfNum].
func WithPluginMaxConfNum(maxConfigs int) Opt {
	return func(d *draft) error {
		d.maxConfNum = maxConfigs
		return nil
	}
}

// WithMinNetworkCount sets how many networks must be loaded, loopback included, before containers can be set up.
// Default: 1.
func WithMinNetworkCount(count int) Opt {
	return func(d *draft) error {
		d.minNetworks = count
		return nil
	}
}

// WithLoNetwork brings the interface lo of containers up, before everything else: by the plugin loopback where there is one,
// else by the library itself.
func WithLoNetwork(d *draft) error {
	d.add(func(p *plan) error {
		p.loopback = true
		return nil
	})
	return nil
}

// WithConf loads the configuration of one plugin; its interface has the number 0.
func WithConf(bytes []byte) Opt {
	return WithConfIndex(bytes, 0)
}

// WithConfIndex loads the configuration of one plugin, for the interface with this number.
func WithConfIndex(bytes []byte, index int) Opt {
	return func(d *draft) error {
		if index < 0 {
			return fmt.Errorf("the number of an interface is negative: %d: %w", index, ErrInvalidConfig)
		}
		d.add(func(p *plan) error {
			p.take(libcni.Source{Conf: text(bytes)}, index)
			return nil
		})
		return nil
	}
}

// WithConfFile loads a file with the configuration of one plugin; its interface has the number 0.
func WithConfFile(fileName string) Opt {
	return func(d *draft) error {
		d.add(func(p *plan) error {
			p.take(libcni.Source{ConfFile: fileName}, 0)
			return nil
		})
		return nil
	}
}

// WithConfListBytes loads a network; the number of its interface is how many networks are before it, loopback
// included.
func WithConfListBytes(bytes []byte) Opt {
	return func(d *draft) error {
		d.add(func(p *plan) error {
			p.take(libcni.Source{ConfList: text(bytes)}, p.count())
			return nil
		})
		return nil
	}
}

// WithConfListFile loads a file with a network; the number of its interface is how many networks are before it,
// loopback included.
func WithConfListFile(fileName string) Opt {
	return func(d *draft) error {
		d.add(func(p *plan) error {
			p.take(libcni.Source{ConfListFile: fileName}, p.count())
			return nil
		})
		return nil
	}
}

// WithDefaultConf loads the first network of the directory of configurations in file name order, or as many as
// [WithPluginMaxConfNum] says. Their interfaces are numbered from 0.
func WithDefaultConf(d *draft) error {
	d.add(func(p *plan) error { return p.takeDir(p.maxConfNum) })
	return nil
}

// WithAllConf loads all networks of the directory of configurations in file name order. Their interfaces are numbered
// from 0.
func WithAllConf(d *draft) error {
	d.add(func(p *plan) error { return p.takeDir(0) })
	return nil
}

func (d *draft) add(s source) {
	d.sources = append(d.sources, s)
}

// text is never nil: no text is a text that is no configuration.
func text(bytes []byte) []byte {
	return append([]byte{}, bytes...)
}

// A plan is what the library is asked to load.
type plan struct {
	settings
	loopback bool
	sources  []libcni.Source
}

// count is how many networks there are so far.
func (p *plan) count() int {
	if p.loopback {
		return len(p.sources) + 1
	}
	return len(p.sources)
}

func (p *plan) take(source libcni.Source, index int) {
	source.Index = &index
	p.sources = append(p.sources, source)
}

// takeDir takes the files of the directory of configurations, one by one: here a file that is broken is an error, and
// does not make way for the next one.
func (p *plan) takeDir(most int) error {
	files, err := libcni.ConfFiles(p.confDir, []string{".conf", ".conflist", ".json"})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRead, err)
	}
	if len(files) == 0 {
		return &noNetworks{p.confDir}
	}
	slices.Sort(files)
	if most > 0 && most < len(files) {
		files = files[:most]
	}
	for i, file := range files {
		source := libcni.Source{ConfFile: file}
		if strings.HasSuffix(file, ".conflist") {
			source = libcni.Source{ConfListFile: file}
		}
		p.take(source, i)
	}
	return nil
}

// noNetworks tells that a directory of configurations has none.
type noNetworks struct{ dir string }

// Error is go-cni's text, which people search for.
func (e *noNetworks) Error() string {
	return fmt.Sprintf("no network config found in %s: %v", e.dir, ErrCNINotInitialized)
}

func (e *noNetworks) Unwrap() error { return ErrCNINotInitialized }
