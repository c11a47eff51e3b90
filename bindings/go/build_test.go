package libcni

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The root of the source tree, from here.
const root = "../.."

// buildQuickstart builds the example with these build tags and environment.
func buildQuickstart(t *testing.T, tags string, env ...string) string {
	t.Helper()
	return buildExample(t, ".", tags, env...)
}

// buildExample builds the program in a directory of the examples.
func buildExample(t *testing.T, dir, tags string, env ...string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	program := filepath.Join(t.TempDir(), "example")
	build := exec.Command("go", "build", "-tags="+tags, "-o", program, ".")
	build.Dir = filepath.Join(root, "examples/go", dir)
	build.Env = append(os.Environ(), env...)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, output)
	}
	return program
}

// needed are the shared libraries that a program names.
func needed(t *testing.T, program string) []string {
	t.Helper()
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	return libraries
}

// installed makes a pkg-config file for the library of this tree, and gives the environment that finds it.
func installed(t *testing.T, release string) string {
	t.Helper()
	if _, err := exec.LookPath("pkg-config"); err != nil {
		t.Skip("needs pkg-config")
	}
	include, err := filepath.Abs(filepath.Join(root, "include"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := fmt.Sprintf("Name: libcni\nDescription: libcni\nVersion: 0\nCflags: -I%s\nLibs: -L%s -lcni\n"+
		"Libs.private: -lutil -lrt -lpthread -lm -ldl -lc\n", include, release)
	if err := os.WriteFile(filepath.Join(dir, "libcni.pc"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "PKG_CONFIG_PATH=" + dir
}

func TestEachWayOfLinkingFindsItsLibrary(t *testing.T) {
	release, err := filepath.Abs(filepath.Join(root, "target/release"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(release, "libcni.a")); err != nil {
		t.Skip("needs libcni.a in target/release: make lib")
	}
	pkgConfig := installed(t, release)
	for _, way := range []struct {
		tags   string
		shared bool
	}{
		{"", true}, {"libcni_static", false}, {"libcni_dev", true}, {"libcni_dev,libcni_static", false},
	} {
		t.Run(way.tags, func(t *testing.T) {
			program := buildQuickstart(t, way.tags, pkgConfig)
			libraries := needed(t, program)
			if slices.Contains(libraries, "libcni.so.0") != way.shared {
				t.Errorf("needs %v", libraries)
			}
			if way.tags == "" {
				// Where an installed one lies is the system's business.
				return
			}
			output, _ := exec.Command(program, "/nowhere.conflist", "/nowhere").CombinedOutput()
			equal(t, "output", string(output), "error reading /nowhere.conflist: open /nowhere.conflist: no such file or directory\n")
		})
	}
}

func TestAProgramWithoutAnySharedLibrary(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, "target/release/libcni.a")); err != nil {
		t.Skip("needs libcni.a in target/release: make lib")
	}
	if out, err := exec.Command("cc", "-print-file-name=libc.a").Output(); err != nil || !filepath.IsAbs(strings.TrimSpace(string(out))) {
		t.Skip("needs a static C library")
	}
	program := buildQuickstart(t, "libcni_dev,libcni_static,netgo,osusergo", "CGO_LDFLAGS=-static")
	if libraries := needed(t, program); len(libraries) > 0 {
		t.Errorf("needs %v", libraries)
	}
}

func TestTheReadmeShowsTheQuickstart(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join(root, "examples/go/quickstart.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "```go\n")
	block, _, _ = strings.Cut(block, "```\n")
	equal(t, "the Go block of README.md", block, string(example))
}
