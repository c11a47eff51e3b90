#!/usr/bin/env bash
# Tests the Go package with the library in target/release: test.sh [upstream|gocni|containerd]
#
# With `upstream` the original's own tests run instead, which takes a minute; with `gocni` only what is about gocni; with
# `containerd` a containerd is built with gocni and tested, which takes some minutes.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=scripts/tally.sh
. ../../scripts/tally.sh

go=${GO:-go}
tags=libcni_dev
# Pinned: another version may have more to say.
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Whether the modules of the directory $in can be had; else it says why not.
has_modules() { # FLAGS...
    (cd "${in:-.}" && "$go" list "$@" -deps -test ./...) >"$scratch/go" 2>&1 || {
        echo "the modules that it needs are neither in the module cache nor to be had: $(tail -n 1 "$scratch/go")"
        return 1
    }
}

# Why nothing can be tested here, or nothing.
why_not() {
    if ! command -v "$go" >/dev/null; then
        echo "needs Go 1.24 or later: https://go.dev/dl"
    elif ! "$go" list -m >"$scratch/go" 2>&1; then
        echo "needs Go 1.24 or later: $(tail -n 1 "$scratch/go")"
    elif [ "$("$go" env CGO_ENABLED)" != 1 ]; then
        echo "needs cgo: a C compiler, and CGO_ENABLED not 0"
    else
        has_modules -tags="$tags" || true
    fi
}

is_formatted() {
    local files
    files=$("$("$go" env GOROOT)/bin/gofmt" -l . ../../examples/go)
    echo "$files"
    [ -z "$files" ]
}

vet() {
    "$go" vet -tags="$tags" ./...
    "$go" vet -tags="$tags,libcni_upstream" ./internal/upstream
    (cd ../../examples/go && "$go" vet -tags="$tags" ./...)
}

needs_staticcheck() {
    "$go" run "$staticcheck" -version >"$scratch/staticcheck" 2>&1 || {
        echo "staticcheck cannot be had: $(tail -n 1 "$scratch/staticcheck")"
        exit 77
    }
}

check() {
    needs_staticcheck
    "$go" run "$staticcheck" -tags="$tags,libcni_upstream" ./...
}

has_plugins() {
    local dir
    local -a dirs
    IFS=: read -r -a dirs <<<"${CNI_PATH:-}:/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni"
    for dir in "${dirs[@]}"; do
        [ -x "$dir/bridge" ] && [ -x "$dir/host-local" ] && return 0
    done
    return 1
}

# Where no plugins are installed, the newest release is built, once. Tests that need plugins skip themselves without.
build_plugins() {
    local dir=$PWD/../../target/tmp/go_plugins
    (cd ../../tests/real_plugins && "$go" build -trimpath -o "$dir/" tool) >"$scratch/plugins" 2>&1 || return 0
    export CNI_PATH=$dir
}

# The side-by-side tests of gocni are a user's module: of go-cni, and with this of gocni.
swapped=(-modfile=gocni.mod -tags="$tags")

vet_gocni() {
    (cd gocni && "$go" vet -tags="$tags" .)
    (cd gocni/sidebyside && "$go" vet . && "$go" vet "${swapped[@]}" .)
}

check_gocni() {
    needs_staticcheck
    (cd gocni && "$go" run "$staticcheck" -tags="$tags" .)
    (cd gocni/sidebyside && "$go" run "$staticcheck" .)
}

