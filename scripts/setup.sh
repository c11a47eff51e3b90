#!/usr/bin/env bash
# Makes this machine ready for `make demo` or `make test`: setup.sh demo|test
#
# On Debian and Ubuntu, as root, it installs what is missing. Elsewhere it names what is missing and how to
# get it. It fails only when something is missing that the purpose cannot do without; tests that lack
# something else count as skipped.
set -euo pipefail

purpose=${1:-test}
case $purpose in demo | test) ;; *) echo "usage: setup.sh demo|test" >&2 && exit 2 ;; esac

# Ordinary users often lack the directories of ip, iptables and nft in their path.
PATH=$PATH:/usr/sbin:/sbin

# shellcheck disable=SC2317 # the table below calls them
has_plugins() {
    local dir
    local -a dirs
    IFS=: read -r -a dirs <<<"${CNI_PATH:-}:/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni"
    for dir in "${dirs[@]}"; do
        [ -x "$dir/bridge" ] && [ -x "$dir/host-local" ] && return 0
    done
    return 1
}

# shellcheck disable=SC2317
has_c_library() {
    echo '#include <stdio.h>' | "${CC:-cc}" -E - >/dev/null 2>&1
}

has_program() {
    command -v "$1" >/dev/null
}

# purposes | weight | Debian package | what it is for | how to tell that it is there
needs() {
    cat <<'TABLE'
demo test|essential|gcc|the C compiler|has_program ${CC:-cc}
demo test|essential|libc6-dev|the C library's headers|has_c_library
demo|essential|containernetworking-plugins|the plugins bridge and host-local|has_plugins
test|optional|containernetworking-plugins|the plugins that the demo attaches with|has_plugins
demo test|optional|iptables|port mappings by the portmap plugin|has_program iptables
test|essential|g++|the header as C++|has_program g++
test|essential|binutils|the exported symbols (nm, readelf)|has_program readelf
test|essential|pkg-config|the installed library|has_program pkg-config
test|essential|jq|reading JSON in shell tests|has_program jq
test|essential|python3|the licence check|has_program python3
test|essential|python3-venv|virtual environments for the Python package|python3 -c 'import ensurepip, venv'
test|essential|util-linux|private namespaces for tests (unshare, setpriv)|has_program unshare
test|optional|iproute2|network namespaces for the quickstart|has_program ip
test|optional|nftables|port mappings by newer plugins|has_program nft
test|optional|strace|crashes of the cache at every system call, and budgets of calls|has_program strace
test|optional|golang-go|the Go package, the oracle and the newest plugins (1.24 or later)|has_program go
test|optional|valgrind|C tests under valgrind, and budgets of instructions|has_program valgrind
test|optional|shellcheck|the lint of shell scripts|has_program shellcheck
TABLE
}

# Sets `missing` to the table's lines for this purpose whose test fails.
look() {
    local line purposes test
    missing=()
    while IFS= read -r line; do
        purposes=${line%%|*} test=${line##*|}
        [[ " $purposes " == *" $purpose "* ]] || continue
        eval "$test" || missing+=("$line")
    done < <(needs)
}

packages() {
    printf '%s\n' "${missing[@]}" | cut -d'|' -f3 | sort -u | tr '\n' ' '
}

install_missing() {
    local log
    log=$(mktemp)
    echo "setup: installing $(packages)"
    export DEBIAN_FRONTEND=noninteractive
    # A repository that cannot be reached need not be the one that has the packages.
    apt-get update -qq >"$log" 2>&1 </dev/null || true
    # shellcheck disable=SC2046 # one word per package
    if ! apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 $(packages) \
        >>"$log" 2>&1 </dev/null; then
        echo "setup: apt-get failed:" >&2
        tail -n 20 "$log" >&2
    fi
    rm -f "$log"
}

report_missing() {
    local line weight package use essential=0
    for line in "${missing[@]}"; do
        IFS='|' read -r _ weight package use _ <<<"$line"
        [ "$weight" = essential ] && essential=1
        echo "setup: missing ($weight): $package, for $use" >&2
    done
    if has_program apt-get; then
        echo "setup: get it with: sudo apt-get install $(packages)" >&2
    else
        echo "setup: these are the names of Debian's packages; your system's may differ a little." >&2
        echo "setup: plugins: https://github.com/containernetworking/plugins/releases, unpacked to /opt/cni/bin" >&2
    fi
    return $essential
}

check_rust() {
    local cargo=${CARGO:-cargo} part failed=0
    if ! has_program "$cargo"; then
        echo "setup: missing (essential): cargo and rustc; get them from https://rustup.rs" >&2
        return 1
    fi
    [ "$purpose" = test ] || return 0
    for part in fmt clippy; do
        if ! "$cargo" "$part" --version >/dev/null 2>&1; then
            echo "setup: missing (essential): cargo $part; get it with: rustup component add rustfmt clippy" >&2
            failed=1
        fi
    done
    return $failed
}

failed=0
look
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && has_program apt-get; then
    install_missing
    look
fi
if [ ${#missing[@]} -gt 0 ]; then
    report_missing || failed=1
fi
check_rust || failed=1
exit $failed
