package libcni

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// The plugin of the tests is this test program: as a plugin it does what its configuration says under "fake".
//
//	"fake": {
//	  "log": "/dir",      every call makes the next of /dir/0.json, /dir/1.json, ...: a pluginRun
//	  "ADD": {            what it does for a command
//	    "stdout": {},     a JSON value; the default is a good answer
//	    "text": "",       stdout that is no JSON
//	    "stderr": "text",
//	    "exit": 3,
//	    "fifo": "/path",  opens it for writing, which waits until the test reads, and keeps it open: by end of file
//	                      the test knows that nobody is left who has it
//	    "hang": true,     then waits for a signal to end it
//	    "kill": true,     ends itself with SIGKILL
//	    "child": true     hangs in a child of its process group, too, which ignores SIGTERM
//	  }
//	}
type fake struct {
	Log   string  `json:"log,omitempty"`
	Add   *action `json:"ADD,omitempty"`
	Check *action `json:"CHECK,omitempty"`
	Del   *action `json:"DEL,omitempty"`
	GC    *action `json:"GC,omitempty"`
	State *action `json:"STATUS,omitempty"`
}

type action struct {
	Stdout json.RawMessage `json:"stdout,omitempty"`
	Text   string          `json:"text,omitempty"`
	Stderr string          `json:"stderr,omitempty"`
	Exit   int             `json:"exit,omitempty"`
	Fifo   string          `json:"fifo,omitempty"`
	Hang   bool            `json:"hang,omitempty"`
	Child  bool            `json:"child,omitempty"`
	Kill   bool            `json:"kill,omitempty"`
}

// A pluginRun is how a plugin was run.
type pluginRun struct {
	Command string
	Plugin  string
	Env     []string
	Stdin   json.RawMessage
}

const asChild = "LIBCNI_TEST_CHILD"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asChild) != "":
		hang()
	case os.Getenv("CNI_COMMAND") != "":
		os.Exit(runAsPlugin())
	}
	// Plugins under the race detector would each wait a second for it when they exit.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func runAsPlugin() int {
	stdin, err := io.ReadAll(os.Stdin)
	if err != nil {
		return complain(err)
	}
	command := os.Getenv("CNI_COMMAND")
	if command == "VERSION" {
		fmt.Println(`{"cniVersion":"1.1.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]}`)
		return 0
	}
	var conf struct {
		PrevResult json.RawMessage `json:"prevResult"`
		Fake       fake            `json:"fake"`
	}
	if err := json.Unmarshal(stdin, &conf); err != nil {
		return complain(err)
	}
	if conf.Fake.Log != "" {
		run := pluginRun{command, filepath.Base(os.Args[0]), os.Environ(), stdin}
		if err := logRun(conf.Fake.Log, run); err != nil {
			return complain(err)
		}
	}
	do := map[string]*action{
		"ADD": conf.Fake.Add, "CHECK": conf.Fake.Check, "DEL": conf.Fake.Del, "GC": conf.Fake.GC, "STATUS": conf.Fake.State,
	}[command]
	if do == nil {
		do = &action{}
	}
	if do.Fifo != "" {
		fifo, err := os.OpenFile(do.Fifo, os.O_WRONLY, 0)
		if err != nil {
			return complain(err)
		}
		if do.Child {
			child := exec.Command(os.Args[0])
			child.Env, child.ExtraFiles = []string{asChild + "=1"}, []*os.File{fifo}
			if err := child.Start(); err != nil {
				return complain(err)
			}
		}
		// Tells that it is there, and stays.
		fmt.Fprintln(fifo, "running")
		defer fifo.Close()
	}
	if do.Hang {
		hang()
	}
	if do.Kill {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		hang()
	}
	fmt.Fprint(os.Stderr, do.Stderr)
	switch {
	case do.Text != "":
		fmt.Print(do.Text)
	case do.Stdout != nil:
		fmt.Printf("%s", do.Stdout)
	case command != "ADD":
	case conf.PrevResult != nil:
		fmt.Printf("%s", conf.PrevResult)
	default:
		fmt.Print(`{"cniVersion":"1.0.0","ips":[{"address":"10.1.2.3/24"}]}`)
	}
	return do.Exit
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "fake plugin:", err)
	return 120
}

// hang waits for the signal that ends the process.
func hang() {
	if os.Getenv(asChild) != "" {
		ignoreTerm()
	}
	select {}
}

func logRun(dir string, run pluginRun) error {
	text, err := json.Marshal(run)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		file, err := os.OpenFile(filepath.Join(dir, fmt.Sprint(i, ".json")), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = file.Write(text)
		return err
	}
}
