#!/usr/bin/env bash
# The profile is one of this library, as this compiler makes it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/tally.sh
. scripts/tally.sh

library=${LIBCNI_RELEASE:-$PWD/target/release}/libcni.so

functions() {
    grep --only-matching '_ZN[A-Za-z0-9_$.]*17h[0-9a-f]\{16\}E' | LC_ALL=C sort --unique
}

# Most: some were put into all their callers, and so are in the library no longer.
most_of_its_functions_are_in_the_library() {
    strings -n 20 profile/libcni.profdata | functions >"$scratch/profile"
    nm "$library" | functions >"$scratch/library"
    local all found
    all=$(wc -l <"$scratch/profile")
    found=$(LC_ALL=C comm -12 "$scratch/profile" "$scratch/library" | wc -l)
    echo "$found of $all functions in the profile are in $library; make it anew: make profile"
    [ "$all" -gt 100 ] && [ $((found * 2)) -gt "$all" ]
}

if [ "$("${RUSTC:-rustc}" --version)" = "$(cat profile/compiler)" ]; then
    run_test "most functions of the profile are in the library" most_of_its_functions_are_in_the_library
else
    skip_test "most functions of the profile are in the library" "it was made by $(cat profile/compiler)"
fi
finish_tests
