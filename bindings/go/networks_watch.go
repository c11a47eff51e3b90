package libcni

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// WatchOptions say how [Networks.Watch] watches.
type WatchOptions struct {
	// Debounce is how long it must be quiet before the networks are loaded again, in whole milliseconds; 0 stands for
	// 100. Under a storm of changes they are loaded after ten times as long. The first Watch of a Networks decides.
	Debounce time.Duration
}

// A NetworksChange is what [Networks.Watch] noticed.
type NetworksChange struct {
	// Generation is that of the configuration that is loaded now.
	Generation uint64 `json:"generation"`
	// Networks are the names of the networks that are loaded now, loopback left out.
	Networks []string `json:"networks"`
	// Errors tell what could not be loaded. A file that is broken now keeps the network that it had.
	Errors []*LoadError `json:"errors"`
	// NetworksChanged tells that the networks or the Errors are others than before.
	NetworksChanged bool `json:"networksChanged"`
	// PluginsChanged tells that something changed in the plugin directories.
	PluginsChanged bool `json:"plugins"`
}

// errWatched: a change is told once.
var errWatched = errors.New("these networks are watched already")

// Watch loads the networks again whenever their configuration changed (files, directories, drop-in directories and
// the plugin directories), and yields what changed. What calls of these networks work with has changed by then.
//
//	for change, err := range networks.Watch(ctx, libcni.WatchOptions{}) {
//		if err != nil {
//			log.Print(err) // something cannot be watched; it is tried again
//			continue
//		}
//		log.Print(change.Networks, change.Errors)
//	}
//
// It waits on the goroutine of the loop, without one of its own. The loop ends with ctx; then, and after a break,
// changes are noticed by the next Watch. One that cannot begin yields an error and ends: the system has no further
// descriptors or watches, another loop watches these networks, or they are closed. Closing them ends it with [ErrClosed].
func (n *Networks) Watch(ctx context.Context, options WatchOptions) iter.Seq2[*NetworksChange, error] {
	return func(yield func(*NetworksChange, error) bool) {
		if err := n.watch(ctx, options, yield); err != nil {
			yield(nil, err)
		}
	}
}

// watch yields changes until that wants no more, or ctx ends, or an error.
func (n *Networks) watch(
	ctx context.Context, options WatchOptions, yield func(*NetworksChange, error) bool,
) error {
	if ctx == nil {
		ctx = context.Background()
	}
	core, err := n.share()
	if err != nil {
		return err
	}
	defer core.release()
	if !n.beginWatch() {
		return errWatched
	}
	defer n.endWatch()
	ready, err := core.watchFile(options)
	if err != nil {
		return err
	}
	defer ready.Close()
	for _, over := range []context.Context{ctx, n.open} {
		defer context.AfterFunc(over, func() { _ = ready.SetReadDeadline(time.Unix(1, 0)) })()
	}
	for {
		if err := untilReadable(ready); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case n.open.Err() != nil:
			return ErrClosed
		}
		change, failed := core.dispatch()
		if failed != nil {
			if !yield(nil, failed) {
				return nil
			}
			continue
		}
		var read *NetworksChange
		if err := json.Unmarshal(change, &read); err != nil {
			return err
		}
		if read != nil && !yield(read, nil) {
			return nil
		}
	}
}

func (n *Networks) beginWatch() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	first := !n.watched
	n.watched = true
	return first
}

func (n *Networks) endWatch() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watched = false
}

// watchFile gives a file that is readable when there is something to dispatch, to be closed by the caller.
func (n *coreNetworks) watchFile(options WatchOptions) (*os.File, error) {
	var shape struct {
		DebounceMs *int64 `json:"debounceMs,omitempty"`
	}
	if options.Debounce != 0 {
		milliseconds := max(options.Debounce.Milliseconds(), 0)
		shape.DebounceMs = &milliseconds
	}
	text, err := marshal(shape)
	if err != nil {
		return nil, err
	}
	fd, failed := n.watch(text)
	if failed != nil {
		return nil, failed
	}
	// A duplicate, for os.File closes what it has; Go's poller waits for those that do not block.
	own, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_DUPFD_CLOEXEC, 3)
	if errno != 0 {
		return nil, os.NewSyscallError("fcntl", errno)
	}
	if err := syscall.SetNonblock(int(own), true); err != nil {
		_ = syscall.Close(int(own))
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(own, "changes of the networks"), nil
}

// untilReadable waits until the file is readable, or its deadline.
func untilReadable(file *os.File) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var problem error
	err = conn.Read(func(fd uintptr) bool {
		var readable bool
		// The poller tells of changes alone, so whether it is readable already is asked.
		readable, problem = isReadable(fd)
		return readable || problem != nil
	})
	return errors.Join(err, problem)
}

func isReadable(fd uintptr) (bool, error) {
	// struct pollfd
	poll := struct {
		fd              int32
		events, revents int16
	}{fd: int32(fd), events: pollIn}
	now := syscall.Timespec{}
	for {
		ready, _, errno := syscall.Syscall6(
			syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			return false, os.NewSyscallError("ppoll", errno)
		}
		return ready > 0, nil
	}
}

const pollIn = 1
