#!/usr/bin/env bash
# The committed header is the one that the source gives, and compiles alone in every language it promises.
set -euo pipefail
# shellcheck source=tests/c/common.sh
. "$(dirname "$0")/common.sh"

cd "$root"

# build.rs writes the header next to everything else it generates; cargo knows where that is.
header_is_up_to_date() {
    local generated
    generated=$("${CARGO:-cargo}" build --locked --message-format=json 2>"$scratch/cargo.log" |
        jq -r 'select(.reason == "build-script-executed") | .out_dir + "/libcni.h"' |
        while IFS= read -r path; do if [ -f "$path" ]; then echo "$path"; fi; done) ||
        { cat "$scratch/cargo.log" && return 1; }
    [ -n "$generated" ] || { echo "build.rs generated no libcni.h" && return 1; }
    diff -u include/libcni.h "$generated" || { echo "run: make header" && return 1; }
}

compiles_alone() { # COMPILER STANDARD LANGUAGE
    echo '#include <libcni.h>' >"$scratch/alone"
    # Twice, for the include guard.
    echo '#include <libcni.h>' >>"$scratch/alone"
    # shellcheck disable=SC2086 # a compiler can be two words
    $1 "-std=$2" -x "$3" -Wall -Wextra -Wpedantic -Wredundant-decls -pedantic-errors -Werror \
        -I"$root/include" -fsyntax-only "$scratch/alone"
}

# A C program cannot find a function that a C++ compiler has mangled.
functions_have_c_linkage_in_cxx() {
    printf '#include <libcni.h>\nconst char *(*f)(void) = libcni_version;\n' >"$scratch/linkage.cc"
    # shellcheck disable=SC2086
    ${CXX:-g++} -I"$root/include" -c "$scratch/linkage.cc" -o "$scratch/linkage.o"
    nm "$scratch/linkage.o" | grep -q ' U libcni_version$'
}

run_test "include/libcni.h is what the source gives" header_is_up_to_date
for standard in c99 c11; do
    run_test "the header compiles alone as $standard" compiles_alone "${cc[*]}" "$standard" c
done
if command -v "${CXX:-g++}" >/dev/null; then
    for standard in c++11 c++17; do
        run_test "the header compiles alone as $standard" compiles_alone "${CXX:-g++}" "$standard" c++
    done
    run_test "its functions have C linkage in C++" functions_have_c_linkage_in_cxx
else
    skip_test "the header as C++" "${CXX:-g++} is not installed"
fi
finish_tests
