#!/usr/bin/env bash
# Licences, sources and versions of the dependencies by deny.toml; known advisories where the database can
# be had.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/tally.sh
. scripts/tally.sh

cargo=${CARGO:-cargo}

has_tomllib() {
    python3 -c 'import tomllib' 2>/dev/null
}

if "$cargo" deny --version >/dev/null 2>&1; then
    for manifest in Cargo.toml cli/Cargo.toml; do
        run_test "licences, sources and versions of the dependencies of $manifest" \
            "$cargo" deny --locked --manifest-path "$manifest" check --config deny.toml licenses sources bans
    done
    if "$cargo" deny fetch db >/dev/null 2>&1; then
        for manifest in Cargo.toml cli/Cargo.toml; do
            run_test "no dependency of $manifest has a known advisory" \
                "$cargo" deny --locked --manifest-path "$manifest" check --config deny.toml advisories
        done
    else
        skip_test "no dependency has a known advisory" "the advisory database cannot be reached"
    fi
else
    if has_tomllib; then
        run_test "licences, sources and versions of the dependencies" python3 scripts/licences.py
    else
        skip_test "licences, sources and versions of the dependencies" "needs cargo-deny, or python3 3.11"
    fi
    skip_test "no dependency has a known advisory" "cargo-deny is not installed"
fi
finish_tests
