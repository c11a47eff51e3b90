#!/usr/bin/env bash
# Runs the named make targets one after the other, all of them even when one fails, and says at the end
# which failed and what each took.
set -euo pipefail

failed=()
took=()
for target in "$@"; do
    printf '\n==== make %s\n' "$target"
    started=$SECONDS
    "${MAKE:-make}" --no-print-directory "$target" </dev/null || failed+=("$target")
    took+=("$(printf '%5d s  %s' $((SECONDS - started)) "$target")")
done

echo
printf '%s\n' "${took[@]}"
if [ ${#failed[@]} -gt 0 ]; then
    echo "==== FAILED: ${failed[*]}"
    exit 1
fi
echo "==== all $# parts of make test succeeded"
