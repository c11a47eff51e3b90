#!/usr/bin/env bash
# `make install` puts everything where it belongs, and a program outside the tree needs nothing else.
set -euo pipefail
# shellcheck source=tests/c/common.sh
. "$(dirname "$0")/common.sh"

staged=$scratch/staged/usr # DESTDIR=staged PREFIX=/usr, as a packager does it
prefix=$scratch/prefix     # PREFIX alone, as a developer does it
app=$scratch/app
chmod 755 "$scratch"
mkdir -p "$app"
cp "$root/tests/c/outside.c" "$app/app.c"

run_make() {
    "${MAKE:-make}" --no-print-directory -C "$root" "$@"
}

installed_files() {
    (cd "$staged" && find . ! -type d | LC_ALL=C sort)
}

expected_files() {
    cat <<FILES
./bin/cnitool
./include/libcni.h
./lib/libcni.a
./lib/libcni.so
./lib/libcni.so.$soversion
./lib/libcni.so.$version
./lib/pkgconfig/libcni.pc
./share/bash-completion/completions/cnitool
./share/fish/vendor_completions.d/cnitool.fish
./share/man/man1/cnitool.1
./share/zsh/site-functions/_cnitool
FILES
}

installs() {
    run_make install DESTDIR="$scratch/staged" PREFIX=/usr
    run_make install PREFIX="$prefix"
}

installs_these_files() {
    diff -u <(expected_files) <(installed_files)
    [ "$(readlink "$staged/lib/libcni.so")" = "libcni.so.$soversion" ]
    [ "$(readlink "$staged/lib/libcni.so.$soversion")" = "libcni.so.$version" ]
    [ -f "$staged/lib/libcni.so.$version" ] && [ ! -L "$staged/lib/libcni.so.$version" ]
}

has_the_soname() {
    readelf -d "$staged/lib/libcni.so.$version" | tee /dev/stderr | grep -q "SONAME.*\[libcni.so.$soversion\]"
}

the_loopback_plugin_is_installed_and_answers() {
    run_make install-plugins DESTDIR="$scratch/staged" PLUGINDIR=/opt/cni/bin
    CNI_COMMAND=VERSION "$scratch/staged/opt/cni/bin/loopback" <<<'{"cniVersion": "1.0.0"}' |
        jq --exit-status '.supportedVersions | contains(["1.0.0", "1.1.0"])'
}

pkg() {
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" libcni
}

pkg_config_tells() {
    [ "$(pkg --modversion)" = "$version" ]
    [ "$(pkg --variable=prefix)" = "$prefix" ]
    # The prefix of the package, not of the place where it was staged.
    grep -qx 'prefix=/usr' "$staged/lib/pkgconfig/libcni.pc"
    grep -Eqx 'Libs.private: .*-lpthread.*' "$staged/lib/pkgconfig/libcni.pc"
    ! grep -q '@' "$staged/lib/pkgconfig/libcni.pc"
}

needs_libcni() {
    readelf -d "$1" | grep -q "NEEDED.*\[libcni\.so\.$soversion\]"
}

builds_dynamically() {
    # shellcheck disable=SC2046 # flags are several words
    (cd "$app" && "${cc[@]}" app.c $(pkg --cflags --libs) -o dynamic)
    needs_libcni "$app/dynamic"
}

builds_against_the_archive() {
    # shellcheck disable=SC2046
    (cd "$app" && "${cc[@]}" app.c $(pkg --cflags) "$(pkg --variable=libdir)/libcni.a" \
        $(pkg --static --libs-only-l | sed 's/-lcni//') -o archive)
    ! needs_libcni "$app/archive"
}

builds_fully_static() {
    # shellcheck disable=SC2046
    (cd "$app" && "${cc[@]}" -static app.c $(pkg --static --cflags --libs) -o static)
    ! readelf -d "$app/static" | grep -q NEEDED
}

builds_as_cxx() {
    # shellcheck disable=SC2046
    (cd "$app" && "${CXX:-g++}" -x c++ app.c -x none $(pkg --cflags --libs) -o cxx)
}

runs_as_ordinary_user() {
    local output
    output=$(cd / && as_ordinary_user env LD_LIBRARY_PATH="$prefix/lib" "$app/$1")
    echo "$output"
    [[ $output == "libcni $version: PLUGIN_NOT_FOUND: "* ]]
}

cnitool_runs() {
    local status=0
    as_ordinary_user "$prefix/bin/cnitool" networks --conf-dir /nowhere
    as_ordinary_user "$prefix/bin/cnitool" add absent /nowhere --conf-dir /nowhere || status=$?
    [ "$status" = 3 ]
}

completions_complete() {
    local completed
    # shellcheck disable=SC2016 # for the inner shell
    completed=$(bash --norc -euc '. "$1"
        COMP_WORDS=(cnitool at) COMP_CWORD=1 COMPREPLY=()
        _cnitool cnitool at cnitool
        echo "${COMPREPLY[@]}"' _ "$prefix/share/bash-completion/completions/cnitool")
    echo "$completed"
    [ "$completed" = attachments ]
}

man_page_is_clean() {
    local page=$prefix/share/man/man1/cnitool.1
    if command -v mandoc >/dev/null; then
        mandoc -T lint -W error "$page"
    elif command -v groff >/dev/null; then
        groff -man -ww -z "$page" 2>"$scratch/groff" || true
        cat "$scratch/groff"
        [ ! -s "$scratch/groff" ]
    else
        echo "needs mandoc or groff"
        return 77
    fi
}

uninstalls() {
    run_make uninstall DESTDIR="$scratch/staged" PREFIX=/usr
    diff -u /dev/null <(installed_files)
}

has_static_c_library() {
    echo 'int main(void) { return 0; }' >"$scratch/empty.c"
    "${cc[@]}" -static "$scratch/empty.c" -o "$scratch/empty" 2>/dev/null
}

run_test "make install succeeds with DESTDIR and with PREFIX" installs
run_test "it installs exactly the library, its links, the header, libcni.pc and cnitool with its texts" installs_these_files
run_test "the SONAME is libcni.so.$soversion" has_the_soname
run_test "pkg-config tells version, prefix and static libraries" pkg_config_tells
run_test "a program outside the tree builds with pkg-config" builds_dynamically
run_test "it runs as an ordinary user" runs_as_ordinary_user dynamic
run_test "it builds against libcni.a" builds_against_the_archive
run_test "that runs as an ordinary user" runs_as_ordinary_user archive
if has_static_c_library; then
    run_test "it builds fully static" builds_fully_static
    run_test "that runs as an ordinary user, too" runs_as_ordinary_user static
else
    skip_test "it builds fully static" "the C library has no static archive here"
fi
run_test "it builds as C++" builds_as_cxx
run_test "cnitool is installed and runs as an ordinary user" cnitool_runs
run_test "the loopback plugin is installed and answers" the_loopback_plugin_is_installed_and_answers
run_test "its completions complete" completions_complete
run_test "its man page is clean" man_page_is_clean
run_test "make uninstall removes what was installed" uninstalls
finish_tests
