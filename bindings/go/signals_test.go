package libcni

import (
	"context"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func TestAnADDLeavesSignalsAsTheyAre(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := newScene(t, "first")
	list := s.network("1.0.0", s.plugin("first", fake{}))
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	before := s.blockedSignals()
	_, err := s.cni().AddNetworkList(context.Background(), list, s.rt())
	s.must(err)
	equal(t, "blocked signals of the thread", s.blockedSignals(), before)
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("nobody was told of the plugin's end")
	}
}

func (s *scene) blockedSignals() string {
	status, err := os.ReadFile("/proc/thread-self/status")
	s.must(err)
	return regexp.MustCompile(`SigBlk:.*`).FindString(string(status))
}
