package libcni

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
)

// Here an error of the core gets the shape that the original gives it: the same text, a *types.Error where there is
// one, the prefix of the plugin around it. The core's own error stays within reach of errors.As.

// A failure is an error as the original makes it, with what the core knows of it.
type failure struct {
	// The text in front of the cause's.
	prefix string
	// What errors.Unwrap gives, as in the original.
	cause error
	known *Error
}

func (f *failure) Error() string { return f.prefix + f.cause.Error() }

func (f *failure) Unwrap() error { return f.cause }

// As finds the core's error beside the cause, which the original's callers expect in its place.
func (f *failure) As(target any) bool {
	known, ok := target.(**Error)
	if ok {
		*known = f.known
	}
	return ok
}

// Is finds the error of the context that ended the call.
func (f *failure) Is(target error) bool {
	return f.known.ended != nil && errors.Is(f.known.ended, target)
}

// explained is an error of a plugin, or of none, without a prefix.
func (c *call) explained(e *Error, net *network) error {
	return c.explainedWith("", e, net)
}

// operationError is the error of an operation that stops at the first. `verb` is what failed in the words of the
// original: add, delete, none for CHECK, STATUS.
func (c *call) operationError(e *Error, net *network, verb string) error {
	if err := net.problemBehind(e); err != nil {
		return net.refused(err, verb)
	}
	prefix := ""
	if e.Index != nil {
		prefix = net.prefix(*e.Index, verb)
	}
	return c.explainedWith(prefix, e, net)
}

// prefix is how an error of ADD or DEL begins.
func (n *network) prefix(index int, verb string) string {
	if verb == "" || verb == "STATUS" || n.single || index >= len(n.plugins) {
		return ""
	}
	return fmt.Sprintf("plugin %s failed (%s): ", describe(n.plugins[index].Network), verb)
}

// refused is the error for a plugin whose bytes are not a configuration.
func (n *network) refused(err error, verb string) error {
	var problem *pluginProblem
	if !errors.As(err, &problem) {
		return err
	}
	plugin := n.plugins[problem.index].Network
	switch verb {
	case "GC":
		return fmt.Errorf("failed to generate configuration to GC plugin %s: %w", plugin.Type, problem.error)
	case "STATUS":
		return fmt.Errorf("failed to generate configuration to get plugin STATUS %s: %w", plugin.Type, problem.error)
	}
	if prefix := n.prefix(problem.index, verb); prefix != "" {
		return fmt.Errorf("%s%w", prefix, problem.error)
	}
	return problem.error
}

// validationError is the error of a validation: all failures of a list, the one of a plugin.
func (c *call) validationError(e *Error, net *network) error {
	if len(e.Causes) == 0 {
		return c.explained(e, net)
	}
	failures := make([]error, len(e.Causes))
	for i, cause := range e.Causes {
		failures[i] = c.explained(cause, net)
	}
	if net.single {
		return failures[0]
	}
	return &validationFailures{failures}
}

// validationFailures prints as the original prints a list of errors.
type validationFailures struct{ errs []error }

func (f *validationFailures) Error() string { return fmt.Sprint(f.errs) }

func (f *validationFailures) Unwrap() []error { return f.errs }

// gcError joins the errors of a GC.
func (c *call) gcError(e *Error, net *network) error {
	if err := net.problemBehind(e); err != nil {
		return net.refused(err, "GC")
	}
	if len(e.Causes) == 0 {
		return c.explained(e, net)
	}
	failures := make([]error, len(e.Causes))
	for i, cause := range e.Causes {
		failures[i] = c.explainedWith(prefixOf.FindString(cause.Message), cause, net)
	}
	return errors.Join(failures...)
}

// prefixOf matches what the core puts in front of the failure of one plugin.
var prefixOf = regexp.MustCompile(`(?s)^(failed to delete stale attachment \S+ \S+: |failed to GC plugin \S+: )?` +
	`(plugin type="([^"\\]|\\.)*"( name="([^"\\]|\\.)*")? failed \((add|delete)\): )?`)

// explainedWith is the error with that prefix in place of the core's.
func (c *call) explainedWith(prefix string, e *Error, net *network) error {
	if err := c.kept(e.Message); e.Status == StatusCallback && err != nil {
		if prefix == "" {
			return err
		}
		return fmt.Errorf("%s%w", prefix, err)
	}
	e.ended = c.endedBy(e.Status)
	return &failure{prefix, e.cause(net), e}
}

// endedBy is the error of the context, if it is the reason.
func (c *call) endedBy(status Status) error {
	switch {
	case status != StatusTimeout && status != StatusCancelled:
		return nil
	case c.ctx.Err() != nil:
		return c.ctx.Err()
	case status == StatusTimeout:
		// The core's clock was a little ahead.
		return context.DeadlineExceeded
	default:
		return context.Canceled
	}
}

// asOfGo is an error of the core outside of any call of a plugin.
func (e *Error) asOfGo(net *network) error {
	return &failure{"", e.cause(net), e}
}

// cause is what the original would have found.
func (e *Error) cause(net *network) error {
	text := e.Message[len(prefixOf.FindString(e.Message)):]
	switch {
	case e.ended != nil && e.Plugin != "":
		return &types.Error{Msg: pluginEnded(e)}
	case e.Status == StatusPlugin || e.Code != 0:
		return &types.Error{Code: e.Code, Msg: e.Msg, Details: e.Details}
	case strings.HasPrefix(text, "netplugin failed"):
		// It could not be started.
		return &types.Error{Msg: text}
	case e.Status == StatusCheckNotSupported:
		return fmt.Errorf("configuration version %q %w", net.cniVersion, ErrorCheckNotSupp)
	case e.Status == StatusCache:
		return e.cacheError(text, net)
	default:
		return errors.New(text)
	}
}

// pluginEnded is the original's text for a plugin that was ended, with the reason in the place of the signal.
func pluginEnded(e *Error) string {
	if e.Stderr == "" {
		return fmt.Sprintf("netplugin failed with no error message: %v", e.ended)
	}
	return fmt.Sprintf("netplugin failed: %q: %v", e.Stderr, e.ended)
}

// cacheError is the error of the cache with that text. For a file that is not JSON it ends in what Go's json package
// says of it, as in the original.
func (e *Error) cacheError(text string, net *network) error {
	problem := e.fileProblem()
	if problem == nil || net == nil {
		return errors.New(text)
	}
	config := fmt.Sprintf("failed to unmarshal cached network %q config: ", net.name)
	result := fmt.Sprintf("failed to get network %q cached result: ", net.name)
	switch {
	case strings.HasPrefix(text, config):
		return fmt.Errorf("%s%w", config, problem)
	case strings.HasPrefix(text, result):
		return fmt.Errorf("%sdecoding version from network config: %w", result, problem)
	default:
		return errors.New(text)
	}
}

// fileProblem is what Go's json package says of the file that the error is about; nil when that is JSON.
func (e *Error) fileProblem() error {
	content, err := os.ReadFile(e.Path)
	if e.Status != StatusCache || err != nil {
		return nil
	}
	var value json.RawMessage
	return json.Unmarshal(content, &value)
}
