#!/usr/bin/env bash
# Makes libcni.profdata anew: an instrumented libcni.so runs the benchmarks' operations. See README.md; `make profile` calls this.
set -euo pipefail
cd "$(dirname "$0")/.."

rustc=${RUSTC:-rustc}
merge=$(find "$("$rustc" --print sysroot)/lib/rustlib" -name llvm-profdata -type f -print -quit)
if [ -z "$merge" ]; then
    echo "profile: the compiler's llvm-profdata is missing; get it with: rustup component add llvm-tools" >&2
    exit 1
fi

export CARGO_TARGET_DIR=$PWD/target/profile
export LIBCNI_PROFILE_TO=$CARGO_TARGET_DIR/counts
# As `make lib` makes it: the names of functions depend on what is asked of cargo, though not on the directory.
"${MAKE:-make}" --no-print-directory "$CARGO_TARGET_DIR/release/libcni.so.0"
# What was compiled to run while compiling has counted, too.
rm -rf "$LIBCNI_PROFILE_TO"

# Their figures mean nothing, as counting takes time.
if ! python3 benches/harness --quick --contestants abi --scenes 'latency throughput disk calls micro listing parts' \
    >"$CARGO_TARGET_DIR/train.log" 2>&1; then
    tail -n 20 "$CARGO_TARGET_DIR/train.log" >&2
    exit 1
fi

"$merge" merge --sparse --output profile/libcni.profdata "$LIBCNI_PROFILE_TO"/*.profraw
"$rustc" --version >profile/compiler
"$merge" show profile/libcni.profdata | grep -i 'functions'
