package libcni

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	original "github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

// exported are the exported names that the package in dir declares, methods with their receiver.
func exported(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	add := func(receiver string, name *ast.Ident) {
		if name.IsExported() {
			names = append(names, receiver+name.Name)
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				switch {
				case decl.Recv == nil:
					add("", decl.Name)
				default:
					if star, ok := decl.Recv.List[0].Type.(*ast.StarExpr); ok && fmt.Sprint(star.X) == "CNIConfig" {
						add("CNIConfig.", decl.Name)
					}
				}
			case *ast.GenDecl:
				for _, spec := range decl.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						add("", spec.Name)
					case *ast.ValueSpec:
						for _, name := range spec.Names {
							add("", name)
						}
					}
				}
			}
		}
	}
	return names
}

func TestEveryNameOfTheOriginalIsHere(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/containernetworking/cni/libcni").Output()
	if err != nil {
		t.Skip("needs the go command and the original's source:", err)
	}
	ours := exported(t, ".")
	theirs := exported(t, strings.TrimSpace(string(out)))
	if len(theirs) < 40 {
		t.Fatalf("only %d names found in the original", len(theirs))
	}
	for _, name := range theirs {
		if !slices.Contains(ours, name) {
			t.Errorf("%s is missing", name)
		}
	}
	equal(t, "kind", CNICacheV1, original.CNICacheV1)
	equal(t, "cache directory", CacheDir, original.CacheDir)
}

// A step of a story does something with a runtime and tells what came of it.
type step func(s *scene, cni CNI) (any, error)

