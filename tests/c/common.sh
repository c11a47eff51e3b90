# shellcheck shell=bash disable=SC2034 # the scripts that source this use them
# Where things are, for the tests in this directory. `make` says it; alone, they take what `make lib` left.
# To be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/tally.sh
. "$root/scripts/tally.sh"

release=${LIBCNI_RELEASE:-$root/target/release}
out=${LIBCNI_OUT:-$root/target/c}
version=${LIBCNI_VERSION:-$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)}
soversion=${LIBCNI_SOVERSION:-${version%%.*}}
read -r -a cc <<<"${CC:-cc}"
strict=(-std=c11 -Wall -Wextra -Wpedantic -Werror)

# Ordinary users often lack the directories of ip and iptables in their path.
PATH=$PATH:/usr/sbin:/sbin

# Runs a command as nobody in particular: without root rights, also when the tests have them.
as_ordinary_user() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
    else
        "$@"
    fi
}

# The directory of the real plugins, or nothing.
real_plugins() {
    local dir
    local -a dirs
    IFS=: read -r -a dirs <<<"${CNI_PATH:-}:/opt/cni/bin:/usr/lib/cni:/usr/libexec/cni"
    for dir in "${dirs[@]}"; do
        if [ -x "$dir/bridge" ] && [ -x "$dir/host-local" ]; then
            echo "$dir"
            return
        fi
    done
}
