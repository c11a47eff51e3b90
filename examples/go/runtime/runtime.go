// runtime [--containers N] [--hold]: a container runtime in miniature, without the containers.
//
// It makes network namespaces, attaches all of them at once to the networks of its directory, prints their addresses, and
// takes everything away again: at the end, or when it is interrupted with Ctrl-C, also in the middle. With --hold it
// waits for Ctrl-C when they are attached. All of that is in namespaces of its own: the host sees nothing of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	libcni "github.com/libcni/libcni/bindings/go"
)

// How many containers are worked on at a time: each has a thread and a few processes meanwhile.
const atOnce = 16

const (
	// How long plugins get to finish what they are at when it is interrupted. Ended in the middle, host-local may leave
	// the file of a lease without an owner in it, which nobody frees.
	grace = 5 * time.Second
	// How long taking everything away may take.
	removeWithin = time.Minute
)

func main() {
	log.SetFlags(0)
	count := flag.Int("containers", 50, "how many containers there are")
	hold := flag.Bool("hold", false, "wait for Ctrl-C when they are attached")
	here := flag.Bool("here", false, "work in the namespaces that it is started in, as root")
	flag.Parse()
	if flag.NArg() > 0 || *count < 1 || *count > 1000 {
		log.Print("usage: runtime [--containers N] [--hold], with N from 1 to 1000")
		os.Exit(2)
	}
	if !*here {
		os.Exit(againInNamespaces())
	}
	// Until the end: a second Ctrl-C does not keep the containers from being removed.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	switch err := run(ctx, *count, *hold); {
	case errors.Is(err, context.Canceled):
		log.Print("interrupted")
		os.Exit(130)
	case err != nil:
		log.Fatal(err)
	}
}

func run(ctx context.Context, count int, hold bool) (err error) {
	state, err := newState()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, state.remove()) }()
	cni := libcni.NewCNIConfigWithCacheDir(pluginDirs(), state.cache, nil)
	networks, err := libcni.NewNetworks(cni, libcni.NetworksOptions{
		ConfDir: state.conf, Sources: []libcni.Source{{Load: libcni.LoadAll}},
	})
	if err != nil {
		return err
	}
	defer networks.Close()
	if err := ready(ctx, cni, networks); err != nil {
		return err
	}
	containers := make([]*container, count)
	for i := range containers {
		name := fmt.Sprintf("c%03d", i+1)
		containers[i] = &container{libcni.Container{ContainerID: name, NetNS: filepath.Join(state.netns, name)}, nil}
	}

	err = attachAll(ctx, networks, containers)
	if err == nil && hold {
		log.Print("holding: Ctrl-C removes the containers")
		<-ctx.Done()
	}
	started := time.Now()
	removed := removeAll(ctx, networks, containers)
	took := time.Since(started).Round(time.Millisecond)
	if problem := errors.Join(removed, state.left()); problem != nil {
		if err != nil {
			log.Print(err)
		}
		return problem
	}
	log.Printf("removed %d containers in %v, nothing is left", count, took)
	return err
}

// attachAll attaches containers, as many at once as there may be, until ctx is over, and prints what they got.
func attachAll(ctx context.Context, networks *libcni.Networks, containers []*container) error {
	started := time.Now()
	running, cancel := outlasting(ctx, grace)
	defer cancel()
	err := forAll(containers, func(c *container) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return c.setUp(running, networks)
	})
	if err != nil {
		return err
	}
	log.Printf("attached %d containers in %v", len(containers), time.Since(started).Round(time.Millisecond))
	return printTable(containers)
}

// removeAll is for containers in every state: attached, in part, or not at all. That ctx is over changes nothing.
func removeAll(ctx context.Context, networks *libcni.Networks, containers []*container) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	return forAll(containers, func(c *container) error { return c.remove(ctx, networks) })
}

// outlasting is a context that is over so much later than ctx.
func outlasting(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return later, cancel
}

// ready tells what is missing for containers to be attached.
func ready(ctx context.Context, cni *libcni.CNIConfig, networks *libcni.Networks) error {
	config, err := networks.Config()
	if err != nil {
		return err
	}
	for _, network := range config.Networks {
		list, err := network.List()
		if err != nil {
			return err
		}
		// Where lo has no plugin, the library brings it up.
		if network.Loopback {
			continue
		}
		if _, err := cni.ValidateNetworkList(ctx, list); err != nil {
			return fmt.Errorf("network %s: %w", network.Name, err)
		}
	}
	return networks.Status(ctx)
}

// A container has a network namespace, and what it got from its networks once it is attached.
type container struct {
	libcni.Container
	setup *libcni.SetupResult
}

func (c *container) setUp(ctx context.Context, networks *libcni.Networks) error {
	if err := newNetNS(c.NetNS); err != nil {
		return fmt.Errorf("failed to make the network namespace of %s: %w", c.ContainerID, err)
	}
	setup, err := networks.Setup(ctx, &c.Container)
	if err != nil {
		return fmt.Errorf("%s: %w", c.ContainerID, err)
	}
	c.setup = setup
	return nil
}

func (c *container) remove(ctx context.Context, networks *libcni.Networks) error {
	if err := networks.Remove(ctx, &c.Container); err != nil {
		return fmt.Errorf("%s: %w", c.ContainerID, err)
	}
	return deleteNetNS(c.NetNS)
}

// forAll does the same for all containers, several at a time, and tells of everything that failed.
func forAll(containers []*container, do func(*container) error) error {
	errs := make([]error, len(containers))
	turn := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for i, c := range containers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			turn <- struct{}{}
			defer func() { <-turn }()
			errs[i] = do(c)
		}()
	}
	wait.Wait()
	// Who interrupts need not read of every container.
	interrupted := false
	for i, err := range errs {
		if errors.Is(err, context.Canceled) {
			interrupted, errs[i] = true, nil
		}
	}
	if err := errors.Join(errs...); err != nil || !interrupted {
		return err
	}
	return context.Canceled
}

func printTable(containers []*container) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CONTAINER\tINTERFACE\tADDRESS\tGATEWAY\tMAC")
	for _, c := range containers {
		for _, of := range c.setup.Results {
			inside := c.setup.Interfaces[of.IfName]
			for _, ip := range inside.IPs {
				if ip.Gateway != nil {
					fmt.Fprintf(table, "%s\t%s\t%v\t%v\t%s\n", c.ContainerID, of.IfName, &ip.Address, ip.Gateway, inside.Mac)
				}
			}
		}
	}
	return table.Flush()
}

// pluginDirs are those of CNI_PATH, or where distributions put plugins.
func pluginDirs() []string {
	dirs := filepath.SplitList(os.Getenv("CNI_PATH"))
	if len(dirs) == 0 {
		dirs = strings.Fields("/opt/cni/bin /usr/lib/cni /usr/libexec/cni")
	}
	return dirs
}
