//go:build libcni_upstream

// The original's own tests, with this package in the place of the original's. They are taken out of the module cache and run in a module of their own; the one line that they import the
// original by is changed, and nothing else. It takes a minute, hence the build tag: see `make test-go-upstream`.

package upstream

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	original = "github.com/containernetworking/cni"
	ours     = "github.com/libcni/libcni/bindings/go"
)

// excused are the specs that cannot pass, and why.
var excused = map[string]string{
	"Invoking plugins Invoking a single plugin AddNetwork executes the plugin with command ADD": "CONTRACT.md, row 1: the plugin's configuration passes through as it is written; the spec wants its keys sorted",
}

// noCommit is how the go command says that the proxy lacks old commits of the original, of which two specs build
// programs. They fail in the same way with the original.
var noCommit = regexp.MustCompile(`replace github.com/containernetworking/cni: version "[0-9a-f]+" invalid`)

// report is what is read of ginkgo's JSON report.
type report struct {
	SpecReports []struct {
		ContainerHierarchyTexts []string
		LeafNodeType            string
		LeafNodeText            string
		State                   string
		Failure                 struct {
			Message  string
			Location struct {
				FileName   string
				LineNumber int
			}
		}
	}
}

func TestTheOriginalsTestsPass(t *testing.T) {
	dir := t.TempDir()
	copyTests(t, dir)
	file := filepath.Join(dir, "report.json")
	test := exec.Command("go", "test", "-mod=mod", "-count=1", "-tags="+tags(),
		"-ldflags=-X "+ours+".CacheDir="+filepath.Join(dir, "cache"), ".", "-ginkgo.json-report="+file, "-ginkgo.no-color")
	test.Dir = dir
	output, err := test.CombinedOutput()
	text, readErr := os.ReadFile(file)
	if readErr != nil {
		t.Fatalf("no report: %v\n%s", err, output)
	}
	var reports []report
	if err := json.Unmarshal(text, &reports); err != nil {
		t.Fatal(err)
	}
	specs := 0
	for _, report := range reports {
		for _, spec := range report.SpecReports {
			name := strings.Join(append(spec.ContainerHierarchyTexts, spec.LeafNodeText), " ")
			failed := spec.State != "passed" && spec.State != "skipped"
			if spec.LeafNodeType != "It" {
				if failed {
					t.Errorf("%s: %s", spec.LeafNodeType, spec.Failure.Message)
				}
				continue
			}
			specs++
			t.Run(name, func(t *testing.T) {
				why, isExcused := excused[name]
				switch {
				case failed && isExcused:
					t.Skip("cannot pass: ", why)
				case failed && noCommit.MatchString(spec.Failure.Message):
					t.Skip("the module proxy lacks an old commit of the original that the spec builds")
				case failed:
					t.Errorf("%s:%d: %s", spec.Failure.Location.FileName, spec.Failure.Location.LineNumber, spec.Failure.Message)
				case isExcused:
					t.Error("passes: it needs no excuse any more")
				}
			})
		}
	}
	if specs < 100 {
		t.Errorf("only %d specs ran:\n%s", specs, output)
	}
}

// copyTests makes a module of the original's tests in dir.
func copyTests(t *testing.T, dir string) {
	t.Helper()
	module := strings.TrimSpace(run(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", original))
	version := strings.TrimSpace(run(t, ".", "go", "list", "-m", "-f", "{{.Version}}", original))
	here := strings.TrimSpace(run(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", ours))
	tests, err := filepath.Glob(filepath.Join(module, "libcni", "*_test.go"))
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests in %s: %v", module, err)
	}
	for _, test := range tests {
		source := bytes.ReplaceAll(read(t, test), []byte(`"`+original+`/libcni"`), []byte(`"`+ours+`"`))
		write(t, filepath.Join(dir, filepath.Base(test)), source)
	}
	// The versions that the original tests itself with.
	mod := regexp.MustCompile(`(?m)^module .*$`).ReplaceAll(read(t, filepath.Join(module, "go.mod")), []byte("module upstream"))
	write(t, filepath.Join(dir, "go.mod"), mod)
	write(t, filepath.Join(dir, "go.sum"), append(read(t, filepath.Join(module, "go.sum")), read(t, filepath.Join(here, "go.sum"))...))
	run(t, dir, "go", "mod", "edit", "-require="+original+"@"+version, "-require="+ours+"@v0.0.0", "-replace="+ours+"="+here)
}

// tags are the build tags by which this test found the library.
func tags() string {
	if tags := os.Getenv("LIBCNI_GO_TAGS"); tags != "" {
		return tags
	}
	return "libcni_dev"
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = dir
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, &stderr)
	}
	return string(out)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
