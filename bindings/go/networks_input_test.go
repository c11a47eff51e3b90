package libcni

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What can be wrong with a node and its containers: each has its status and its message, and nothing is attached.

// refused is an error of that status whose message has these words. No plugin has run for it.
func (s *scene) refused(err error, status Status, words ...string) {
	s.t.Helper()
	known := failing(s.t, err, status)
	for _, word := range words {
		if !strings.Contains(known.Message, word) {
			s.t.Errorf("%q is not in: %s", word, known.Message)
		}
	}
	equal(s.t, "runs", len(s.runs()), 0)
	attachments, err := s.cni().GetCachedAttachments("")
	s.must(err)
	equal(s.t, "attachments", len(attachments), 0)
}

func TestADirectoryWithoutNetworksSaysWhatIsMissing(t *testing.T) {
	for _, missing := range []bool{false, true} {
		s := newScene(t, "plugin")
		dir, words := s.netd(), ", which has no .conflist, .conf or .json file)"
		n := s.networks(NetworksOptions{})
		if missing {
			dir, words = filepath.Join(s.netd(), "missing"), ", which does not exist)"
			_, err := n.Load(Source{Dir: dir, Load: LoadAll})
			s.must(err)
		}
		ctx := context.Background()
		s.refused(n.Status(ctx), StatusNetworkNotFound, "0 of at least 1 are loaded (configurations are in "+dir+words)
		_, err := n.Setup(ctx, s.container())
		s.refused(err, StatusNetworkNotFound, dir+words)
		s.refused(n.Check(ctx, s.container()), StatusNetworkNotFound, dir+words)
		s.must(n.Remove(ctx, s.container()))
	}
}

func TestASecondFileWithOneNetworkIsLeftOut(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	s.write("2.conflist", "a", fake{})
	n := s.networks(NetworksOptions{})
	config, err := n.Config()
	s.must(err)
	equal(t, "networks", len(config.Networks), 1)
	equal(t, "errors", len(config.Errors), 1)
	first, second := filepath.Join(s.netd(), "1.conflist"), filepath.Join(s.netd(), "2.conflist")
	equal(t, "error", *config.Errors[0], LoadError{
		Path: second, Status: StatusInvalidConfig,
		Message: fmt.Sprintf("%s is left out: the network %q is already that of %s", second, "a", first),
	})
	result, err := n.Setup(context.Background(), s.container())
	s.must(err)
	equal(t, "results", len(result.Results), 1)
}

// TestAThousandNetworks: all of them, in their order; and when the name of one interface is too long, none.
func TestAThousandNetworks(t *testing.T) {
	s := newScene(t)
	c := s.inside(map[string]Plugin{"plugin": stateless{}})
	for i := range 1000 {
		s.write(fmt.Sprintf("%04d.conflist", i), fmt.Sprint("n", i), fake{})
	}
	ctx := context.Background()
	tooLong := s.networksOf(c, NetworksOptions{InterfacePrefix: "thirteen-byte", Parallel: true})
	_, err := tooLong.Setup(ctx, s.container())
	s.refused(err, StatusInvalidArgument, `network "n100": interface "thirteen-byte100"`, "less than 16")
	s.refused(tooLong.Status(ctx), StatusInvalidArgument, `network "n100" is not ready: interface "thirteen-byte100"`)
	_, err = NewNetworks(c, NetworksOptions{InterfacePrefix: "fifteen-bytes-x"})
	s.refused(err, StatusInvalidArgument, "interfacePrefix fifteen-bytes-x", "less than 16")

	n := s.networksOf(c, NetworksOptions{Parallel: true})
	result, err := n.Setup(ctx, s.container())
	s.must(err)
	equal(t, "results", len(result.Results), 1000)
	for i, of := range result.Results {
		if of.Network != fmt.Sprint("n", i) || of.IfName != fmt.Sprint("eth", i) {
			t.Fatalf("%d: %+v", i, of)
		}
	}
	missing := s.container()
	missing.Networks = []ContainerNetwork{{Name: "other"}}
	_, err = n.Setup(ctx, missing)
	known := failing(t, err, StatusNetworkNotFound)
	if !strings.Contains(known.Message, "n0, n1, ") || !strings.HasSuffix(known.Message, ", and 980 more)") {
		t.Error(known.Message)
	}
	s.must(n.Remove(ctx, s.container()))
	attachments, err := c.GetCachedAttachments("")
	s.must(err)
	equal(t, "attachments", len(attachments), 0)
}

// TestFilesVanishWhileTheyAreRead: what is gone is gone, and no error; a file that a source names must be there.
func TestFilesVanishWhileTheyAreRead(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	s.write("9.conflist", "z", fake{})
	here, there := filepath.Join(s.netd(), "5.conflist"), filepath.Join(s.netd(), "elsewhere")
	text := fmt.Sprintf(`{"name":"m","cniVersion":"1.1.0","plugins":[%s]}`, s.plugin("plugin", fake{}))
	s.must(os.WriteFile(there, []byte(text), 0o600))
	n := s.networks(NetworksOptions{})
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := os.Rename(there, here); err != nil {
				stopped <- err
				return
			}
			if err := os.Rename(here, there); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 300 {
		config, err := n.Load()
		if err != nil || len(config.Errors) > 0 || len(config.Networks) < 2 {
			t.Errorf("%v %+v", err, config)
			break
		}
	}
	close(stop)
	s.must(<-stopped)
	_, err := n.Load()
	s.must(err)
	_, err = n.Load(Source{ConfListFile: here})
	s.refused(err, StatusIO, "error reading "+here)
	config, err := n.Config()
	s.must(err)
	equal(t, "networks", len(config.Networks), 2)
}

func TestANetworkNamespaceThatIsNotThere(t *testing.T) {
	s := newScene(t, "plugin")
	s.write("1.conflist", "a", fake{})
	n := s.networks(NetworksOptions{})
	_, err := n.Setup(context.Background(), &Container{ContainerID: "c1", NetNS: "/run/netns/missing"})
	s.refused(err, StatusInvalidArgument, "the network namespace /run/netns/missing does not exist")
	_, err = n.Setup(context.Background(), &Container{ContainerID: "c1"})
	s.refused(err, StatusInvalidArgument, "netns is empty")
}
