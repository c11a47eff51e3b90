package libcni

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// A watching goes from change to change.
type watching struct {
	*scene
	next func() (*NetworksChange, error, bool)
}

// watchedNow waits for the changes of networks until the test ends. What it first tells of has been told.
func (s *scene) watchedNow(n *Networks) *watching {
	s.t.Helper()
	next, stop := iter.Pull2(n.Watch(context.Background(), WatchOptions{Debounce: time.Millisecond}))
	s.t.Cleanup(stop)
	return &watching{s, next}
}

// until waits for the change after which the networks are these.
func (w *watching) until(networks ...string) *NetworksChange {
	w.t.Helper()
	for {
		change, err, more := w.next()
		if err != nil || !more {
			w.t.Fatal(err, more)
		}
		if fmt.Sprint(change.Networks) == fmt.Sprint(networks) {
			return change
		}
	}
}

func TestAnEditedDirectoryIsLoadedAgain(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	n := s.networks(NetworksOptions{})
	w := s.watchedNow(n)
	s.write("2.conflist", "b", fake{})
	change := w.until("a", "b")
	equal(t, "changed", change.NetworksChanged, true)
	_, err := n.Setup(context.Background(), s.container())
	s.must(err)
	equal(t, "runs", fmt.Sprint(s.asked()), "[ADD a eth0 ADD b eth1]")

	broken := filepath.Join(s.netd(), "2.conflist")
	s.must(os.WriteFile(broken, []byte("{"), 0o600))
	for change = w.until("a", "b"); len(change.Errors) == 0; change = w.until("a", "b") {
	}
	equal(t, "errors", fmt.Sprint(len(change.Errors), " ", change.Errors[0].Path), "1 "+broken)
	config, err := n.Config()
	s.must(err)
	equal(t, "generation", config.Generation, change.Generation)

	s.must(os.Rename(broken, filepath.Join(s.netd(), "2.gone")))
	w.until("a")
	s.must(os.RemoveAll(s.netd()))
	w.until()
	failing(t, n.Status(context.Background()), StatusNetworkNotFound)
	s.write("3.conflist", "c", fake{})
	w.until("c")
	s.must(os.Mkdir(filepath.Join(s.netd(), "c"), 0o700))
	s.must(os.WriteFile(filepath.Join(s.netd(), "c", "1.conf"), []byte(`{"type":"dropped-in"}`), 0o600))
	w.until("c")
	s.must(os.WriteFile(filepath.Join(s.bin, "another"), nil, 0o700))
	for change = w.until("c"); !change.PluginsChanged; change = w.until("c") {
	}
}

func TestAWatchEndsWithItsContextAndLeavesNothing(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	n := s.networks(NetworksOptions{})
	for _, end := range []func(context.CancelFunc) bool{
		func(cancel context.CancelFunc) bool { cancel(); return true },
		func(context.CancelFunc) bool { return false },
	} {
		descriptors := -1
		for i := range 20 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			first := true
			for change, err := range n.Watch(ctx, WatchOptions{Debounce: time.Millisecond}) {
				s.must(err)
				if !first {
					t.Errorf("after the end: %v", change)
				}
				first = false
				if !end(cancel) {
					break
				}
			}
			equal(t, "watched", first, false)
			cancel()
			// A break leaves the next one something to tell.
			s.write("1.conflist", fmt.Sprint("a", i), fake{})
			if i == 0 {
				descriptors = openDescriptors(t)
			}
		}
		equal(t, "descriptors", openDescriptors(t), descriptors)
	}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for change, err := range n.Watch(over, WatchOptions{}) {
		t.Errorf("told %v, %v", change, err)
	}
	for waiting() > 0 {
		runtime.Gosched()
	}
}

// A cancellation from outside wakes the loop that waits.
func TestAWaitingWatchIsWoken(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	n := s.networks(NetworksOptions{})
	for _, end := range []struct {
		name string
		end  func(context.CancelFunc)
		want error
	}{
		{"context", func(cancel context.CancelFunc) { cancel() }, nil},
		{"Close", func(context.CancelFunc) { n.Close() }, ErrClosed},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		// Once this has been told there is nothing to wake it but the end.
		s.write("1.conflist", end.name, fake{})
		told, ended := make(chan struct{}, 1), make(chan error)
		go func() {
			var last error
			for _, last = range n.Watch(ctx, WatchOptions{Debounce: time.Millisecond}) {
				told <- struct{}{}
			}
			ended <- last
		}()
		<-told
		for !blocked() {
			runtime.Gosched()
		}
		end.end(cancel)
		equal(t, end.name, <-ended, end.want)
		cancel()
	}
	nothingLives(t)
	for _, err := range n.Watch(context.Background(), WatchOptions{}) {
		equal(t, "watching what is closed", err, ErrClosed)
	}
}

func TestAChangeIsToldOnce(t *testing.T) {
	s := newScene(t, "plugin")
	n := s.networks(NetworksOptions{})
	s.write("1.conflist", "a", fake{})
	w := s.watchedNow(n)
	w.until("a")
	count := 0
	for _, err := range n.Watch(context.Background(), WatchOptions{}) {
		equal(t, "second watch", errors.Is(err, errWatched), true)
		count++
	}
	equal(t, "errors", count, 1)
}

// A storm: files come and go while containers do.
func TestContainersComeAndGoWhileTheDirectoryIsTornAt(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	n := s.networks(NetworksOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan error)
	go func() {
		for _, err := range n.Watch(ctx, WatchOptions{Debounce: time.Millisecond}) {
			if err != nil {
				watched <- err
				return
			}
		}
		watched <- nil
	}()
	torn, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(torn)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			s.write(fmt.Sprint(i%7+2, ".conflist"), fmt.Sprint("n", i%5), fake{})
			_ = os.Remove(filepath.Join(s.netd(), fmt.Sprint((i+3)%7+2, ".conflist")))
		}
	}()
	for i := range 40 {
		container := s.container()
		container.ContainerID = fmt.Sprint("c", i)
		_, err := n.Setup(ctx, container)
		s.must(err)
		s.must(n.Remove(ctx, container))
	}
	close(stop)
	<-torn
	cancel()
	s.must(<-watched)
	attachments, err := s.cni().GetCachedAttachments("")
	s.must(err)
	equal(t, "attachments", len(attachments), 0)
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// waiting counts the goroutines that wait for changes, or for the end of a watch.
func waiting() int {
	return strings.Count(stacks(), "(*Networks).watch")
}

// blocked tells whether a watch waits for changes.
func blocked() bool {
	return strings.Contains(stacks(), "[IO wait]") && strings.Contains(stacks(), "untilReadable")
}

func stacks() string {
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		return ""
	}
	return stacks.String()
}
