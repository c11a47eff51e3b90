package libcni

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const asMiniature = "LIBCNI_TEST_MINIATURE"

// The miniature runtime of the examples: attaches containers, and leaves nothing of them, however it ends.

func TestTheMiniatureRuntimeRunsToItsEnd(t *testing.T) {
	miniature := newMiniature(t)
	output := miniature.run("--containers", "50")
	row := regexp.MustCompile(`(?m)^c\d{3} +eth0 +(10\.99\.\d+\.\d+)/16 +10\.99\.0\.1 +([0-9a-f]{2}:){5}[0-9a-f]{2}$`)
	addresses := map[string]bool{}
	for _, found := range row.FindAllStringSubmatch(output, -1) {
		addresses[found[1]] = true
	}
	equal(t, "addresses", len(addresses), 50)
	miniature.nothingLeft(output)
}

func TestTheMiniatureRuntimeHoldsUntilItIsInterrupted(t *testing.T) {
	miniature := newMiniature(t)
	program := miniature.start("--containers", "3", "--hold")
	program.until("holding")
	program.interrupt()
	output := program.ended(0)
	if !strings.Contains(output, "removed 3 containers") {
		t.Error(output)
	}
	miniature.nothingLeft(output)
}

func TestTheMiniatureRuntimeSaysWhatIsMissing(t *testing.T) {
	miniature := newMiniature(t)
	miniature.path = miniature.dir
	output := miniature.start().ended(1)
	if !strings.Contains(output, `failed to find plugin "bridge"`) {
		t.Error(output)
	}
	for _, wrong := range []string{"--containers=0", "--containers=1001", "more"} {
		miniature.start(wrong).ended(2)
	}
}

// TestTheMiniatureRuntimeCanBeInterruptedInTheMiddle looks at what is left from outside: the program works in the
// namespaces of the test.
func TestTheMiniatureRuntimeCanBeInterruptedInTheMiddle(t *testing.T) {
	if os.Getenv(inSandbox) == "" {
		runInSandbox(t, asMiniature+"="+newMiniature(t).program)
		return
	}
	s := newScene(t)
	s.must(syscall.Mount("tmpfs", "/run", "tmpfs", 0, ""))
	for _, stuck := range []bool{false, true} {
		miniature := &miniature{t, t.TempDir(), os.Getenv(asMiniature), realPlugins()}
		fifo := s.fifo()
		// The bridge plugin, which tells of it when 40 containers have come, and may stay there.
		wrapper := fmt.Sprintf(`#!/bin/sh
if [ "$CNI_COMMAND" = ADD ]; then
	mkdir %[1]s/"$CNI_CONTAINERID"
	if [ "$(ls %[1]s | wc -l)" -ge 40 ] && mkdir %[1]s/told 2>/dev/null; then
		exec 3>%[2]s
		echo running >&3
		%[3]v && exec sleep 1000
		exec 3>&-
	fi
fi
exec %[4]s/bridge
`, t.TempDir(), fifo, stuck, realPlugins())
		s.must(os.WriteFile(filepath.Join(s.bin, "bridge"), []byte(wrapper), 0o700))
		miniature.path = s.bin + ":" + realPlugins()
		program := miniature.start("--here", "--containers", "100")
		untilGone := untilRunning(t, fifo)
		program.interrupt()
		output := program.ended(130)
		untilGone()
		if strings.Contains(output, "attached 100") || !strings.Contains(output, "removed 100") {
			t.Errorf("not interrupted in the middle: %s", output)
		}
		miniature.nothingLeft(output)
		links, err := exec.Command("ip", "-o", "link").Output()
		s.must(err)
		if strings.Contains(string(links), "veth") || !strings.Contains(string(links), "miniature") {
			t.Errorf("links: %s", links)
		}
		mounts, err := os.ReadFile("/proc/self/mountinfo")
		s.must(err)
		if strings.Contains(string(mounts), miniature.dir) {
			t.Errorf("mounts: %s", mounts)
		}
		s.must(exec.Command("ip", "link", "delete", "miniature").Run())
	}
}

// A miniature is the program with a directory for what it writes down.
type miniature struct {
	t                  *testing.T
	dir, program, path string
}

func newMiniature(t *testing.T) *miniature {
	t.Helper()
	dir := realPlugins()
	if dir == "" {
		t.Skip("needs the plugins bridge and host-local: Debian's package containernetworking-plugins")
	}
	return &miniature{t, t.TempDir(), buildExample(t, "runtime", "libcni_dev"), dir}
}

// run runs it to its end.
func (m *miniature) run(args ...string) string {
	m.t.Helper()
	return m.start(args...).ended(0)
}

// nothingLeft: leases, attachments and namespaces were all below the directory; what the program saw itself is in its
// output.
func (m *miniature) nothingLeft(output string) {
	m.t.Helper()
	if !strings.Contains(output, "nothing is left") {
		m.t.Error(output)
	}
	left, err := os.ReadDir(m.dir)
	if err != nil || len(left) > 0 {
		m.t.Errorf("left: %v %v", left, err)
	}
}

// A miniatureRun is the program as it runs.
type miniatureRun struct {
	t       *testing.T
	command *exec.Cmd
	lines   *bufio.Scanner
	output  strings.Builder
}

func (m *miniature) start(args ...string) *miniatureRun {
	m.t.Helper()
	command := exec.Command(m.program, args...)
	command.Env = append(os.Environ(), "CNI_PATH="+m.path, "TMPDIR="+m.dir)
	reader, writer, err := os.Pipe()
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { reader.Close() })
	command.Stdout, command.Stderr = writer, writer
	err = command.Start()
	writer.Close()
	if err != nil {
		m.t.Fatal(err)
	}
	return &miniatureRun{m.t, command, bufio.NewScanner(reader), strings.Builder{}}
}

func (r *miniatureRun) interrupt() {
	r.t.Helper()
	if err := r.command.Process.Signal(os.Interrupt); err != nil {
		r.t.Error(err)
	}
}

// until reads up to a line that begins so.
func (r *miniatureRun) until(prefix string) bool {
	for r.lines.Scan() {
		fmt.Fprintln(&r.output, r.lines.Text())
		if prefix != "" && strings.HasPrefix(r.lines.Text(), prefix) {
			return true
		}
	}
	return false
}

// ended waits for the end and gives everything that was written.
func (r *miniatureRun) ended(code int) string {
	r.t.Helper()
	r.until("")
	_ = r.command.Wait()
	if got := r.command.ProcessState.ExitCode(); got == 77 {
		r.t.Skip(r.output.String())
	} else if got != code {
		r.t.Errorf("exit code %d, not %d: %s", got, code, &r.output)
	}
	return r.output.String()
}
