package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// A state is a directory with everything that the runtime writes down.
type state struct {
	dir, conf, cache, leases, netns string
}

const network = `{
	"cniVersion": "1.0.0",
	"name": "miniature",
	"plugins": [{
		"type": "bridge",
		"bridge": "miniature",
		"isGateway": true,
		"ipam": {"type": "host-local", "dataDir": %q, "ranges": [[{"subnet": "10.99.0.0/16"}]]}
	}]
}
`

func newState() (*state, error) {
	dir, err := os.MkdirTemp("", "miniature-")
	if err != nil {
		return nil, err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	s := &state{dir, in("net.d"), in("cache"), in("leases"), in("netns")}
	list := fmt.Appendf(nil, network, s.leases)
	err = errors.Join(
		os.Mkdir(s.netns, 0o700), os.Mkdir(s.conf, 0o700),
		os.WriteFile(filepath.Join(s.conf, "10-miniature.conflist"), list, 0o600))
	return s, err
}

// left is an error when containers have left something behind.
func (s *state) left() error {
	var left []string
	see := func(what, dir string, counts func(name string) bool) error {
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		for _, entry := range entries {
			if counts(entry.Name()) {
				left = append(left, what+" "+entry.Name())
			}
		}
		return nil
	}
	every := func(string) bool { return true }
	interfaces, err := net.Interfaces()
	for _, link := range interfaces {
		if strings.HasPrefix(link.Name, "veth") {
			left = append(left, "interface "+link.Name)
		}
	}
	err = errors.Join(err,
		see("lease", filepath.Join(s.leases, "miniature"), func(name string) bool { return net.ParseIP(name) != nil }),
		see("attachment", filepath.Join(s.cache, "results"), every),
		see("network namespace", s.netns, every))
	if len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("left behind: %s", strings.Join(left, ", ")))
	}
	return err
}

func (s *state) remove() error { return os.RemoveAll(s.dir) }
