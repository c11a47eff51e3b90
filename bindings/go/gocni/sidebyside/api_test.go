package main

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/printer"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// withoutCounterpart are the names that one of them has alone, and why.
var withoutCounterpart = map[string]string{
	"method StatusWithContext": "Status with an end",
}

// TestGocniHasGoCnisNames compares exported names and signatures.
func TestGocniHasGoCnisNames(t *testing.T) {
	theirs, ours := names(t, "go.mod"), names(t, "gocni.mod")
	for name := range withoutCounterpart {
		if (theirs[name] == "") == (ours[name] == "") {
			t.Errorf("%s needs no excuse", name)
		}
		delete(theirs, name)
		delete(ours, name)
	}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		if theirs[name] != ours[name] {
			t.Errorf("%s:\ngo-cni %s\ngocni  %s", name, theirs[name], ours[name])
		}
		delete(ours, name)
	}
	for name, what := range ours {
		t.Errorf("go-cni has no %s: %s", name, what)
	}
	if len(theirs) < 60 {
		t.Errorf("only %d names", len(theirs))
	}
}

// TestGocniNeedsNothingByItsOwnPath: "go mod tidy" looks for what the tests of the module in go-cni's place import, and its own
// path is unknown there.
func TestGocniNeedsNothingByItsOwnPath(t *testing.T) {
	list := exec.Command("go", "list", "-modfile=gocni.mod", "-tags=libcni_dev", "-deps", "-test", "github.com/containerd/go-cni")
	output, err := list.CombinedOutput()
	if err != nil || bytes.Contains(output, []byte("bindings/go/gocni")) {
		t.Fatalf("%v: %s", err, output)
	}
}

// names has the exported names of the package, with what they are.
func names(t *testing.T, mod string) map[string]string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-modfile="+mod, "-f", "{{.Dir}}", "github.com/containerd/go-cni")
	list.Stderr = os.Stderr
	dir, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := build.Default.ImportDir(strings.TrimSpace(string(dir)), 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	implementation := map[string]string{"go.mod": "libcni", "gocni.mod": "node"}[mod]
	for _, file := range slices.Concat(pkg.GoFiles, pkg.CgoFiles) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.Dir, file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			addNames(names, declaration, implementation)
		}
	}
	return names
}

// addNames adds the names of a declaration; methods of a type that is not exported only for that which implements CNI.
func addNames(names map[string]string, declaration ast.Decl, implementation string) {
	switch declaration := declaration.(type) {
	case *ast.FuncDecl:
		if !declaration.Name.IsExported() {
			return
		}
		name := "func " + declaration.Name.Name
		if declaration.Recv != nil {
			receiver := strings.TrimPrefix(source(declaration.Recv.List[0].Type), "*")
			switch {
			case ast.IsExported(receiver):
				name = "method " + receiver + "." + declaration.Name.Name
			case receiver == implementation:
				name = "method " + declaration.Name.Name
			default:
				return
			}
		}
		names[name] = signature(declaration.Type)
	case *ast.GenDecl:
		for _, spec := range declaration.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for i, name := range spec.Names {
					if !name.IsExported() {
						continue
					}
					// The value of a constant is a promise; that of a variable is not.
					what := declaration.Tok.String()
					if declaration.Tok == token.CONST {
						what += " " + source(spec.Values[i])
					}
					names[name.Name] = what
				}
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					addType(names, spec)
				}
			}
		}
	}
}

func addType(names map[string]string, spec *ast.TypeSpec) {
	name := "type " + spec.Name.Name
	switch what := spec.Type.(type) {
	case *ast.StructType:
		names[name] = "struct"
		addFields(names, name, what.Fields)
	case *ast.InterfaceType:
		names[name] = "interface"
		addFields(names, name, what.Methods)
	case *ast.FuncType:
		names[name] = signature(what)
	default:
		names[name] = source(what)
	}
}

func addFields(names map[string]string, of string, fields *ast.FieldList) {
	for _, field := range fields.List {
		what := source(field.Type)
		if method, ok := field.Type.(*ast.FuncType); ok {
			what = signature(method)
		}
		if field.Tag != nil {
			what += " " + field.Tag.Value
		}
		for _, name := range field.Names {
			if name.IsExported() {
				names[of+"."+name.Name] = what
			}
		}
	}
}

// signature is a function's type without the names of parameters. Types that are not exported look the same.
func signature(function *ast.FuncType) string {
	types := func(fields *ast.FieldList) string {
		var types []string
		if fields == nil {
			return ""
		}
		for _, field := range fields.List {
			of := source(field.Type)
			if name, ok := strings.CutPrefix(of, "*"); ok && !ast.IsExported(name) && !strings.Contains(name, ".") {
				of = "*(not exported)"
			}
			for range max(len(field.Names), 1) {
				types = append(types, of)
			}
		}
		return strings.Join(types, ", ")
	}
	return "func(" + types(function.Params) + ") (" + types(function.Results) + ")"
}

func source(node ast.Node) string {
	var text bytes.Buffer
	if err := printer.Fprint(&text, token.NewFileSet(), node); err != nil {
		return err.Error()
	}
	return text.String()
}
