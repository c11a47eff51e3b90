#!/usr/bin/env bash
# The quickstarts in the README are those of the examples, and do what the README says.
set -euo pipefail
# shellcheck source=tests/c/common.sh
. "$(dirname "$0")/common.sh"

# The first block of that language in the README.
block_of_readme() {
    awk -v fence="^\`\`\`$1\$" '$0 ~ fence { inside = 1; next } /^```$/ && inside { exit } inside' "$root/README.md"
}

same_text() { # LANGUAGE FILE
    diff -u "$root/$2" <(block_of_readme "$1")
}

build_rust_quickstart() {
    (cd "$root" && "${CARGO:-cargo}" build --locked --example quickstart --message-format=json) >"$scratch/cargo.json"
    cp "$(jq -r 'select(.reason == "compiler-artifact" and .target.name == "quickstart") | .executable' \
        "$scratch/cargo.json")" "$scratch/quickstart-rust"
}

# Inside private namespaces: its own /run for the network namespace, its own /var/lib for libcni's default cache.
# shellcheck disable=SC2016 # for the inner shell
attaches_and_detaches() { # PROGRAM
    cat >"$scratch/demo.conflist" <<'LIST'
{
  "cniVersion": "1.0.0",
  "name": "quickstart",
  "plugins": [
    { "type": "bridge", "bridge": "cni0", "isGateway": true,
      "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.89.0.0/24" }]] } }
  ]
}
LIST
    CNI_PATH=$(real_plugins) unshare --user --map-root-user --mount --net sh -euc '
        mount -t tmpfs tmpfs /run
        mount -t tmpfs tmpfs /var/lib
        ip netns add box
        "$0" "$1" /run/netns/box
        test -z "$(ls /var/lib/cni/results)"' "$1" "$scratch/demo.conflist" >"$scratch/result"
    cat "$scratch/result"
    jq -e '.ips[0].address == "10.89.0.2/24"' "$scratch/result"
}

fails_with_a_message() { # PROGRAM
    local output status=0
    output=$("$1" /nowhere.conflist /nowhere 2>&1) || status=$?
    echo "$output"
    [ "$status" = 1 ] && grep -q '/nowhere.conflist' <<<"$output"
}

can_attach() {
    if ! unshare --user --map-root-user --mount --net true 2>/dev/null; then
        echo "this machine forbids namespaces"
    elif [ -z "$(real_plugins)" ] || ! command -v ip >/dev/null; then
        echo "needs containernetworking-plugins and iproute2"
    fi
}

try() { # LANGUAGE PROGRAM
    local why_not
    why_not=$(can_attach)
    run_test "the $1 quickstart reports what is wrong" fails_with_a_message "$2"
    if [ -n "$why_not" ]; then
        skip_test "the $1 quickstart attaches and detaches" "$why_not"
    else
        run_test "the $1 quickstart attaches and detaches" attaches_and_detaches "$2"
    fi
}

run_test "the README shows examples/c/quickstart.c" same_text c examples/c/quickstart.c
try C "$out/quickstart"
run_test "the README shows examples/rust/quickstart.rs" same_text rust examples/rust/quickstart.rs
run_test "the Rust quickstart builds" build_rust_quickstart
try Rust "$scratch/quickstart-rust"
finish_tests
