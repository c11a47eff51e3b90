#!/usr/bin/env bash
# The programs in the README are those of the examples, and do what the README says.
set -euo pipefail
# shellcheck source=tests/c/common.sh
. "$(dirname "$0")/common.sh"

# The block of that language in the README with that number, from 1.
block_of_readme() {
    awk -v fence="^\`\`\`$1\$" -v wanted="$2" '
        $0 ~ fence { inside = ++seen == wanted; next }
        /^```$/ { inside = 0 }
        inside' "$root/README.md"
}

same_text() { # LANGUAGE NUMBER FILE
    diff -u "$root/$3" <(block_of_readme "$1" "$2")
}

build_rust() { # EXAMPLE
    (cd "$root" && "${CARGO:-cargo}" build --locked --example "$1" --message-format=json) >"$scratch/cargo.json"
    cp "$(jq -r --arg name "$1" 'select(.reason == "compiler-artifact" and .target.name == $name) | .executable' \
        "$scratch/cargo.json")" "$scratch/$1-rust"
}

# Inside private namespaces: its own /run for the network namespace, its own /var/lib for libcni's default cache.
# shellcheck disable=SC2016 # for the inner shell
in_namespaces() { # PROGRAM CONFIGURATION
    CNI_PATH=$(real_plugins) unshare --user --map-root-user --mount --net sh -euc '
        mount -t tmpfs tmpfs /run
        mount -t tmpfs tmpfs /var/lib
        ip netns add box
        "$0" "$1" /run/netns/box
        test -z "$(ls /var/lib/cni/results)"' "$1" "$2" >"$scratch/result"
    cat "$scratch/result"
}

attaches_and_detaches() { # PROGRAM
    in_namespaces "$1" "$scratch/net.d/demo.conflist"
    jq -e '.ips[0].address == "10.89.0.2/24"' "$scratch/result"
}

attaches_to_all_networks() { # PROGRAM
    sed 's/quickstart/second/; s/cni0/cni1/; s/10.89/10.90/' "$scratch/net.d/demo.conflist" >"$scratch/net.d/second.conflist"
    in_namespaces "$1" "$scratch/net.d"
    rm "$scratch/net.d/second.conflist"
    for address in 127.0.0.1/8 10.89.0.2/24 10.90.0.2/24; do grep -qF "$address" "$scratch/result"; done
}

mkdir "$scratch/net.d"
cat >"$scratch/net.d/demo.conflist" <<'LIST'
{
  "cniVersion": "1.0.0",
  "name": "quickstart",
  "plugins": [
    { "type": "bridge", "bridge": "cni0", "isGateway": true,
      "ipam": { "type": "host-local", "ranges": [[{ "subnet": "10.89.0.0/24" }]] } }
  ]
}
LIST

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

try() { # NAME HOW PROGRAM
    local why_not
    why_not=$(can_attach)
    if [ -n "$why_not" ]; then
        skip_test "$1 attaches and detaches" "$why_not"
    else
        run_test "$1 attaches and detaches" "$2" "$3"
    fi
}

run_test "the README shows examples/c/quickstart.c" same_text c 1 examples/c/quickstart.c
run_test "the C quickstart reports what is wrong" fails_with_a_message "$out/quickstart"
try "the C quickstart" attaches_and_detaches "$out/quickstart"
run_test "the README shows examples/c/networks.c" same_text c 2 examples/c/networks.c
run_test "the networks in C report what is wrong" fails_with_a_message "$out/networks"
try "the networks in C" attaches_to_all_networks "$out/networks"

run_test "the README shows examples/rust/quickstart.rs" same_text rust 1 examples/rust/quickstart.rs
run_test "the Rust quickstart builds" build_rust quickstart
run_test "the Rust quickstart reports what is wrong" fails_with_a_message "$scratch/quickstart-rust"
try "the Rust quickstart" attaches_and_detaches "$scratch/quickstart-rust"
run_test "the README shows examples/rust/networks.rs" same_text rust 2 examples/rust/networks.rs
run_test "the networks in Rust build" build_rust networks
run_test "the networks in Rust report what is wrong" fails_with_a_message "$scratch/networks-rust"
try "the networks in Rust" attaches_to_all_networks "$scratch/networks-rust"
finish_tests
