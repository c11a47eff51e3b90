package main

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// container makes the network namespace /run/netns/NAME.
func (s *stage) container(name string) {
	path := filepath.Join("/run/netns", name)
	must(os.WriteFile(path, nil, 0o600))
	onOwnThread(func() error {
		if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
			return err
		}
		return syscall.Mount(fmt.Sprintf("/proc/self/task/%d/ns/net", syscall.Gettid()), path, "", syscall.MS_BIND, "")
	})
}

// remove unmounts the namespace.
func (s *stage) removeContainer(name string) {
	path := filepath.Join("/run/netns", name)
	must(syscall.Unmount(path, syscall.MNT_DETACH))
	must(os.Remove(path))
}

// An iface is an interface as the kernel has it.
type iface struct {
	Name      string
	Up        bool
	Addresses []string
}

// interfaces are those in the namespace of a container. Link-local addresses come in their own time and are left out.
func (s *stage) interfaces(name string) (seen []iface) {
	onOwnThread(func() error {
		netns, err := os.Open(filepath.Join("/run/netns", name))
		if err != nil {
			return err
		}
		defer netns.Close()
		if err := unix.Setns(int(netns.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		found, err := net.Interfaces()
		if err != nil {
			return err
		}
		for _, of := range found {
			i := iface{Name: of.Name, Up: of.Flags&net.FlagUp != 0, Addresses: []string{}}
			addresses, err := of.Addrs()
			if err != nil {
				return err
			}
			for _, address := range addresses {
				if of, ok := address.(*net.IPNet); ok && !of.IP.IsLinkLocalUnicast() {
					i.Addresses = append(i.Addresses, address.String())
				}
			}
			slices.Sort(i.Addresses)
			seen = append(seen, i)
		}
		return nil
	})
	slices.SortFunc(seen, func(a, b iface) int { return cmp.Compare(a.Name, b.Name) })
	return seen
}

// onOwnThread does it on a thread that ends with it.
func onOwnThread(do func() error) {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- do()
	}()
	must(<-done)
}
