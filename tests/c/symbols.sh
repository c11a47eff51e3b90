#!/usr/bin/env bash
# libcni.so exports exactly the functions of tests/c/symbols.txt; `symbols.sh --update` writes that list.
set -euo pipefail
# shellcheck source=tests/c/common.sh
. "$(dirname "$0")/common.sh"

list=$root/tests/c/symbols.txt

exported() {
    nm -D --defined-only "$release/libcni.so" | awk '{ print $3 }' | LC_ALL=C sort
}

declared() {
    grep -oE '\blibcni_[a-z_]+\(' "$root/include/libcni.h" | tr -d '(' | LC_ALL=C sort -u
}

only_our_names() {
    ! exported | grep -v '^libcni_'
}

as_listed() {
    diff -u "$list" <(exported) || { echo "if that is meant: make symbols" && return 1; }
}

# Documentation in the header counts too: it names no function that does not exist.
header_agrees() {
    diff -u <(exported) <(declared)
}

if [ "${1:-}" = --update ]; then
    exported >"$list"
    exit
fi

run_test "libcni.so exports only libcni_* names" only_our_names
run_test "libcni.so exports what tests/c/symbols.txt lists" as_listed
run_test "include/libcni.h names exactly these functions" header_agrees
finish_tests
