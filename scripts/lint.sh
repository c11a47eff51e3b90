#!/usr/bin/env bash
# Every shell script of the repository is clean for shellcheck.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/tally.sh
. scripts/tally.sh

if command -v shellcheck >/dev/null; then
    run_test "shell scripts are clean for shellcheck" shellcheck --external-sources .ci/run scripts/*.sh profile/*.sh tests/c/*.sh fuzz/*.sh benches/*.sh bindings/*/*.sh bindings/*/tests/*.sh
else
    skip_test "shell scripts are clean for shellcheck" "shellcheck is not installed"
fi
finish_tests
