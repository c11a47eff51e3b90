package libcni

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/containernetworking/cni/pkg/types"
)

// Status is the kind of an [Error]. The numbers are those of the C ABI.
type Status int32

const (
	// StatusInvalidArgument: an argument of the call itself is wrong.
	StatusInvalidArgument Status = -1
	// StatusInvalidConfig: a network configuration is wrong.
	StatusInvalidConfig Status = -2
	// StatusNetworkNotFound: no network of that name was found.
	StatusNetworkNotFound Status = -3
	// StatusPluginNotFound: no program of a plugin was found.
	StatusPluginNotFound Status = -4
	// StatusPlugin: a plugin ran and failed; Code tells how, if it said so.
	StatusPlugin Status = -5
	// StatusIncompatibleVersion: a plugin does not support the version of the configuration.
	StatusIncompatibleVersion Status = -6
	// StatusInvalidResult: a plugin succeeded, but what it printed is not a result.
	StatusInvalidResult Status = -7
	// StatusIO: a system call failed: a file, a pipe, a process that could not be started.
	StatusIO Status = -8
	// StatusCache: the remembered attachments could not be read or written.
	StatusCache Status = -9
	// StatusNotAdded: there is no remembered attachment to work on.
	StatusNotAdded Status = -10
	// StatusTimeout: the deadline of the call passed.
	StatusTimeout Status = -11
	// StatusCancelled: the context of the call was cancelled.
	StatusCancelled Status = -12
	// StatusCheckNotSupported: the configuration is older than the CHECK command.
	StatusCheckNotSupported Status = -13
	// StatusCallback: a callback failed. Calls return what an [invoke.Exec] returned itself, not this.
	StatusCallback Status = -14
	// StatusInternal: a defect of libcni.
	StatusInternal Status = -15
)

// String is the name of the status, for example "PLUGIN_NOT_FOUND".
func (s Status) String() string {
	return statusName(s)
}

// MarshalText gives the name of the status.
func (s Status) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// UnmarshalText reads the name of a status. One that this library does not know is [StatusInternal].
func (s *Status) UnmarshalText(name []byte) error {
	for *s = StatusInvalidArgument; *s > StatusInternal && s.String() != string(name); {
		*s--
	}
	return nil
}

// Error is everything that the library knows of a failure, beyond what the original's errors say. It is found with
// [errors.As] in the errors that operations return; the text of those is the original's, Message is the library's.
type Error struct {
	// Status is the kind of failure.
	Status Status `json:"status"`
	// Message is the library's text.
	Message string `json:"message"`
	// Code is the code of the CNI specification, as in [types.Error]; 0 is none.
	Code uint `json:"code,omitempty"`
	// Msg and Details are those of the plugin's error object; where it gave none, Msg is what is said for it.
	Msg     string `json:"msg,omitempty"`
	Details string `json:"details,omitempty"`

	// Command is ADD, CHECK, DEL, GC, STATUS or VERSION.
	Command string `json:"command,omitempty"`
	// Plugin is the type of the plugin, and Index its place in the list; nil when that is not known.
	Plugin string `json:"plugin,omitempty"`
	Index  *int   `json:"index,omitempty"`
	// Path is the plugin's program, or the file that the failure is about.
	Path string `json:"path,omitempty"`

	// ExitCode is the exit code of the plugin; nil when it did not exit by itself.
	ExitCode *int `json:"exitCode,omitempty"`
	// Signal is the signal that ended the plugin; 0 is none.
	Signal int `json:"signal,omitempty"`
	// Stdout and Stderr are the ends of what the plugin wrote.
	Stdout string `json:"stdout,omitempty"`
	Stderr string `json:"stderr,omitempty"`
	// Duration is how long the plugin ran, in whole milliseconds.
	Duration time.Duration `json:"-"`

	// Attachment is what the failure is about, when one call is about several; nil otherwise.
	Attachment *AttachmentKey `json:"attachment,omitempty"`
	// Result is what the plugins returned, when only remembering the attachment failed: JSON.
	Result json.RawMessage `json:"result,omitempty"`
	// Causes are the failures that this one sums up.
	Causes []*Error `json:"causes,omitempty"`

	// The error of the Go context that ended the call.
	ended error
	// What an Exec returned, for a failure of Networks.
	returned error
}

// An AttachmentKey names an attachment.
type AttachmentKey struct {
	ContainerID string `json:"containerId"`
	NetworkName string `json:"networkName"`
	IfName      string `json:"ifName"`
}

// Error is the library's text.
func (e *Error) Error() string {
	return e.Message
}

// Unwrap gives the error of the context that ended the call, if one did, what an [invoke.Exec] returned, and the causes.
func (e *Error) Unwrap() []error {
	var inside []error
	for _, err := range []error{e.ended, e.returned} {
		if err != nil {
			inside = append(inside, err)
		}
	}
	for _, cause := range e.Causes {
		inside = append(inside, cause)
	}
	return inside
}

// As finds the error object of the plugin as a [*types.Error], where there is one. Of several failures it is the first's.
func (e *Error) As(target any) bool {
	object, ok := target.(**types.Error)
	if !ok || len(e.Causes) > 0 || e.Status != StatusPlugin && e.Code == 0 {
		return false
	}
	*object = &types.Error{Code: e.Code, Msg: cmp.Or(e.Msg, e.Message), Details: e.Details}
	return true
}

// UnmarshalJSON reads the answer of libcni_error_json.
func (e *Error) UnmarshalJSON(text []byte) error {
	type facts Error
	more := struct {
		*facts
		DurationMs int64 `json:"durationMs"`
	}{facts: (*facts)(e)}
	if err := json.Unmarshal(text, &more); err != nil {
		return err
	}
	e.Duration = time.Duration(more.DurationMs) * time.Millisecond
	return nil
}

func parseError(status Status, text []byte) *Error {
	e := &Error{}
	if err := json.Unmarshal(text, e); err != nil {
		e.Message = fmt.Sprintf("%s (and an error that cannot be read: %v)", status, err)
	}
	e.Status = status
	return e
}
