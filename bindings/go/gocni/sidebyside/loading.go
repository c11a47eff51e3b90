package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/go-cni"
)

// Scenes about loading. No plugin runs.

const (
	listA = `{"name": "a", "cniVersion": "1.0.0", "plugins": [{"type": "fake", "number": 10, "capabilities": {"portMappings": true}}]}`
	listB = "{\n  \"cniVersion\": \"0.4.0\",\n  \"name\": \"b\",\n  \"disableCheck\": true,\n  \"plugins\": [{\"type\": \"fake\"}, {\"ipam\": {\"type\": \"x\"}, \"type\": \"other\"}]\n}\n"
	confC = `{"name": "c", "cniVersion": "0.3.1", "type": "fake", "z": [1, 2], "a": "&<>"}`
)

var _ = addScenes(map[string]func(*stage){
	"nothing is loaded": func(s *stage) {
		c := s.cni()
		s.noteConfig("config", c)
		ctx := context.Background()
		s.noteError("status", c.Status())
		_, err := c.Setup(ctx, "c1", "/run/netns/c1")
		s.noteError("setup", err)
		_, err = c.SetupSerially(ctx, "c1", "/run/netns/c1")
		s.noteError("setup serially", err)
		s.noteError("check", c.Check(ctx, "c1", "/run/netns/c1"))
		s.noteError("remove", c.Remove(ctx, "c1", "/run/netns/c1"))
	},
	"the defaults": func(s *stage) {
		c, err := cni.New()
		must(err)
		s.noteConfig("config", c)
		s.note("constants", []any{
			cni.CNIPluginName, cni.DefaultMaxConfNum, cni.DefaultPrefix, cni.DefaultNetDir, cni.DefaultCNIDir,
			cni.VendorCNIDirTemplate,
		})
	},
	"settings": func(s *stage) {
		s.noteConfig("config", s.cni(cni.WithInterfacePrefix("net"), cni.WithPluginMaxConfNum(7)))
	},
	"an empty directory": func(s *stage) {
		for _, opt := range []struct {
			name string
			opt  cni.Opt
		}{{"default", cni.WithDefaultConf}, {"all", cni.WithAllConf}} {
			_, err := cni.New(s.options(opt.opt)...)
			s.noteError("new "+opt.name, err, "no network config found in "+s.conf)
			c := s.cni()
			s.noteError("load "+opt.name, c.Load(opt.opt),
				"cni config load failed: no network config found in "+s.conf+": cni plugin not initialized: failed to load cni config")
			s.noteError("status "+opt.name, c.Status(), "cni plugin not initialized")
		}
	},
	"no directory": func(s *stage) {
		must(os.Remove(s.conf))
		s.noteError("load", s.cni().Load(cni.WithDefaultConf), s.conf)
	},
	"a directory that is none": func(s *stage) {
		must(os.Remove(s.conf))
		must(os.WriteFile(s.conf, nil, 0o600))
		s.noteError("load", s.cni().Load(cni.WithDefaultConf), s.conf, "not a directory")
	},
	"the files of a directory": func(s *stage) {
		s.file("30-a.conflist", listA)
		s.file("10-c.json", confC)
		s.file("20-b.conflist", listB)
		s.file("40-c2.conf", `{"name": "c2", "type": "fake"}`)
		s.file("00-readme.txt", "no configuration")
		s.file("05.conflist/inside", "no configuration")
		for _, most := range []int{1, 2, 3, 100, 0, -1} {
			c := s.cni(cni.WithPluginMaxConfNum(most), cni.WithDefaultConf)
			s.noteNames(fmt.Sprint("at most ", most), c)
		}
		all := s.cni(cni.WithAllConf)
		s.noteConfig("all", all)
		s.noteError("status", all.Status())
	},
	"a network with drop-in plugins": func(s *stage) {
		s.file("a.conflist", listA)
		s.file("a/10-more.conf", `{"type": "other"}`)
		s.file("a/20-more.conf", `{"type": "fake", "x": 1}`)
		c := s.cni(cni.WithDefaultConf)
		plugins := []string{}
		for _, plugin := range c.GetConfig().Networks[0].Config.Plugins {
			plugins = append(plugins, plugin.Network.Type, plugin.Source)
		}
		s.note("plugins", plugins)
		s.note("source", c.GetConfig().Networks[0].Config.Source)
	},
	"texts and files, numbered": func(s *stage) {
		confFile, listFile := s.file("c.conf", confC), s.file("a.conflist", listA)
		for _, opts := range []struct {
			name string
			opts []cni.Opt
		}{
			{"one plugin", []cni.Opt{cni.WithConf([]byte(confC))}},
			{"one plugin with a number", []cni.Opt{cni.WithConfIndex([]byte(confC), 5)}},
			{"one plugin's file", []cni.Opt{cni.WithConfFile(confFile)}},
			{"a list", []cni.Opt{cni.WithConfListBytes([]byte(listB))}},
			{"a list's file", []cni.Opt{cni.WithConfListFile(listFile)}},
			{"two lists", []cni.Opt{cni.WithConfListBytes([]byte(listB)), cni.WithConfListFile(listFile)}},
			{"two numbers", []cni.Opt{cni.WithConfIndex([]byte(confC), 1), cni.WithConf([]byte(confC))}},
			{"a number and a list", []cni.Opt{cni.WithConfIndex([]byte(confC), 3), cni.WithConfListBytes([]byte(listB))}},
			{"a list and the directory", []cni.Opt{cni.WithConfListBytes([]byte(listB)), cni.WithAllConf}},
			{"the directory twice", []cni.Opt{cni.WithAllConf, cni.WithAllConf}},
			{"a list with another prefix", []cni.Opt{cni.WithInterfacePrefix("net"), cni.WithConfListBytes([]byte(listB))}},
		} {
			s.noteConfig(opts.name, s.cni(opts.opts...))
		}
	},
	"loopback": func(s *stage) {
		s.file("a.conflist", listA)
		for _, opts := range []struct {
			name string
			opts []cni.Opt
		}{
			{"alone", []cni.Opt{cni.WithLoNetwork}},
			{"before the directory", []cni.Opt{cni.WithLoNetwork, cni.WithDefaultConf}},
			{"before a list", []cni.Opt{cni.WithLoNetwork, cni.WithConfListBytes([]byte(listB))}},
			{"before a plugin", []cni.Opt{cni.WithLoNetwork, cni.WithConf([]byte(confC))}},
			{"between lists", []cni.Opt{
				cni.WithConfListBytes([]byte(listA)), cni.WithLoNetwork, cni.WithConfListBytes([]byte(listB)),
			}},
			{"behind the directory", []cni.Opt{cni.WithDefaultConf, cni.WithLoNetwork}},
			{"twice", []cni.Opt{cni.WithLoNetwork, cni.WithLoNetwork}},
		} {
			s.noteNames(opts.name, s.cni(opts.opts...))
		}
		s.noteConfig("config", s.cni(cni.WithLoNetwork))
	},
	"settings behind what they are for": func(s *stage) {
		s.file("a.conflist", listA)
		c, err := cni.New(cni.WithConf([]byte(confC)), cni.WithInterfacePrefix("net"))
		must(err)
		s.noteNames("prefix", c)
		_, err = cni.New(cni.WithPluginConfDir("/nowhere"), cni.WithDefaultConf, cni.WithPluginConfDir(s.conf))
		s.noteError("directory", err)
	},
	"broken files of a directory": func(s *stage) {
		for _, file := range []struct{ name, base, text string }{
			{"cut off", "x.conflist", `{"name": "x"`},
			{"no name", "x.conflist", `{"cniVersion": "1.0.0", "plugins": [{"type": "fake"}]}`},
			{"no plugins", "x.conflist", `{"name": "x", "cniVersion": "1.0.0"}`},
			{"no plugin in plugins", "x.conflist", `{"name": "x", "plugins": []}`},
			{"a plugin without a type", "x.conflist", `{"name": "x", "plugins": [{"name": "fake"}]}`},
			{"one plugin without a type", "x.conf", `{"name": "x"}`},
			{"a list in a .conf", "x.conf", listA},
			{"one plugin in a .conflist", "x.conflist", confC},
			{"not an object", "x.json", `[]`},
			{"empty", "x.json", ``},
		} {
			path := s.file(file.base, file.text)
			s.file("y.conflist", listA)
			c := s.cni()
			s.noteError(file.name+", default", c.Load(cni.WithDefaultConf), path)
			s.noteNames(file.name+", loaded", c)
			must(os.Rename(path, filepath.Join(s.conf, "z"+filepath.Ext(path))))
			s.noteError(file.name+", behind", c.Load(cni.WithDefaultConf))
			s.noteError(file.name+", all", c.Load(cni.WithAllConf), filepath.Join(s.conf, "z"+filepath.Ext(path)))
			must(os.Remove(filepath.Join(s.conf, "z"+filepath.Ext(path))))
			must(os.Remove(filepath.Join(s.conf, "y.conflist")))
		}
	},
	"broken texts and files": func(s *stage) {
		broken, missing := s.file("x.conflist", `{"name": "x"`), filepath.Join(s.conf, "missing")
		for _, opt := range []struct {
			name string
			opt  cni.Opt
		}{
			{"one plugin", cni.WithConf([]byte(`{`))},
			{"one plugin without a type", cni.WithConfIndex([]byte(`{"name":"x"}`), 2)},
			{"a list", cni.WithConfListBytes([]byte(`{`))},
			{"no text", cni.WithConfListBytes(nil)},
			{"a list without a name", cni.WithConfListBytes([]byte(`{"plugins":[{"type":"fake"}]}`))},
			{"a list without plugins", cni.WithConfListBytes([]byte(`{"name":"x"}`))},
			{"one plugin's file", cni.WithConfFile(broken)},
			{"a list's file", cni.WithConfListFile(broken)},
			{"one plugin's missing file", cni.WithConfFile(missing)},
			{"a list's missing file", cni.WithConfListFile(missing)},
		} {
			_, err := cni.New(s.options(opt.opt)...)
			s.noteError(opt.name+", new", err)
			s.noteError(opt.name+", load", s.cni().Load(opt.opt))
		}
	},
	"two networks of one name": func(s *stage) {
		s.file("1.conflist", listA)
		s.file("2.conflist", listA)
		c := s.cni()
		s.noteError("load", c.Load(cni.WithAllConf))
		s.noteNames("loaded", c)
	},
	"loading again": func(s *stage) {
		a := s.file("1.conflist", listA)
		c := s.cni(cni.WithMinNetworkCount(2))
		load := []cni.Opt{cni.WithLoNetwork, cni.WithDefaultConf}
		s.noteError("first", c.Load(load...))
		s.noteError("first status", c.Status())
		s.file("1.conflist", listB)
		s.noteError("changed", c.Load(load...))
		s.noteNames("changed names", c)
		s.noteError("changed status", c.Status())
		// What a writer that is not done leaves.
		s.file("1.conflist", listB[:len(listB)/2])
		s.noteError("broken", c.Load(load...))
		s.noteNames("broken names", c)
		s.noteError("broken status", c.Status())
		must(os.Remove(a))
		s.noteError("gone", c.Load(load...))
		s.noteNames("gone names", c)
		s.noteError("gone status", c.Status())
		s.file("1.conflist", listA)
		s.noteError("back", c.Load(load...))
		s.noteError("back status", c.Status())
		s.noteError("nothing", c.Load())
		s.noteNames("nothing names", c)
		s.noteError("nothing status", c.Status())
	},
	"how many networks are enough": func(s *stage) {
		for _, least := range []int{0, 1, 2, 3} {
			c := s.cni(cni.WithMinNetworkCount(least), cni.WithLoNetwork, cni.WithConfListBytes([]byte(listA)))
			s.noteError(fmt.Sprint("at least ", least), c.Status())
		}
		s.noteError("none of none", s.cni(cni.WithMinNetworkCount(0)).Status())
	},
	"a prefix that is too long": func(s *stage) {
		_, err := cni.New(s.options(cni.WithInterfacePrefix("a-name-of-sixteen"), cni.WithConfListBytes([]byte(listA)))...)
		s.noteError("new", err)
	},
})
