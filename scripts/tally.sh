# shellcheck shell=bash
# For tests written in shell: one line per test, and the sum at the end. To be sourced.
#
#   run_test NAME COMMAND...   passes when the command succeeds, counts as skipped when it ends with 77; shows
#                              the command's output unless it passes; a function runs with `set -e`
#   skip_test NAME WHY         counts as skipped, visibly
#   finish_tests               prints the sum; fails when a test failed
#   $scratch                   a directory of the script's own, removed at the end

passed=0 failures=0 skipped=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

pass_test() {
    passed=$((passed + 1))
    echo "ok - $1"
}

fail_test() {
    failures=$((failures + 1))
    echo "FAILED - $1"
}

skip_test() {
    skipped=$((skipped + 1))
    echo "skipped - $1: $2"
}

run_test() {
    local name=$1 log=$scratch/.log status
    shift
    # Not in an `if`: bash switches `set -e` off in there.
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    case $status in
    0) pass_test "$name" ;;
    77) skip_test "$name" "$(tail -n 1 "$log" | sed 's/^ *//')" ;;
    *)
        fail_test "$name"
        echo "    status $status; output:"
        sed 's/^/    /' "$log"
        ;;
    esac
}

finish_tests() {
    echo
    echo "$passed passed, $failures failed, $skipped skipped"
    [ "$failures" = 0 ]
}
