package libcni

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/version"
)

// ranByCore tells whether the core itself finds and runs the plugins of exec, and where it then puts what
// successful ones write to stderr. It does for the original's own Exec, which containerd and others pass, as it does
// for none.
func ranByCore(exec invoke.Exec) (stderr io.Writer, yes bool) {
	switch exec := exec.(type) {
	case nil:
		return os.Stderr, true
	case *invoke.DefaultExec:
		if exec.RawExec == nil {
			return nil, true
		}
		return exec.RawExec.Stderr, true
	default:
		return nil, false
	}
}

// customExec is the part of a call that its Exec plays. The core calls back on the goroutine of the call, one
// plugin after the other; of networks in parallel on threads of its own, several at once.
type customExec struct {
	exec invoke.Exec
	ctx  context.Context
	dirs []string

	// Guards what follows.
	mu sync.Mutex
	// What the Exec returned, for the error of the call: the core knows each by its place here.
	errs []error
	// What the Exec panicked with. Nothing is asked of it after that.
	panicked *panicked
	// The last answer to VERSION, as the Exec decoded it.
	info version.PluginInfo
}

type panicked struct{ value any }

// unknownVersionCommand is how plugins answered before there was a VERSION command.
const unknownVersionCommand = "unknown CNI_COMMAND: VERSION"

func (c *customExec) findInPath(plugin string) (path string, err error) {
	defer c.catch(&err)
	if c.hasPanicked() {
		return "", errPanicked
	}
	return c.exec.FindInPath(plugin, c.dirs)
}

func (c *customExec) execPlugin(command, path string, stdin []byte, env []string) (stdout []byte, err error) {
	defer c.catch(&err)
	if c.hasPanicked() {
		return nil, errPanicked
	}
	ctx := c.ctx
	for _, variable := range env {
		if locks, ok := strings.CutPrefix(variable, "LIBCNI_LOCKS="); ok {
			ctx = context.WithValue(ctx, heldLocks{}, locks)
		}
	}
	stdout, err = c.exec.ExecPlugin(ctx, path, stdin, env)
	if command != "VERSION" {
		return stdout, err
	}
	var info version.PluginInfo
	switch {
	case err == nil:
		info, err = c.exec.Decode(stdout)
	case err.Error() == unknownVersionCommand:
		info, err = version.PluginSupports("0.1.0"), nil
	}
	c.mu.Lock()
	c.info = info
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return versionAnswer(info)
}

// versionAnswer is what a plugin would have printed for the core to understand the same.
func versionAnswer(info version.PluginInfo) ([]byte, error) {
	versions := info.SupportedVersions()
	if len(versions) == 0 {
		// The core takes no versions for no answer. No configuration has this one.
		versions = []string{""}
	}
	return marshal(map[string]any{"cniVersion": version.Current(), "supportedVersions": versions})
}

var errPanicked = errors.New("an invoke.Exec panicked")

// catch keeps a panic until it can go on in the caller of the operation: it must not cross C.
func (c *customExec) catch(err *error) {
	if value := recover(); value != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.panicked == nil {
			c.panicked = &panicked{value}
		}
		*err = errPanicked
	}
}

func (c *customExec) hasPanicked() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.panicked != nil
}

// keep gives an error a text by which [customExec.kept] finds it again.
func (c *customExec) keep(err error) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
	return fmt.Sprintf("go error %d", len(c.errs)-1)
}

// kept is the error that the core was told of, whatever it wrote around the text.
func (c *customExec) kept(message string) error {
	var place int
	if at := strings.LastIndex(message, "go error "); at >= 0 {
		if _, err := fmt.Sscanf(message[at:], "go error %d", &place); err == nil && place < len(c.errs) {
			return c.errs[place]
		}
	}
	return nil
}

var keptText = regexp.MustCompile(`go error (\d+)`)

// withKept is the message with the texts of the errors themselves.
func (c *customExec) withKept(message string) string {
	if len(c.errs) == 0 {
		return message
	}
	return keptText.ReplaceAllStringFunc(message, func(found string) string {
		place, err := strconv.Atoi(strings.TrimPrefix(found, "go error "))
		if err != nil || place >= len(c.errs) {
			return found
		}
		return c.errs[place].Error()
	})
}
