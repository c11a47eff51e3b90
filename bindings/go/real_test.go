package libcni

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	original "github.com/containernetworking/cni/libcni"
	types100 "github.com/containernetworking/cni/pkg/types/100"
)

const inSandbox = "LIBCNI_TEST_SANDBOX"

// TestRealPluginsAttachANetworkNamespace runs itself again as root of private user, mount and network namespaces, so
// that it needs no root and touches no network of the host.
func TestRealPluginsAttachANetworkNamespace(t *testing.T) {
	dir := realPlugins()
	if dir == "" {
		t.Skip("needs the plugins bridge and host-local: Debian's package containernetworking-plugins")
	}
	if os.Getenv(inSandbox) == "" {
		runInSandbox(t)
		return
	}
	s := newScene(t)
	makeBox(s)
	list, err := NetworkConfFromBytes(fmt.Appendf(nil, `{"name": "real", "cniVersion": "1.0.0", "plugins": [
		{"type": "bridge", "bridge": "cni0", "isGateway": true, "ipam": {"type": "host-local", "dataDir": %q,
			"ranges": [[{"subnet": "10.89.0.0/24"}]]}},
		{"type": "tuning", "capabilities": {"mac": true}}]}`, filepath.Join(s.caches, "networks")))
	s.must(err)
	rt := &RuntimeConf{
		ContainerID: "box", NetNS: "/run/netns/box", IfName: "eth0",
		CapabilityArgs: map[string]any{"mac": "02:00:00:00:00:2a"},
	}
	ctx := context.Background()
	c := NewCNIConfigWithCacheDir([]string{dir}, s.caches, nil)
	defer c.Close()
	goOriginal := original.NewCNIConfigWithCacheDir([]string{dir}, s.caches, nil)
	// Who added it need not be who deletes it.
	for _, deletedBy := range []CNI{c, goOriginal} {
		capabilities, err := c.ValidateNetworkList(ctx, list)
		s.must(err)
		equal(t, "capabilities", fmt.Sprint(capabilities), "[mac]")
		added, err := c.AddNetworkList(ctx, list, rt)
		s.must(err)
		result, err := types100.NewResultFromResult(added)
		s.must(err)
		address := result.IPs[0].Address.String()
		if shown := inBox(t, "addr", "show", "eth0"); !strings.Contains(shown, address) || !strings.Contains(shown, "02:00:00:00:00:2a") {
			t.Errorf("no %s in %s", address, shown)
		}
		s.must(c.CheckNetworkList(ctx, list, rt))
		s.must(deletedBy.DelNetworkList(ctx, list, rt))
		if shown := inBox(t, "link"); strings.Contains(shown, "eth0") {
			t.Errorf("still there: %s", shown)
		}
		attachments, err := c.GetCachedAttachments("")
		s.must(err)
		equal(t, "attachments", len(attachments), 0)
	}
}

// TestTheQuickstartAttachesAndDetaches does so with the default cache directory, in a /var/lib of its own.
func TestTheQuickstartAttachesAndDetaches(t *testing.T) {
	dir := realPlugins()
	if dir == "" {
		t.Skip("needs the plugins bridge and host-local: Debian's package containernetworking-plugins")
	}
	const asQuickstart = "LIBCNI_TEST_QUICKSTART"
	if os.Getenv(inSandbox) == "" {
		runInSandbox(t, asQuickstart+"="+buildQuickstart(t, "libcni_dev"))
		return
	}
	s := newScene(t)
	makeBox(s)
	s.must(syscall.Mount("tmpfs", "/var/lib", "tmpfs", 0, ""))
	file := filepath.Join(s.log, "net.conflist")
	s.must(os.WriteFile(file, []byte(`{"name": "quickstart", "cniVersion": "1.0.0", "plugins": [
		{"type": "bridge", "bridge": "cni0", "isGateway": true,
			"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.89.0.0/24"}]]}}]}`), 0o600))
	quickstart := exec.Command(os.Getenv(asQuickstart), file, "/run/netns/box")
	quickstart.Env = append(os.Environ(), "CNI_PATH="+dir)
	output, err := quickstart.Output()
	s.must(err)
	var result types100.Result
	s.must(json.Unmarshal(output, &result))
	equal(t, "address", result.IPs[0].Address.String(), "10.89.0.2/24")
	left, err := os.ReadDir("/var/lib/cni/results")
	s.must(err)
	equal(t, "attachments left", len(left), 0)
}

// makeBox makes the network namespace /run/netns/box, in a /run of its own.
func makeBox(s *scene) {
	s.t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		s.t.Skip("needs ip: Debian's package iproute2")
	}
	s.must(syscall.Mount("tmpfs", "/run", "tmpfs", 0, ""))
	s.must(exec.Command("ip", "netns", "add", "box").Run())
}

func inBox(t *testing.T, args ...string) string {
	t.Helper()
	shown, err := exec.Command("ip", append([]string{"-n", "box"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, shown)
	}
	return string(shown)
}

func realPlugins() string {
	for _, dir := range append(filepath.SplitList(os.Getenv("CNI_PATH")), "/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni") {
		bridge, _ := filepath.Glob(filepath.Join(dir, "bridge"))
		hostLocal, _ := filepath.Glob(filepath.Join(dir, "host-local"))
		if len(bridge)+len(hostLocal) == 2 {
			return dir
		}
	}
	return ""
}

func runInSandbox(t *testing.T, env ...string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.Command(program, "-test.v", "-test.run=^"+t.Name()+"$")
	again.Env = append(append(os.Environ(), env...), inSandbox+"=1", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var output strings.Builder
	again.Stdout, again.Stderr = &output, &output
	if err := again.Start(); err != nil {
		t.Skip("this machine forbids namespaces: ", err)
	}
	if err := again.Wait(); err != nil {
		t.Errorf("%v:\n%s", err, &output)
	} else if strings.Contains(output.String(), "--- SKIP") {
		t.Skip(output.String())
	}
}
