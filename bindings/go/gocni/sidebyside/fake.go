package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
)

// A fakeConf is the member "fake" of a fake plugin's configuration.
type fakeConf struct {
	// Log is the directory in which runs are written down.
	Log string `json:"log"`
	// Add is what ADD prints, without the version; text is printed as it is.
	Add map[string]any `json:"add,omitempty"`
	// Print is what a command prints in place of its answer.
	Print map[string]string `json:"print,omitempty"`
	// Fail has the error object of each command that fails.
	Fail map[string]types.Error `json:"fail,omitempty"`
	// Hold has a fifo for each command that waits at it: it writes a line, and goes on once somebody has read it and
	// closed the fifo. That never happens, for a command that is to be ended.
	Hold map[string]string `json:"hold,omitempty"`
}

// fake is a plugin that does what its configuration says. Its answer is the exit code.
func fake() int {
	stdin, err := io.ReadAll(os.Stdin)
	must(err)
	var conf struct {
		CNIVersion string   `json:"cniVersion"`
		Fake       fakeConf `json:"fake"`
	}
	must(json.Unmarshal(stdin, &conf))
	command := os.Getenv("CNI_COMMAND")
	if command == "VERSION" {
		fmt.Println(`{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}`)
		return 0
	}
	writeDown(conf.Fake.Log, stdin)
	if fifo := conf.Fake.Hold[command]; fifo != "" {
		file, err := os.OpenFile(fifo, os.O_WRONLY, 0)
		must(err)
		fmt.Fprintln(file, "runs")
		select {}
	}
	if object, ok := conf.Fake.Fail[command]; ok {
		must(json.NewEncoder(os.Stdout).Encode(map[string]any{
			"cniVersion": conf.CNIVersion, "code": object.Code, "msg": object.Msg, "details": object.Details,
		}))
		return 1
	}
	if text, ok := conf.Fake.Print[command]; ok {
		fmt.Print(text)
		return 0
	}
	if command == "ADD" {
		result := map[string]any{"cniVersion": conf.CNIVersion}
		for key, value := range conf.Fake.Add {
			result[key] = value
		}
		must(json.NewEncoder(os.Stdout).Encode(result))
	}
	return 0
}

// writeDown writes down how this plugin was called, in the next file of the log.
func writeDown(log string, stdin []byte) {
	args := strings.Split(os.Getenv("CNI_ARGS"), ";")
	slices.Sort(args)
	r := run{
		Command: os.Getenv("CNI_COMMAND"), Plugin: filepath.Base(os.Args[0]), ContainerID: os.Getenv("CNI_CONTAINERID"),
		NetNS: os.Getenv("CNI_NETNS"), IfName: os.Getenv("CNI_IFNAME"), Args: args,
	}
	read(stdin, &r.Stdin)
	text, err := json.Marshal(r)
	must(err)
	// Whole before it has its name.
	whole := filepath.Join(log, fmt.Sprint("pid", os.Getpid()))
	must(os.WriteFile(whole, text, 0o600))
	for i := 0; ; i++ {
		err := os.Link(whole, filepath.Join(log, fmt.Sprint(i)))
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrExist) {
			must(err)
		}
	}
	must(os.Remove(whole))
}
