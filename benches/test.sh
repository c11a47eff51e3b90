#!/usr/bin/env bash
# The benchmarks work: every contestant that the machine can have takes its orders, and what comes of it can be read. What
# it measures here means nothing.
#
#   TOOLS    a virtual environment with bindings/python/requirements.txt; without it the source is not looked at
#   PYTHON, CARGO, GO, CC   as for `make bench`
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/tally.sh
. scripts/tally.sh

python=${PYTHON:-python3}
record=$scratch/bench.json

source_is_formatted() {
    "$TOOLS/bin/ruff" format --no-cache --check benches
}

source_is_clean() {
    "$TOOLS/bin/ruff" check --no-cache benches
}

types_are_right() {
    MYPYPATH=benches "$TOOLS/bin/mypy" --strict --cache-dir "$scratch/mypy" --package harness
}

go_source_is_clean() {
    command -v "${GO:-go}" >/dev/null || exit 77
    cd benches/drivers/go
    [ -z "$("$("${GO:-go}" env GOROOT)/bin/gofmt" -l .)" ]
    GOWORK=off "${GO:-go}" vet .
    GOWORK=off "${GO:-go}" vet -tags=binding,libcni_dev .
}

every_driver_takes_its_orders() {
    "$python" benches/harness --smoke --rounds 2 --out "$record" >"$scratch/table"
}

# What the run has must be what it says that it has: each series with two rounds of each of its contestants.
the_record_has_its_shape() {
    jq --exit-status '
        .format == 1 and (.machine.processor | length > 0)
        and (.settings.contestants - ["core", "python", "go", "original"] == ["floor", "vfork", "fork", "abi"])
        and (.series | length > 150)
        and all(.series[]; .unit as $unit | ["ns", "cpuNs", "allocations", "bytes", "count", "calls"] | any(. == $unit))
        and all(.series[].values; length > 0)
        and all(.series[] | select(.scene != "libcni.so stripped" and .unit != "calls") | .values[]; length == 2)
        and ([.series[].values | keys] | add | unique | contains(["floor", "abi", "library", "large", "small"]))
        and all(.targets[]; .bound and .where and (.met | type == "boolean") and (.quartiles | length == 2))' "$record"
}

every_contestant_that_can_be_had_is_there() {
    local wanted='["core"]'
    command -v "${GO:-go}" >/dev/null && wanted='["core", "go", "original"]'
    jq --exit-status --argjson wanted "$wanted" '.settings.contestants | contains($wanted)' "$record"
}

the_page_and_its_charts_can_be_written() {
    "$python" benches/harness --read "$record" --publish "$scratch/page" >"$scratch/again"
    grep -q '^## Targets' "$scratch/page/results.md"
    "$python" - "$scratch"/page/*.svg <<'PYTHON'
import sys
import xml.etree.ElementTree

charts = [xml.etree.ElementTree.parse(path).getroot() for path in sys.argv[1:]]
dots = [len(chart.findall(".//{http://www.w3.org/2000/svg}g")) for chart in charts]
assert len(dots) == 5 and min(dots) > 0, dots
PYTHON
}

if [ -x "${TOOLS:-}/bin/ruff" ]; then
    run_test "the harness's source is formatted" source_is_formatted
    run_test "ruff has nothing to say about the harness" source_is_clean
    run_test "the harness is right for mypy --strict" types_are_right
else
    skip_test "the harness's source" "the tools are not installed (make wheel)"
fi
run_test "the Go driver is formatted, and go vet has nothing to say" go_source_is_clean
run_test "every driver takes its orders" every_driver_takes_its_orders
run_test "the record has its shape" the_record_has_its_shape
run_test "every contestant that can be had is there" every_contestant_that_can_be_had_is_there
run_test "the page and its charts can be written" the_page_and_its_charts_can_be_written
finish_tests
