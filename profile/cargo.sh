#!/usr/bin/env bash
# cargo.sh ARGUMENTS: cargo, told to compile by the profile beside this file, or, where LIBCNI_PROFILE_TO names a directory, to compile
# what writes a profile there. See README.md.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ -n "${LIBCNI_PROFILE_TO:-}" ]; then
    flags=("-Cprofile-generate=$LIBCNI_PROFILE_TO")
elif [ "$("${RUSTC:-rustc}" --version)" = "$(cat "$here/compiler")" ]; then
    flags=(
        "-Cprofile-use=$here/libcni.profdata"
        # Hot is what four fifths of all counts fall on; the rest is compiled for size, even though the library is small.
        -Cllvm-args=-profile-summary-cutoff-hot=800000
        -Cllvm-args=-pgso-lwss-only=false
        # Hot calls are put into their callers no more eagerly than others: it made the library a third larger and hardly faster.
        -Cllvm-args=-hot-callsite-threshold=75
        -Cllvm-args=-inlinehint-threshold=100
        -Cllvm-args=-inline-cold-callsite-threshold=5
        # A function that has changed since is compiled as if it never ran, which costs it less than it saves in size.
        -Cllvm-args=-no-pgo-warn-mismatch
    )
else
    # How functions are called in the profile, and their parts numbered, is one compiler's.
    echo "profile: not used, since it was made by $(cat "$here/compiler"); see profile/README.md" >&2
    exec "${CARGO:-cargo}" "$@"
fi

# As an array in TOML, to which cargo adds what .cargo/config.toml has.
printf -v list "'%s'," "${flags[@]}"
exec "${CARGO:-cargo}" --config "build.rustflags=[$list]" "$@"
