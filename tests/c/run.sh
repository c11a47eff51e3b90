#!/usr/bin/env bash
# Compiles the C tests and runs them three times: plainly, under valgrind, and with sanitizers compiled in; those
# with threads under helgrind, too.
#
#   run.sh [PROGRAM...]     all of them, or those named: run.sh operations contexts
set -euo pipefail
# shellcheck source=tests/c/common.sh
. "$(dirname "$0")/common.sh"

programs=("$@")
if [ ${#programs[@]} = 0 ]; then
    programs=(basics bad_input configuration operations other_operations plugin_errors contexts hooks threads
        evil_plugins hostile_hosts limits environment hook_answers plugin_side networks networks_input networks_watch
        soak)
fi

export LIBCNI_VERSION=$version LIBCNI_SOVERSION=$soversion LIBCNI_TEST_MARK=seen
export LIBCNI_TEST_PLUGINS=$scratch/plugins TMPDIR=$scratch

tests=$root/tests/c
includes=(-I"$root/include" -I"$root/examples/c" -I"$tests")
shared=("$tests/test.c" "$tests/fixture.c" "$tests/functions.c" "$tests/wrong_texts.c"
    "$tests/alone.c" "$tests/evil.c" "$tests/node.c"
    "$root/examples/c/json.c")
libraries=(-L"$release" -lcni "-Wl,-rpath,$release" -pthread)

compile() { # DIRECTORY FLAGS...
    local into=$1 source object program
    local -a objects=()
    shift
    mkdir -p "$into"
    for source in "${shared[@]}"; do
        object=$into/$(basename "$source" .c).o
        "${cc[@]}" "${strict[@]}" "$@" "${includes[@]}" -c "$source" -o "$object"
        objects+=("$object")
    done
    for program in "${programs[@]}"; do
        "${cc[@]}" "${strict[@]}" "$@" "${includes[@]}" "$tests/$program.c" "${objects[@]}" "${libraries[@]}" \
            -o "$into/$program"
    done
}

# What a tool cannot run, and why.
not_under_valgrind() {
    case $1 in
    hostile_hosts) echo "each test is a process of its own, of which valgrind hears nothing, and takes minutes" ;;
    esac
}

# The soak under a tool is short, and its memory is the tool's.
briefly() {
    LIBCNI_TEST_ROUNDS=2 "$@"
}

build_plugins() {
    local name
    mkdir -p "$LIBCNI_TEST_PLUGINS"
    "${cc[@]}" "${strict[@]}" -O1 "${includes[@]}" "$root/tests/plugins/fake.c" "$root/examples/c/json.c" \
        -o "$LIBCNI_TEST_PLUGINS/first"
    # Statically if that is possible, so that it runs in an empty root.
    "${cc[@]}" "${strict[@]}" -O1 -static "$root/tests/plugins/evil.c" -o "$LIBCNI_TEST_PLUGINS/evil" 2>/dev/null ||
        "${cc[@]}" "${strict[@]}" -O1 "$root/tests/plugins/evil.c" -o "$LIBCNI_TEST_PLUGINS/evil"
    for name in second third; do cp "$LIBCNI_TEST_PLUGINS/first" "$LIBCNI_TEST_PLUGINS/$name"; done
}

# Each of a program's own tests counts; a program that ends otherwise than it should counts as one that failed.
run_plainly() {
    local program=$1 log=$scratch/$1.log status=0 reported
    "$scratch/plain/$program" >"$log" 2>&1 </dev/null || status=$?
    cat "$log"
    reported=$(grep -c '^FAILED - ' "$log" || true)
    passed=$((passed + $(grep -c '^ok - ' "$log" || true)))
    failures=$((failures + reported))
    skipped=$((skipped + $(grep -c '^skipped - ' "$log" || true)))
    if [ "$status" -gt 1 ] || { [ "$status" = 1 ] && [ "$reported" = 0 ]; }; then
        fail_test "$program ends well (status $status)"
    fi
}

under_valgrind() {
    valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 --trace-children=no \
        --child-silent-after-fork=yes --suppressions="$tests/valgrind.supp" "$scratch/plain/$1"
}

under_helgrind() {
    valgrind --tool=helgrind --quiet --error-exitcode=99 --trace-children=no --child-silent-after-fork=yes \
        --suppressions="$tests/helgrind.supp" "$scratch/plain/$1"
}

sanitizers_work() {
    echo 'int main(void) { return 0; }' >"$scratch/empty.c"
    "${cc[@]}" -fsanitize=address,undefined "$scratch/empty.c" -o "$scratch/empty" 2>/dev/null && "$scratch/empty"
}

build_plugins
compile "$scratch/plain" -g -O1

for program in "${programs[@]}"; do
    echo "# $program"
    run_plainly "$program"
done

echo "# under valgrind"
for program in "${programs[@]}"; do
    if ! command -v valgrind >/dev/null; then
        skip_test "$program under valgrind" "valgrind is not installed"
    elif [ -n "$(not_under_valgrind "$program")" ]; then
        skip_test "$program under valgrind" "$(not_under_valgrind "$program")"
    else
        run_test "$program under valgrind" briefly under_valgrind "$program"
    fi
done

echo "# threads under helgrind"
for program in "${programs[@]}"; do
    case $program in threads | networks | soak) ;; *) continue ;; esac
    if command -v valgrind >/dev/null; then
        run_test "$program under helgrind" briefly under_helgrind "$program"
    else
        skip_test "$program under helgrind" "valgrind is not installed"
    fi
done

# It has a `clone` of its own.
echo "# with the thread sanitizer"
thread_sanitizer_works() {
    "${cc[@]}" -fsanitize=thread "$scratch/empty.c" -o "$scratch/empty" 2>/dev/null && setarch -R "$scratch/empty"
}
echo 'int main(void) { return 0; }' >"$scratch/empty.c"
if thread_sanitizer_works; then
    compile "$scratch/thread" -g -O1 -fsanitize=thread
fi
for program in "${programs[@]}"; do
    case $program in operations) ;; *) continue ;; esac
    if [ -x "$scratch/thread/$program" ]; then
        run_test "$program with the thread sanitizer" setarch -R "$scratch/thread/$program"
    else
        skip_test "$program with the thread sanitizer" "${cc[*]} cannot build with -fsanitize=thread, or not run it"
    fi
done

echo "# with address and undefined behaviour sanitizers"
if sanitizers_work; then
    compile "$scratch/sanitized" -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
fi
for program in "${programs[@]}"; do
    if [ -x "$scratch/sanitized/$program" ]; then
        run_test "$program with sanitizers" briefly "$scratch/sanitized/$program"
    else
        skip_test "$program with sanitizers" "${cc[*]} cannot build with -fsanitize=address,undefined"
    fi
done

finish_tests
