package main

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/containerd/go-cni"
	"github.com/containernetworking/cni/pkg/types"
)

// Scenes about failures.

func failing(command string, code uint, msg, details string) map[string]types.Error {
	return map[string]types.Error{command: {Code: code, Msg: msg, Details: details}}
}

func (s *stage) failing(name, version, command string, code uint, msg, details string) cni.Opt {
	return cni.WithConfListBytes(s.network(name, version, fakeConf{Fail: failing(command, code, msg, details)}))
}

func (s *stage) working(name string) cni.Opt {
	return cni.WithConfListBytes(s.network(name, "1.0.0", fakeConf{}))
}

// fifo is for a plugin's Hold.
func (s *stage) fifo(name string) string {
	path := filepath.Join(s.dir, name)
	must(syscall.Mkfifo(path, 0o600))
	return path
}

// untilRunning waits until the plugin at the fifo runs.
func untilRunning(fifo string) {
	file, err := os.Open(fifo)
	must(err)
	_, err = bufio.NewReader(file).ReadString('\n')
	must(err)
	// Left open: the plugin shall not be ended by that.
}

var _ = addScenes(map[string]func(*stage){
	"a set-up that fails, one after the other": func(s *stage) {
		s.container("c1")
		c := s.cni(s.working("a"), s.failing("b", "1.0.0", "ADD", 11, "try again", "later"), s.working("c"))
		_, err := c.SetupSerially(context.Background(), "c1", "/run/netns/c1")
		s.noteError("setup", err, "try again; later", `"b"`)
		s.noteOrder("order")
	},
	"a set-up that fails, at the same time": func(s *stage) {
		s.container("c1")
		c := s.cni(
			s.working("a"), s.failing("b", "1.0.0", "ADD", 11, "try again", "later"),
			s.failing("c", "1.0.0", "ADD", 11, "no more addresses", ""))
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		s.note("fails", err != nil)
		s.note("tells both", err != nil && containsAll(err.Error(), "try again; later", "no more addresses"))
		s.noteCommands("commands")
	},
	"a plugin that is not there": func(s *stage) {
		s.container("c1")
		c := s.cni(cni.WithConfListBytes([]byte(`{"name": "a", "cniVersion": "1.0.0", "plugins": [{"type": "missing"}]}`)))
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		s.noteError("setup", err, `failed to find plugin "missing"`)
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1"), `failed to find plugin "missing"`)
	},
	"a network namespace that is not there": func(s *stage) {
		c := s.cni(s.working("a"))
		_, err := c.Setup(context.Background(), "c1", "/run/netns/missing")
		s.noteError("setup", err)
		_, err = c.Setup(context.Background(), "c1", "")
		s.noteError("setup without", err)
		s.noteOrder("order")
	},
	"a container without an id": func(s *stage) {
		s.container("c1")
		c := s.cni(s.working("a"))
		_, err := c.Setup(context.Background(), "", "/run/netns/c1")
		s.noteError("setup", err)
		_, err = c.Setup(context.Background(), "a/b", "/run/netns/c1")
		s.noteError("setup with another", err)
		s.noteOrder("order")
	},
	"a removal that fails": func(s *stage) {
		s.container("c1")
		c := s.cni(s.working("a"), s.failing("b", "1.0.0", "DEL", 11, "busy", ""), s.working("c"))
		_, err := c.SetupSerially(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1"), "busy")
		s.noteOrder("order")
	},
	"a removal that fails with words of success": func(s *stage) {
		s.container("c1")
		c := s.cni(s.failing("a", "1.0.0", "DEL", 100, "iptables: executable file not found in $PATH", ""))
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1"))
		c = s.cni(s.failing("b", "1.0.0", "DEL", 100, "open /var/lib/b: no such file or directory", ""))
		_, err = c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.noteError("remove without a namespace", c.Remove(context.Background(), "c1", ""))
	},
	"a removal of a container that the plugin does not know": func(s *stage) {
		s.container("c1")
		c := s.cni(s.failing("a", "1.0.0", "DEL", types.ErrUnknownContainer, "who is that?", ""), s.working("b"))
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1"))
	},
	"a removal of what was never set up": func(s *stage) {
		s.container("c1")
		c := s.cni(s.working("a"))
		s.noteError("remove", c.Remove(context.Background(), "c1", "/run/netns/c1"))
		s.noteError("remove without a namespace", c.Remove(context.Background(), "c1", ""))
		s.noteOrder("order")
	},
	"a check that fails": func(s *stage) {
		s.container("c1")
		c := s.cni(s.failing("a", "1.0.0", "CHECK", 101, "gone", ""), s.working("b"))
		_, err := c.SetupSerially(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.noteError("check", c.Check(context.Background(), "c1", "/run/netns/c1"), "gone")
		s.noteOrder("order")
	},
	"a check of what was never set up": func(s *stage) {
		s.container("c1")
		c := s.cni(s.working("a"))
		s.noteError("check", c.Check(context.Background(), "c1", "/run/netns/c1"))
		s.noteOrder("order")
	},
	"a check in an old version": func(s *stage) {
		s.container("c1")
		c := s.cni(cni.WithConfListBytes(s.network("a", "0.3.1", fakeConf{})))
		_, err := c.Setup(context.Background(), "c1", "/run/netns/c1")
		must(err)
		s.noteError("check", c.Check(context.Background(), "c1", "/run/netns/c1"), "does not support CHECK")
	},
	"status": func(s *stage) {
		c := s.cni(s.failing("old", "1.0.0", "STATUS", 50, "never asked", ""), cni.WithConfListBytes(s.network("new", "1.1.0", fakeConf{})))
		s.noteError("ready", c.Status())
		c = s.cni(
			s.failing("new", "1.1.0", "STATUS", types.ErrPluginNotAvailable, "not yet", "starting"),
			cni.WithConfListBytes(s.network("other", "1.1.0", fakeConf{})))
		s.noteError("not ready", c.Status(), "not yet; starting")
		s.noteOrder("order")
	},
	"a call that is cancelled": func(s *stage) {
		s.container("c1")
		fifo := s.fifo("fifo")
		c := s.cni(cni.WithConfListBytes(s.network("a", "1.0.0", fakeConf{Hold: map[string]string{"ADD": fifo}})))
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		done := make(chan error)
		go func() {
			_, err := c.Setup(ctx, "c1", "/run/netns/c1")
			done <- err
		}()
		untilRunning(fifo)
		cancel()
		s.noteError("setup", <-done)
		s.noteOrder("order")
	},
})

func containsAll(text string, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
