package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// againInNamespaces runs this program again as root of a network and a mount namespace of its own, which end with it, and
// gives its exit code. Who is not root gets a user namespace for that.
func againInNamespaces() int {
	again := exec.Command("/proc/self/exe", append([]string{"--here"}, os.Args[1:]...)...)
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Not in the terminal's process group: a Ctrl-C comes once, from here.
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWNET,
		Unshareflags: syscall.CLONE_NEWNS, // and no mount comes back from there
		Setpgid:      true,
	}
	if os.Geteuid() != 0 {
		again.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		again.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		again.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if err := again.Start(); err != nil {
		log.Print("this machine forbids namespaces: ", err)
		return 77
	}
	go func() {
		for received := range signals {
			_ = again.Process.Signal(received)
		}
	}()
	if err := again.Wait(); again.ProcessState == nil {
		log.Print(err)
		return 1
	}
	status := again.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// newNetNS makes a network namespace that lives as long as the file, by which plugins find it.
func newNetNS(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	made := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and nobody else gets into its namespace.
		runtime.LockOSThread()
		if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
			made <- os.NewSyscallError("unshare", err)
			return
		}
		of := fmt.Sprintf("/proc/self/task/%d/ns/net", syscall.Gettid())
		made <- os.NewSyscallError("mount", syscall.Mount(of, path, "", syscall.MS_BIND, ""))
	}()
	return <-made
}

// deleteNetNS deletes a network namespace, if it is there.
func deleteNetNS(path string) error {
	err := syscall.Unmount(path, syscall.MNT_DETACH)
	if err != nil && err != syscall.EINVAL && err != syscall.ENOENT {
		return os.NewSyscallError("umount", err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
