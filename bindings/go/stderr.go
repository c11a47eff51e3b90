package libcni

import (
	"encoding/json"
	"io"
)

// pluginEvent is what is read of the core's event of the end of a plugin's run.
type pluginEvent struct {
	ExitCode    int    `json:"exitCode"`
	Signal      int    `json:"signal"`
	ExitUnknown bool   `json:"exitUnknown"`
	TimedOut    bool   `json:"timedOut"`
	Cancelled   bool   `json:"cancelled"`
	NotStarted  string `json:"notStarted"`
	Stderr      string `json:"stderr"`
}

func (e *pluginEvent) succeeded() bool {
	return e.ExitCode == 0 && e.Signal == 0 && !e.TimedOut && !e.Cancelled && e.NotStarted == ""
}

// copyStderr writes what a plugin that succeeded wrote to stderr, as the original does. That is for information
// only, so nothing comes of a failure. What a plugin that failed wrote is in the error.
func copyStderr(to io.Writer, event []byte) {
	var e pluginEvent
	if json.Unmarshal(event, &e) == nil && e.succeeded() {
		_, _ = io.WriteString(to, e.Stderr)
	}
}
