#!/usr/bin/env bash
# Runs the named make targets one after the other, all of them even when one fails, and says at the end
# which failed.
set -euo pipefail

failed=()
for target in "$@"; do
    printf '\n==== make %s\n' "$target"
    "${MAKE:-make}" --no-print-directory "$target" </dev/null || failed+=("$target")
done

echo
if [ ${#failed[@]} -gt 0 ]; then
    echo "==== FAILED: ${failed[*]}"
    exit 1
fi
echo "==== all $# parts of make test succeeded"