# Runs Go tests in the directory $in; those that skip themselves count one by one.
go_test() { # NAME ARGUMENTS...
    local name=$1 test why log=$scratch/tests
    shift
    if (cd "${in:-.}" && "$go" test -count=1 -timeout 20m -v "$@") >"$log" 2>&1 </dev/null; then
        pass_test "$name ($(grep -c -- '--- PASS' "$log") tests)"
    else
        fail_test "$name"
        grep -v -- '^ *=== \|^ *--- PASS' "$log" | sed 's/^/    /'
    fi
    while IFS=$'\t' read -r test why; do skip_test "$test" "$why"; done < <(awk '
        $1 == "===" { test = $3 }
        match($0, /_test\.go:[0-9]+: /) { why[test] = substr($0, RSTART + RLENGTH) }
        $2 == "SKIP:" { print $3 "\t" why[$3] }' "$log")
}

test_gocni() {
    local why
    if ! why=$(in=gocni has_modules -tags="$tags" && in=gocni/sidebyside has_modules); then
        skip_test "gocni" "$why"
        return
    fi
    run_test "go vet has nothing to say of gocni" vet_gocni
    run_test "staticcheck has nothing to say of gocni" check_gocni
    in=gocni go_test "the tests of gocni pass under the race detector" -tags="$tags" -race .
    in=gocni/sidebyside go_test "gocni is as go-cni, but for what is better" .
    in=gocni/sidebyside go_test "the story of containers is told with gocni" "${swapped[@]}" -race -run=TestTheStory .
}

containerd=github.com/containerd/containerd/v2
containerd_version=v2.4.2

# Copies the source of containerd, with gocni in the place of go-cni and a test of ours, into $containerd_dir. It stays
# there, for what is built of it to be found again.
get_containerd() {
    local here=$PWD source
    if ! "$go" mod download -json "$containerd@$containerd_version" >"$scratch/containerd.json" 2>"$scratch/go"; then
        echo "$containerd $containerd_version is neither in the module cache nor to be had: $(tail -n 1 "$scratch/go")"
        return 1
    fi
    source=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' "$scratch/containerd.json")
    containerd_dir=$(realpath ../../target)/tmp/containerd
    rm -rf "$containerd_dir"
    mkdir -p "$containerd_dir"
    # The module cache is read-only.
    cp -R --no-preserve=mode "$source/." "$containerd_dir"
    cp gocni/testdata/containerd/pod_network_test.go "$containerd_dir/internal/cri/server"
    (
        cd "$containerd_dir"
        "$go" mod edit -replace=github.com/containerd/go-cni="$here/gocni" \
            -replace=github.com/libcni/libcni/bindings/go="$here"
        "$go" list -mod=mod -tags="$tags" -deps -test ./cmd/... ./internal/cri/...
    ) >/dev/null 2>"$scratch/go" || {
        echo "it cannot be built here: $(tail -n 1 "$scratch/go")"
        return 1
    }
}

build_containerd() {
    (cd "$containerd_dir" && "$go" build -mod=mod -tags="$tags" -o bin/ ./cmd/containerd ./cmd/ctr)
    local program
    for program in containerd ctr; do
        "$go" version -m "$containerd_dir/bin/$program" | grep -A 1 'github.com/containerd/go-cni' | grep -F "$PWD/gocni"
        readelf -d "$containerd_dir/bin/$program" | grep -F 'libcni.so.0'
        "$containerd_dir/bin/$program" --version
    done
}

# The packages of containerd that import go-cni.
packages_of_containerd() {
    (cd "$containerd_dir" && "$go" list -mod=mod -tags="$tags" \
        -f '{{.ImportPath}}{{range .Imports}} {{.}}{{end}}{{range .TestImports}} {{.}}{{end}}' ./cmd/... ./internal/cri/...) |
        awk '/ github.com\/containerd\/go-cni/ { print $1 }'
}

test_containerd() {
    local -a packages
    # Not in a subshell: it sets a variable.
    if ! get_containerd >"$scratch/why"; then
        skip_test "containerd with gocni" "$(cat "$scratch/why")"
        return
    fi
    run_test "containerd $containerd_version and ctr are built with gocni" build_containerd
    mapfile -t packages < <(packages_of_containerd)
    [ ${#packages[@]} -ge 5 ] || fail_test "containerd has packages that import go-cni"
    build_plugins
    GOCNI_PLUGINS=${CNI_PATH:-} in=$containerd_dir go_test "the tests of containerd's packages that import go-cni pass, and pods get their networks" \
        -mod=mod -tags="$tags" "${packages[@]}"
}

why=$(why_not)
if [ -n "$why" ]; then
    skip_test "the Go package" "$why"
elif [ "${1:-}" = upstream ]; then
    go_test "the tests of the original pass" -tags="$tags,libcni_upstream" ./internal/upstream
elif [ "${1:-}" = gocni ]; then
    test_gocni
elif [ "${1:-}" = containerd ]; then
    test_containerd
else
    has_plugins || build_plugins
    run_test "the Go source is formatted" is_formatted
    run_test "go vet has nothing to say" vet
    run_test "staticcheck has nothing to say" check
    go_test "the tests of the Go package pass" -tags="$tags" .
    # But not those of the example, which is a program of its own.
    GOGC=1 go_test "they pass with an eager garbage collector" -tags="$tags" -skip TheMiniatureRuntime .
    go_test "they pass under the race detector" -tags="$tags" -race -skip TheMiniatureRuntime .
    test_gocni
fi
finish_tests
