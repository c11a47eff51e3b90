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
    run_test "licences, sources and versions of the dependencies" "$cargo" deny --locked check licenses sources bans
    if "$cargo" deny fetch db >/dev/null 2>&1; then
        run_test "no dependency has a known advisory" "$cargo" deny --locked check advisories
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
