#!/usr/bin/env bash
# Fuzzes with libFuzzer, which learns from coverage, in place of the driver in src/driver.rs. Needs a C++ compiler
# and skips visibly without; any toolchain will do.
#
#   libfuzzer.sh [TARGET...]      all targets (targets/mod.rs), or those named
#
#   ITERATIONS   executions of each target (default 200000)
#   SEED         where they begin (default 1)
set -euo pipefail
# shellcheck source=scripts/tally.sh
. "$(dirname "$0")/../scripts/tally.sh"
cd "$(dirname "$0")"

read -r -a cargo <<<"${CARGO:-cargo}"
host=$(rustc -vV | sed -n 's/^host: //p')
build=${CARGO_TARGET_DIR:-../target}/fuzz
program=$build/$host/release/libcni-fuzz

# The flags of cargo-fuzz. Naming the host as the target keeps them away from build scripts and macros.
build() {
    local flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4'
    flags+=' -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table'
    flags+=' -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1'
    RUSTFLAGS=$flags "${cargo[@]}" build --locked --quiet --release --features libfuzzer --target "$host" \
        --target-dir "$build"
}

# What it learns goes to a directory of its own: the corpus is written by hand. What it finds stays in findings/.
fuzz() {
    mkdir -p findings "$scratch/$1"
    LIBCNI_FUZZ_TARGET=$1 "$program" "$scratch/$1" "corpus/$1" -runs="${ITERATIONS:-200000}" -seed="${SEED:-1}" \
        -max_len=4096 -timeout=20 -rss_limit_mb=2048 -artifact_prefix="findings/$1-" -verbosity=0
}

targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    for corpus in corpus/*; do targets+=("$(basename "$corpus")"); done
fi
if ! command -v "${CXX:-c++}" >/dev/null; then
    skip_test "libFuzzer" "there is no C++ compiler"
else
    build
    for target in "${targets[@]}"; do run_test "$target: ${ITERATIONS:-200000} executions by libFuzzer" fuzz "$target"; done
fi
finish_tests
