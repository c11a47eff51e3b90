#!/usr/bin/env bash
# Runs make targets, all of them even when one fails, and says at the end which failed and what each took:
#
#   scripts/test.sh TARGET... [-- TARGET...]
#
# Those behind `--` run beside the others, in a lane of their own. What a target prints comes when it is done.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

run_lane() { # NAME TARGET...
    local lane=$1 target started status
    shift
    for target in "$@"; do
        printf '==== make %s: begins\n' "$target" >&3
        started=$SECONDS
        status=0
        "${MAKE:-make}" --no-print-directory "$target" </dev/null >"$scratch/$lane.output" 2>&1 || status=$?
        {
            # One lane at a time: their lines would mix.
            flock 9
            printf '\n==== make %s\n' "$target"
            cat "$scratch/$lane.output"
        } 9>"$scratch/lock" >&3
        printf '%5d s  %s\n' $((SECONDS - started)) "$target" >>"$scratch/took"
        [ "$status" = 0 ] || echo "$target" >>"$scratch/failed"
    done
}

first=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    first+=("$1")
    shift
done
[ $# = 0 ] || shift

# The lane beside does not see what the terminal interrupts. This shell ends with it, by the same signal.
trap 'trap - INT TERM; kill 0' INT TERM

exec 3>&1
: >"$scratch/took"
: >"$scratch/failed"
run_lane beside "$@" &
run_lane first "${first[@]}"
wait

echo
cat "$scratch/took"
total=$((${#first[@]} + $#))
ran=$(wc -l <"$scratch/took")
# A lane that broke off (no space for its output, say) has said nothing of the rest.
[ "$ran" = "$total" ] || echo "==== FAILED: only $ran of $total parts ran to their end"
if [ -s "$scratch/failed" ]; then
    echo "==== FAILED: $(paste -sd ' ' "$scratch/failed")"
fi
[ "$ran" = "$total" ] && [ ! -s "$scratch/failed" ] || exit 1
echo "==== all $total parts of make test succeeded, in $SECONDS s"
