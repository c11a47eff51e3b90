#!/usr/bin/env bash
# Tests of the Python package, from the wheel in target/wheels: formats, lints and types of its source; what the wheel
# exports and needs; then everything else by pytest, in a virtual environment that has nothing but the wheel and pytest.
#
#   TOOLS    a virtual environment with bindings/python/requirements.txt
#   WHEELS   the directory of the one wheel
#   PYTHON   the interpreter to test with
#   CARGO_TARGET_DIR, CARGO   as for the build of the wheel
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=scripts/tally.sh
. "$root/scripts/tally.sh"

package=$root/bindings/python
programs=$(cd "$TOOLS" && pwd)/bin
wheel=$(echo "$(cd "$WHEELS" && pwd)"/libcni-*.whl)
fresh=$scratch/venv
cd "$package"

make_fresh_environment() {
    "${PYTHON:-python3}" -m venv "$fresh"
    "$fresh/bin/pip" install --quiet --disable-pip-version-check --no-deps "$wheel"
    "$fresh/bin/pip" install --quiet --disable-pip-version-check --constraint requirements.txt pytest
}

rust_source_is_formatted() {
    "${CARGO:-cargo}" fmt --check -- --config-path "$root/rustfmt.toml"
}

rust_source_is_clean() {
    "${CARGO:-cargo}" clippy --locked --release -- -D warnings
}

python_source_is_formatted() {
    "$programs/ruff" format --no-cache --config pyproject.toml --check . "$root/examples/python"
}

python_source_is_clean() {
    "$programs/ruff" check --no-cache --config pyproject.toml . "$root/examples/python"
}

# The types of the package are read from where its user has it.
types_are_right_for_mypy() {
    "$programs/mypy" --cache-dir "$scratch/mypy" --config-file pyproject.toml --python-executable "$fresh/bin/python" \
        --package libcni
    "$programs/mypy" --cache-dir "$scratch/mypy" --config-file pyproject.toml --python-executable "$fresh/bin/python" \
        "$root"/examples/python/*.py "$root"/examples/python/plugins/*.py
}

types_are_right_for_pyright() {
    "$programs/pyright" --project pyproject.toml --pythonpath "$fresh/bin/python" "$root"/examples/python/*.py "$root"/examples/python/plugins/*.py
    # This one looks for the package by the interpreter in the path alone.
    (cd "$scratch" && PATH="$fresh/bin:$PATH" "$programs/pyright" --ignoreexternal --verifytypes libcni)
}

stubs_are_those_of_the_module() {
    "$programs/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel"
    (cd "$scratch" && "$programs/python" -m mypy.stubtest libcni --mypy-config-file "$package/pyproject.toml")
}

wheel_needs_only_the_system() {
    "$programs/auditwheel" show "$wheel" | tee "$scratch/auditwheel"
    grep -q 'manylinux_2_' "$scratch/auditwheel"
}

module_exports_nothing_but_itself() {
    local exported
    exported=$(nm --dynamic --defined-only "$fresh"/lib/python*/site-packages/libcni/_libcni.abi3.so | awk '{ print $NF }')
    echo "$exported"
    [ "$exported" = PyInit__libcni ]
}

# The cases of cnitool, whose other name `python -m libcni` is.
command_behaves() {
    CNITOOL_TEST_PYTHON=$fresh/bin/python "${CARGO:-cargo}" test --locked --manifest-path "$root/cli/Cargo.toml" \
        --test cases --test documentation
}

behaves() {
    "$fresh/bin/python" -m pytest -p no:cacheprovider --quiet tests
}

run_test "the wheel can be installed into a fresh virtual environment" make_fresh_environment
run_test "the module's Rust source is formatted" rust_source_is_formatted
run_test "clippy has nothing to say about the module" rust_source_is_clean
run_test "the package's source is formatted" python_source_is_formatted
run_test "ruff has nothing to say about the package" python_source_is_clean
run_test "package and examples are right for mypy --strict" types_are_right_for_mypy
run_test "examples are right for strict pyright, and every type is known" types_are_right_for_pyright
run_test "the stubs are those of the module" stubs_are_those_of_the_module
run_test "the wheel needs only what every Linux has" wheel_needs_only_the_system
run_test "the module exports nothing but itself" module_exports_nothing_but_itself
run_test "python -m libcni does all that cnitool does" command_behaves
run_test "pytest" behaves
finish_tests