func TestStoriesGoAsWithTheOriginal(t *testing.T) {
	ctx := context.Background()
	list := func(s *scene, version string, plugins ...fake) *NetworkConfigList {
		texts := make([]string, len(plugins))
		for i, does := range plugins {
			texts[i] = s.plugin([]string{"first", "second", "third"}[i], does)
		}
		return s.network(version, texts...)
	}
	add := func(list *NetworkConfigList) step {
		return func(s *scene, cni CNI) (any, error) { return cni.AddNetworkList(ctx, list, s.rt()) }
	}
	check := func(list *NetworkConfigList) step {
		return func(s *scene, cni CNI) (any, error) { return nil, cni.CheckNetworkList(ctx, list, s.rt()) }
	}
	del := func(list *NetworkConfigList) step {
		return func(s *scene, cni CNI) (any, error) { return nil, cni.DelNetworkList(ctx, list, s.rt()) }
	}
	gc := func(list *NetworkConfigList, args *GCArgs) step {
		return func(s *scene, cni CNI) (any, error) { return nil, cni.GCNetworkList(ctx, list, args) }
	}
	status := func(list *NetworkConfigList) step {
		return func(s *scene, cni CNI) (any, error) { return nil, cni.GetStatusNetworkList(ctx, list) }
	}
	validate := func(list *NetworkConfigList) step {
		return func(s *scene, cni CNI) (any, error) { return cni.ValidateNetworkList(ctx, list) }
	}
	cachedResult := func(list *NetworkConfigList) step {
		return func(s *scene, cni CNI) (any, error) { return cni.GetNetworkListCachedResult(list, s.rt()) }
	}
	cachedConfig := func(list *NetworkConfigList) step {
		return func(s *scene, cni CNI) (any, error) {
			config, rt, err := cni.GetNetworkListCachedConfig(list, &RuntimeConf{ContainerID: "c1", IfName: "eth0"})
			return []any{string(config), rt}, err
		}
	}
	attachments := func(id string) step {
		return func(s *scene, cni CNI) (any, error) { return cni.GetCachedAttachments(id) }
	}
	versionInfo := func(plugin string) step {
		return func(s *scene, cni CNI) (any, error) {
			info, err := cni.GetVersionInfo(ctx, plugin)
			if err != nil {
				return nil, err
			}
			return info.SupportedVersions(), nil
		}
	}
	single := func(do func(s *scene, cni CNI, conf *PluginConfig) (any, error), name, version string, does fake) func(s *scene) step {
		return func(s *scene) step {
			text := strings.Replace(s.plugin("first", does), "{", fmt.Sprintf(`{"name":%q,"cniVersion":%q,`, name, version), 1)
			conf, err := NetworkPluginConfFromBytes([]byte(text))
			s.must(err)
			return func(s *scene, cni CNI) (any, error) { return do(s, cni, conf) }
		}
	}
	addOne := func(s *scene, cni CNI, conf *PluginConfig) (any, error) { return cni.AddNetwork(ctx, conf, s.rt()) }
	checkOne := func(s *scene, cni CNI, conf *PluginConfig) (any, error) {
		return nil, cni.CheckNetwork(ctx, conf, s.rt())
	}
	delOne := func(s *scene, cni CNI, conf *PluginConfig) (any, error) {
		return nil, cni.DelNetwork(ctx, conf, s.rt())
	}
	validateOne := func(s *scene, cni CNI, conf *PluginConfig) (any, error) { return cni.ValidateNetwork(ctx, conf) }

	failing := &action{Stdout: json.RawMessage(`{"code":11,"msg":"busy","details":"try later"}`), Exit: 1}
	silent := &action{Exit: 3}
	chatty := &action{Stderr: "no \"route\"\n", Exit: 2}
	garbled := &action{Text: "Segmentation fault", Exit: 139}
	empty := &action{Text: "{}", Exit: 1}
	halfError := &action{Text: `{"code":11,"msg":7,"details":"d"}`, Exit: 1}

	stories := map[string]func(s *scene) []step{
		"an attachment's life": func(s *scene) []step {
			l := list(s, "1.0.0", fake{}, fake{}, fake{})
			return []step{add(l), attachments(""), attachments("c1"), attachments("c"), cachedResult(l), cachedConfig(l),
				check(l), del(l), del(l), cachedResult(l), cachedConfig(l), attachments("c1")}
		},
		"old versions": func(s *scene) []step {
			l := list(s, "0.3.1", fake{})
			return []step{add(l), check(l), cachedResult(l), del(l)}
		},
		"the oldest versions": func(s *scene) []step {
			var steps []step
			oldest := &action{Stdout: json.RawMessage(`{"ip4":{"ip":"10.1.2.3/24","gateway":"10.1.2.1"},"dns":{}}`)}
			for _, v := range []string{"", "0.1.0", "0.2.0"} {
				l := list(s, v, fake{Add: oldest})
				steps = append(steps, add(l), cachedResult(l), check(l), del(l))
			}
			return steps
		},
		"a version that is none": func(s *scene) []step {
			l := list(s, "1.0.0", fake{})
			l.CNIVersion = "broken"
			return []step{check(l), del(l), status(l), validate(l)}
		},
		"GC": func(s *scene) []step {
			l := list(s, "1.1.0", fake{}, fake{})
			valid := &GCArgs{ValidAttachments: []types.GCAttachment{{ContainerID: "c1", IfName: "eth0"}}}
			return []step{add(l), gc(l, valid), attachments(""), gc(l, nil), attachments("")}
		},
		"GC that fails": func(s *scene) []step {
			l := list(s, "1.1.0", fake{GC: failing}, fake{Del: chatty, GC: silent})
			return []step{add(l), gc(l, nil), attachments("")}
		},
		"STATUS": func(s *scene) []step {
			return []step{status(list(s, "1.1.0", fake{}, fake{})), status(list(s, "1.0.0", fake{State: failing})),
				status(list(s, "1.1.0", fake{}, fake{State: failing}))}
		},
		"failures": func(s *scene) []step {
			var steps []step
			for _, does := range []*action{failing, silent, chatty, garbled, halfError, empty} {
				l := list(s, "1.0.0", fake{}, fake{Add: does, Check: does, Del: does})
				steps = append(steps, add(l), check(l), del(l))
			}
			return steps
		},
		"a plugin with a name fails": func(s *scene) []step {
			l := list(s, "1.0.0", fake{Add: failing, Del: failing})
			l.Plugins[0].Network.Name = `o"wn`
			return []step{add(l), del(l)}
		},
		"results that are none": func(s *scene) []step {
			return []step{
				add(list(s, "1.0.0", fake{Add: &action{Stdout: json.RawMessage(`{"cniVersion":"9.9.9"}`)}})),
				add(list(s, "1.0.0", fake{Add: &action{Stdout: json.RawMessage(`null`)}})),
			}
		},
		"identifiers": func(s *scene) []step {
			var steps []step
			l := list(s, "1.0.0", fake{})
			for _, rt := range []RuntimeConf{
				{}, {ContainerID: "a/b", IfName: "eth0"}, {ContainerID: "c1"}, {ContainerID: "c1", IfName: "a name too long"},
				{ContainerID: "c1", IfName: "much-too-long-name"},
			} {
				steps = append(steps,
					func(s *scene, cni CNI) (any, error) { return cni.AddNetworkList(ctx, l, &rt) },
					func(s *scene, cni CNI) (any, error) { return cni.AddNetwork(ctx, l.Plugins[0], &rt) })
			}
			other := *l
			other.Name = "a b"
			return append(steps, add(&other))
		},
		"plugins that are not there": func(s *scene) []step {
			l := list(s, "1.0.0", fake{}, fake{})
			l.Plugins[1].Network.Type = "absent"
			n := list(s, "1.0.0", fake{})
			n.Plugins[0].Network.Type = "../first"
			e := list(s, "1.0.0", fake{})
			e.Plugins[0].Network.Type = ""
			return []step{add(l), check(l), del(l), validate(l), add(n), del(n), validate(n), add(e), validate(e), versionInfo("absent"),
				versionInfo("first")}
		},
		"validation": func(s *scene) []step {
			good, bad := list(s, "1.0.0", fake{}, fake{}), list(s, "0.2.0", fake{}, fake{})
			return []step{validate(good), validate(bad)}
		},
		"bytes that are no configuration": func(s *scene) []step {
			var steps []step
			for _, bytes := range []string{"", "{", "[]", "{}", `{"type":"x"},{"type":"y"}`, `{"type":7}`} {
				l := list(s, "1.1.0", fake{})
				l.Plugins[0].Bytes = []byte(bytes)
				steps = append(steps, add(l), check(l), del(l), status(l), validate(l))
			}
			return steps
		},
		"one plugin": func(s *scene) []step {
			steps := []step{}
			for _, do := range []func(s *scene, cni CNI, conf *PluginConfig) (any, error){addOne, checkOne, validateOne, delOne} {
				steps = append(steps, single(do, "one", "1.0.0", fake{})(s), single(do, "one", "0.2.0", fake{})(s),
					single(do, "one", "1.0.0", fake{Add: failing, Check: silent, Del: chatty})(s))
			}
			return append(steps, single(addOne, "", "1.0.0", fake{})(s), single(validateOne, "", "1.0.0", fake{})(s))
		},
		"a cache that is no JSON": func(s *scene) []step {
			l := list(s, "1.0.0", fake{})
			spoil := func(s *scene, _ CNI) (any, error) {
				dir := filepath.Join(s.caches, "results")
				s.must(os.MkdirAll(dir, 0o700))
				return nil, os.WriteFile(filepath.Join(dir, "net-c1-eth0"), []byte("adfadf"), 0o600)
			}
			return []step{spoil, check(l), cachedResult(l), cachedConfig(l), attachments(""), del(l)}
		},
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			// One after the other in the same place, so that all they say and write can be compared.
			s := newScene(t, "first", "second", "third")
			theirs := tell(s, original.NewCNIConfigWithCacheDir([]string{s.bin}, s.caches, nil), story)
			s.forget()
			ours := tell(s, s.cni(), story)
			for i, want := range theirs.steps {
				what, got := fmt.Sprintf("step %d", i), ours.steps[i]
				equal(t, what, got.value, want.value)
				sameError(t, what, got.err, want.err)
			}
			sameRuns(t, ours.runs, theirs.runs)
		})
	}
}

