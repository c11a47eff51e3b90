#!/usr/bin/env bash
# The demo runs here, as whoever we are and as an ordinary user, leaves nothing behind, and says what is
# missing where it cannot run.
set -euo pipefail
# shellcheck source=tests/c/common.sh
. "$(dirname "$0")/common.sh"

# A copy that an ordinary user can reach, wherever the source is.
chmod 755 "$scratch"
mkdir -p "$scratch/demo"
cp "$out/attach" "$out/runtime" "$release/libcni.so" "$scratch/demo/"
ln -s libcni.so "$scratch/demo/libcni.so.$soversion"
export LD_LIBRARY_PATH=$scratch/demo
attach=$scratch/demo/attach
runtime=$scratch/demo/runtime

# What the host could have been left with. Names of interfaces, not their number: the machine has others.
traces() {
    ls /sys/class/net
    find /run /var/lib/cni -maxdepth 2 -name '*cni*' 2>/dev/null | LC_ALL=C sort || true
}

namespaces_work() {
    unshare --user --map-root-user --mount --net true 2>/dev/null
}

prints_all_steps() {
    local output step
    output=$("$@" "$attach") || { local status=$? && echo "$output" && return "$status"; }
    echo "$output"
    for step in 'ADD    bridge' 'eth0 .*container' '10\.88\.0\.2/24 .*10\.88\.0\.1' 'TCP    host -> container' \
        'UDP    container -> host' 'CHECK .* ok' 'DEL .* ok' 'gone   eth0 in the container .* ok' \
        'gone   veth[^ ]* on the bridge .* ok' 'gone   lease .* ok' 'gone   result .* ok' 'DEL    once more'; do
        grep -q "$step" <<<"$output" || { echo "missing: $step" && return 1; }
    done
}

prints_json() {
    local json status=0
    json=$("$attach" --json 2>"$scratch/steps") || status=$?
    tail -n 1 "$scratch/steps"
    [ "$status" = 0 ] || return "$status"
    jq -e '.ips[0].address == "10.88.0.2/24" and (.interfaces | length) == 3' <<<"$json"
}

leaves_nothing() {
    local before after
    before=$(traces)
    "$attach" >"$scratch/steps" || { local status=$? && tail -n 1 "$scratch/steps" && return "$status"; }
    after=$(traces)
    diff <(echo "$before") <(echo "$after")
}

# More of it is in tests/real_plugins/runtimes.rs.
attaches_fifty_containers() {
    local before after status=0
    before=$(traces)
    "$@" "$runtime" >"$scratch/table" 2>"$scratch/steps" || status=$?
    cat "$scratch/steps"
    [ "$status" = 0 ] || return "$status"
    after=$(traces)
    diff <(echo "$before") <(echo "$after") && [ "$(grep -c '^c0.* eth0 .* 10\.99\.0\.' "$scratch/table")" = 50 ] &&
        grep -q 'nothing is left' "$scratch/steps"
}

# Where portmap can work, falling back to fewer plugins would hide a defect.
portmap_can_work() {
    [ -x "$(real_plugins)/portmap" ] && [ -x "$(real_plugins)/tuning" ] && command -v iptables >/dev/null &&
        unshare --user --map-root-user --mount --net sh -c \
            'mount -t tmpfs tmpfs /run && iptables -t nat -n -L' >/dev/null 2>&1
}

maps_a_port() {
    local output
    output=$("$attach")
    echo "$output"
    grep -q 'TCP    mapped port, .* ok' <<<"$output"
}

# A portmap that cannot work, as on a kernel without NAT: the demo says so, cleans up and goes on.
does_without_portmap() {
    local output
    mkdir -p "$scratch/broken"
    printf '#!/bin/sh\necho "{\\"code\\": 100, \\"msg\\": \\"no NAT here\\"}"\nexit 1\n' >"$scratch/broken/portmap"
    chmod +x "$scratch/broken/portmap"
    output=$(CNI_PATH=$scratch/broken "$attach") || { local status=$? && echo "$output" && return "$status"; }
    echo "$output"
    grep -q 'no NAT here' <<<"$output"
    grep -q 'ADD    bridge, tuning  .* ok' <<<"$output"
    grep -q 'DEL    once more' <<<"$output"
}

# Runs the demo where something is missing: it must end with 77 and say so.
says() { # PATTERN COMMAND...
    local pattern=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    echo "$output"
    echo "status $status"
    [ "$status" = 77 ] && grep -q "$pattern" <<<"$output"
}

hiding_plugins() {
    local dir hide=
    for dir in /opt/cni/bin /usr/lib/cni /usr/libexec/cni; do
        [ -d "$dir" ] && hide+="mount -t tmpfs tmpfs $dir && "
    done
    CNI_PATH='' unshare --user --map-root-user --mount sh -c "${hide}exec $attach"
}

# A process that is root in a user namespace of its own, but may not make further namespaces.
# shellcheck disable=SC2016 # for the inner shell
forbidding_namespaces() {
    unshare --user --map-root-user sh -c \
        'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-sys_admin -- "$0"' "$attach"
}

run_test "the demo runs" prints_all_steps
if [ "$(id -u)" = 0 ]; then
    run_test "the demo runs as an ordinary user" prints_all_steps as_ordinary_user
else
    skip_test "the demo runs as root" "this is an ordinary user"
fi
run_test "the runtime in miniature attaches fifty containers and leaves nothing" attaches_fifty_containers
if [ "$(id -u)" = 0 ]; then
    run_test "the runtime in miniature runs as an ordinary user" attaches_fifty_containers as_ordinary_user
fi
run_test "the demo prints the result as JSON" prints_json
run_test "the demo leaves nothing on the host" leaves_nothing
if namespaces_work && portmap_can_work; then
    run_test "the demo maps a port" maps_a_port
else
    skip_test "the demo maps a port" "the portmap plugin cannot work on this machine"
fi
if namespaces_work && [ -x "$(real_plugins)/tuning" ]; then
    run_test "the demo does without a plugin that fails" does_without_portmap
else
    skip_test "the demo does without a plugin that fails" "the tuning plugin cannot work on this machine"
fi
if namespaces_work && [ -n "$(real_plugins)" ]; then
    run_test "without plugins the demo says how to get them" says 'containernetworking-plugins' hiding_plugins
    run_test "without namespaces the demo says so" says 'forbids namespaces' forbidding_namespaces
else
    skip_test "without plugins the demo says how to get them" "this machine forbids namespaces or has no plugins"
    skip_test "without namespaces the demo says so" "this machine forbids namespaces or has no plugins"
fi
finish_tests