// What came of a story.
type outcome struct {
	steps []struct {
		value string
		err   error
	}
	runs []pluginRun
}

func tell(s *scene, cni CNI, story func(s *scene) []step) (out outcome) {
	for _, step := range story(s) {
		value, err := step(s, cni)
		out.steps = append(out.steps, struct {
			value string
			err   error
		}{asJSON(s, value), err})
	}
	out.runs = s.runs()
	return out
}

func asJSON(s *scene, value any) string {
	text, err := marshal(value)
	s.must(err)
	return string(text)
}

// fixed is a text without the end that Go's json package gave it in the original, and the core in ours.
func fixed(text string) string {
	return endOfJSON.ReplaceAllString(text, "$1...")
}

var endOfJSON = regexp.MustCompile(`(error parsing its diagnostic message "(?:[^"\\]|\\.)*": ).*`)

func sameError(t *testing.T, what string, got, want error) {
	t.Helper()
	equal(t, what+": error", fixed(fmt.Sprint(got)), fixed(fmt.Sprint(want)))
	var gotPlugin, wantPlugin *types.Error
	if errors.As(got, &gotPlugin) != errors.As(want, &wantPlugin) {
		t.Errorf("%s: types.Error:\n got %#v\nwant %#v", what, gotPlugin, wantPlugin)
	} else if gotPlugin != nil {
		equal(t, what+": code", gotPlugin.Code, wantPlugin.Code)
		equal(t, what+": msg", fixed(gotPlugin.Msg), fixed(wantPlugin.Msg))
		equal(t, what+": details", gotPlugin.Details, wantPlugin.Details)
	}
	if unwrapped, ok := errors.Unwrap(want).(*types.Error); ok && errors.Unwrap(got) != error(gotPlugin) {
		t.Errorf("%s: unwrapped:\n got %#v\nwant %#v", what, errors.Unwrap(got), unwrapped)
	}
	equal(t, what+": ErrorCheckNotSupp", errors.Is(got, ErrorCheckNotSupp), errors.Is(want, ErrorCheckNotSupp))
}

// sameRuns compares what the plugins were run with. An environment may have more, and the keys of a request may have
// another order.
func sameRuns(t *testing.T, got, want []pluginRun) {
	t.Helper()
	if !slices.Equal(order(got), order(want)) {
		t.Fatalf("runs:\n got %v\nwant %v", order(got), order(want))
	}
	for i := range want {
		var gotStdin, wantStdin any
		if err := errors.Join(json.Unmarshal(got[i].Stdin, &gotStdin), json.Unmarshal(want[i].Stdin, &wantStdin)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(gotStdin, wantStdin) {
			t.Errorf("stdin of run %d:\n got %s\nwant %s", i, got[i].Stdin, want[i].Stdin)
		}
		for _, variable := range want[i].Env {
			if !slices.Contains(got[i].Env, variable) {
				t.Errorf("the environment of run %d has no %s", i, variable)
			}
		}
	}
}

func TestEitherPackageFinishesWhatTheOtherBegan(t *testing.T) {
	ctx := context.Background()
	for _, weBegin := range []bool{true, false} {
		s := newScene(t, "first")
		list := s.network("1.0.0", s.plugin("first", fake{}))
		rt := s.rt()
		rt.Args, rt.CapabilityArgs = [][2]string{{"K", "V"}}, map[string]any{"x": []any{"<&>", 1.5}}
		var first, second CNI = s.cni(), original.NewCNIConfigWithCacheDir([]string{s.bin}, s.caches, nil)
		if !weBegin {
			first, second = second, first
		}
		added, err := first.AddNetworkList(ctx, list, rt)
		s.must(err)
		cached, err := second.GetNetworkListCachedResult(list, rt)
		s.must(err)
		equal(t, "result", asJSON(s, cached), asJSON(s, added))
		before, err := first.GetCachedAttachments("c1")
		s.must(err)
		after, err := second.GetCachedAttachments("c1")
		s.must(err)
		equal(t, "attachments", asJSON(s, after), asJSON(s, before))
		s.must(second.CheckNetworkList(ctx, list, rt))
		s.must(second.DelNetworkList(ctx, list, rt))
		left, err := first.GetCachedAttachments("")
		s.must(err)
		equal(t, "attachments left", len(left), 0)
	}
}
