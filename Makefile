# The entrance for people: `make help` lists what there is. Cargo builds the library; this file runs it in
# order with everything around it: C programs, installation, tests.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
DESTDIR ?=
CARGO ?= cargo
CC ?= cc
CFLAGS ?= -O2 -g

VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml | head -n 1)
# The number in the SONAME, as build.rs sets it.
SOVERSION := $(firstword $(subst ., ,$(VERSION)))

TARGET := $(or $(CARGO_TARGET_DIR),target)
RELEASE := $(TARGET)/release
OUT := $(TARGET)/c
SHARED := $(RELEASE)/libcni.so
# The name that programs look for when they start.
SONAME := $(RELEASE)/libcni.so.$(SOVERSION)
STATIC := $(RELEASE)/libcni.a

SOURCES := Cargo.toml $(wildcard Cargo.lock .cargo/config.toml build.rs cbindgen.toml) $(shell find src -name '*.rs')
PROFILE := $(wildcard profile/cargo.sh profile/compiler profile/libcni.profdata)
EXAMPLE_CFLAGS := -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude
EXAMPLE_LDFLAGS := -L$(RELEASE) -lcni -Wl,-rpath,$(abspath $(RELEASE))

# What the scripts below need to know.
export CARGO CC
export LIBCNI_ROOT := $(CURDIR)
export LIBCNI_RELEASE := $(abspath $(RELEASE))
export LIBCNI_OUT := $(abspath $(OUT))
export LIBCNI_VERSION := $(VERSION)
export LIBCNI_SOVERSION := $(SOVERSION)

.PHONY: help
help: ## list the targets
	@echo 'libcni $(VERSION): the runtime side of the Container Network Interface as a shared library'
	@echo
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  install and uninstall take PREFIX ($(PREFIX)), DESTDIR, LIBDIR, INCLUDEDIR, BINDIR and DATADIR;'
	@echo '  demo takes JSON=1'

## Building

.PHONY: lib
lib: $(SONAME) $(STATIC) $(OUT)/native-static-libs ## build libcni.so and libcni.a (release)

# Where cargo makes what is in Rust alone and optimised: with the Rust library it makes a libcni.so, too, which must not take the place of
# the one below.
RUST := $(TARGET)/rust

# Cargo decides what to compile; the time stamp lets a later `sudo make install` do without cargo.
$(SHARED): $(SOURCES) $(PROFILE)
	profile/cargo.sh rustc --locked --release --lib --crate-type cdylib --crate-type staticlib # see Cargo.toml, [lib]
	@touch $@

# The plugin as a program, which needs neither the C ABI nor a profile: where the Rust library for the budgets is made, too.
LOOPBACK := $(RUST)/release/cni-loopback

$(LOOPBACK): $(SOURCES)
	$(CARGO) build --locked --release --bins --target-dir $(RUST)
	@touch $@

$(SONAME): $(SHARED)
	@ln -sf $(notdir $<) $@

$(STATIC): $(SHARED) ;

$(OUT):
	@mkdir -p $@

# The command. A crate of its own, built beside libcni.so into the directory of the Python module: both embed the core
# without the C ABI, and nothing of it reaches libcni.so.
CNITOOL_CRATE := --manifest-path cli/Cargo.toml --target-dir $(TARGET)/python
CNITOOL := $(TARGET)/python/release/cnitool
# What the command prints of itself, below where make install puts it.
CNITOOL_TEXTS := man/man1/cnitool.1 bash-completion/completions/cnitool zsh/site-functions/_cnitool \
	fish/vendor_completions.d/cnitool.fish

.PHONY: cnitool
cnitool: $(addprefix $(OUT)/share/,$(CNITOOL_TEXTS)) ## build the command cnitool, its man page and its completions

$(CNITOOL): $(SOURCES) cli/Cargo.toml cli/Cargo.lock $(shell find cli/src -name '*.rs')
	$(CARGO) build --locked --release $(CNITOOL_CRATE)
	@touch $@

%/man/man1/cnitool.1: $(CNITOOL)
	@mkdir -p $(@D)
	@$(CNITOOL) man >$@

%/bash-completion/completions/cnitool: $(CNITOOL)
	@mkdir -p $(@D)
	@$(CNITOOL) completions bash >$@

%/zsh/site-functions/_cnitool: $(CNITOOL)
	@mkdir -p $(@D)
	@$(CNITOOL) completions zsh >$@

%/fish/vendor_completions.d/cnitool.fish: $(CNITOOL)
	@mkdir -p $(@D)
	@$(CNITOOL) completions fish >$@

# What a program has to link besides libcni.a, as rustc reports it. The report is the same for every profile,
# so the cheap one is asked. libgcc_s is left out: the C compiler adds its own libgcc, the static one too.
$(OUT)/native-static-libs: $(SHARED) | $(OUT)
	@$(CARGO) rustc --locked --lib --crate-type staticlib -- --print native-static-libs 2>$@.log \
	    || { cat $@.log >&2; exit 1; }
	@sed -n 's/.*native-static-libs: //p' $@.log | tail -n 1 | sed 's/-lgcc_s *//' >$@
	@test -s $@ || { echo 'rustc did not report the native libraries:' >&2; cat $@.log >&2; exit 1; }

$(OUT)/attach: $(wildcard examples/c/*.[ch]) include/libcni.h $(SONAME) | $(OUT)
	$(CC) $(EXAMPLE_CFLAGS) $(CFLAGS) -o $@ $(filter-out %/quickstart.c %/networks.c %/runtime.c,$(filter %.c,$^)) $(EXAMPLE_LDFLAGS)

RUNTIME_SOURCES := $(addprefix examples/c/,runtime.c json.c netns.c plugins.c sandbox.c steps.c)

$(OUT)/runtime: $(RUNTIME_SOURCES) $(wildcard examples/c/*.h) include/libcni.h $(SONAME) | $(OUT)
	$(CC) $(EXAMPLE_CFLAGS) $(CFLAGS) -o $@ $(filter %.c,$^) $(EXAMPLE_LDFLAGS) -pthread

$(OUT)/quickstart $(OUT)/networks: $(OUT)/%: examples/c/%.c include/libcni.h $(SONAME) | $(OUT)
	$(CC) $(EXAMPLE_CFLAGS) $(CFLAGS) -o $@ $< $(EXAMPLE_LDFLAGS)

.PHONY: header
header: ## regenerate include/libcni.h from the Rust source
	LIBCNI_UPDATE_HEADER=1 $(CARGO) build --locked

.PHONY: symbols
symbols: $(SHARED) ## regenerate tests/c/symbols.txt from libcni.so
	tests/c/symbols.sh --update

.PHONY: profile
profile: ## measure anew what the compiler lays out libcni.so by (profile/README.md)
	@MAKE='$(MAKE)' profile/train.sh

.PHONY: clean
clean: ## remove everything that was built
	$(CARGO) clean

## Installing

.PHONY: install
install: lib cnitool ## install the library, the header, libcni.pc and cnitool
	install -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(INCLUDEDIR)'
	install -m 755 $(SHARED) '$(DESTDIR)$(LIBDIR)/libcni.so.$(VERSION)'
	ln -sf libcni.so.$(VERSION) '$(DESTDIR)$(LIBDIR)/libcni.so.$(SOVERSION)'
	ln -sf libcni.so.$(SOVERSION) '$(DESTDIR)$(LIBDIR)/libcni.so'
	install -m 644 $(STATIC) '$(DESTDIR)$(LIBDIR)/libcni.a'
	install -m 644 include/libcni.h '$(DESTDIR)$(INCLUDEDIR)/libcni.h'
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
	    -e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|' \
	    -e 's|@INCLUDEDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCLUDEDIR))|' \
	    -e "s|@LIBS_PRIVATE@|$$(cat $(OUT)/native-static-libs)|" \
	    include/libcni.pc.in >'$(DESTDIR)$(LIBDIR)/pkgconfig/libcni.pc'
	chmod 644 '$(DESTDIR)$(LIBDIR)/pkgconfig/libcni.pc'
	install -D -m 755 $(CNITOOL) '$(DESTDIR)$(BINDIR)/cnitool'
	for text in $(CNITOOL_TEXTS); do install -D -m 644 "$(OUT)/share/$$text" "$(DESTDIR)$(DATADIR)/$$text"; done
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ] && command -v ldconfig >/dev/null; then ldconfig; fi

.PHONY: uninstall
uninstall: ## remove what install installed
	rm -f '$(DESTDIR)$(LIBDIR)/libcni.so' '$(DESTDIR)$(LIBDIR)/libcni.so.$(SOVERSION)' \
	    '$(DESTDIR)$(LIBDIR)/libcni.so.$(VERSION)' '$(DESTDIR)$(LIBDIR)/libcni.a' \
	    '$(DESTDIR)$(LIBDIR)/pkgconfig/libcni.pc' '$(DESTDIR)$(INCLUDEDIR)/libcni.h' \
	    '$(DESTDIR)$(BINDIR)/cnitool' $(CNITOOL_TEXTS:%='$(DESTDIR)$(DATADIR)/%')

PLUGINDIR ?= /opt/cni/bin

.PHONY: install-plugins
install-plugins: $(LOOPBACK) ## install the loopback plugin into PLUGINDIR, as `loopback`
	install -d '$(DESTDIR)$(PLUGINDIR)'
	install -m 755 $(LOOPBACK) '$(DESTDIR)$(PLUGINDIR)/loopback'

## Running

.PHONY: setup
setup: ## install, or name, what demo and test need besides Rust
	@scripts/setup.sh test

.PHONY: setup-demo
setup-demo:
	@scripts/setup.sh demo

# A second make, so that it finds the compilers that the set-up has just installed, also with -j.
.PHONY: demo
demo: setup-demo ## attach a container to a network with real plugins, in private namespaces
	@$(MAKE) --no-print-directory $(OUT)/attach
	@$(OUT)/attach $(if $(JSON),--json)

.PHONY: runtime
runtime: setup-demo ## fifty containers at once, removed after Ctrl-C, in private namespaces: CONTAINERS=50 HOLD=1
	@$(MAKE) --no-print-directory $(OUT)/runtime
	@$(OUT)/runtime $(if $(CONTAINERS),--containers $(CONTAINERS)) $(if $(HOLD),--hold)

## Testing

# Two lanes, each in this order: what fails fast comes first. The second builds into directories of its own for the most
# part. Each can be run alone.
TESTS := test-fmt test-shell test-clippy test-symbols test-profile test-rust test-doc test-header test-c test-demo \
	test-readme test-install test-budgets
TESTS_BESIDE := test-python test-cnitool test-fuzz test-go test-go-upstream test-bench test-deny

.PHONY: test check $(TESTS) $(TESTS_BESIDE)
test: setup ## everything
	@+MAKE='$(MAKE)' scripts/test.sh $(TESTS) -- $(TESTS_BESIDE)

# Not the cache's crashes, the oracle and the real plugins, which take their time.
QUICK_TESTS := attachment calls configuration find_plugin gc_and_status networks plugin process result

check: test-fmt test-clippy ## the fast inner loop: format, lints, unit and quick tests
	$(CARGO) test --locked --lib $(addprefix --test ,$(QUICK_TESTS))

.PHONY: oracle
oracle: ## hold libcni beside the Go original: CASES=5000 SEED=1, or CASE=file to play one again
	$(if $(CASES),LIBCNI_ORACLE_CASES=$(CASES)) LIBCNI_ORACLE_SEED=$(or $(SEED),$$(date +%s)) \
	$(if $(CASE),LIBCNI_ORACLE_CASE=$(abspath $(CASE))) $(CARGO) test --locked --test oracle -- --nocapture

test-fmt: ## the Rust source is formatted
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) fmt --manifest-path cli/Cargo.toml --check

test-shell: ## shell scripts are clean for shellcheck
	@scripts/lint.sh

test-clippy: ## clippy has nothing to say
	$(CARGO) clippy --locked --all-targets -- -D warnings

test-rust: ## Rust unit and behaviour tests, examples
	$(CARGO) build --locked --lib # libcni.so, for the plugins in C
	$(CARGO) test --locked --lib --tests --examples --no-fail-fast

.PHONY: test-crash
test-crash: ## a thousand crashes of a process that writes to the cache
	LIBCNI_CRASH_KILLS=1000 $(CARGO) test --locked --test cache killed

test-doc: ## documentation builds without warnings, its examples run
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps
	$(CARGO) test --locked --doc

test-header: ## include/libcni.h is up to date and compiles alone as C99 and C++11
	@tests/c/header.sh

test-symbols: $(SHARED) ## libcni.so exports what tests/c/symbols.txt lists
	@tests/c/symbols.sh

test-profile: $(SHARED) ## the profile that libcni.so is laid out by is one of this library
	@profile/test.sh

test-c: $(SONAME) ## C programs: plain, under valgrind, with sanitizers
	@tests/c/run.sh

test-install: lib cnitool ## an installed libcni serves a program outside the tree
	@tests/c/install.sh

test-demo: $(OUT)/attach $(OUT)/runtime ## the demo and the runtime in miniature run, as root and as an ordinary user
	@tests/c/demo.sh

test-readme: $(OUT)/quickstart $(OUT)/networks ## the README's programs are those of the examples, and run
	@tests/c/readme.sh

test-cnitool: ## the command cnitool: lints, cases, and the original's command beside it
	$(CARGO) clippy --locked --release $(CNITOOL_CRATE) --all-targets -- -D warnings
	$(CARGO) test --locked $(CNITOOL_CRATE) --no-fail-fast

# A crate of its own, built into a directory of its own: its profile differs.
FUZZ := $(CARGO) run --quiet --locked --release --manifest-path fuzz/Cargo.toml --target-dir $(TARGET)/fuzz --

test-fuzz: ## every parser of outside data, briefly: corpus and mutations
	$(FUZZ) --iterations 2000

.PHONY: fuzz
fuzz: ## fuzz every parser of outside data: ITERATIONS=1000000 SEED=7 TARGETS='result options'
	$(FUZZ) --iterations $(or $(ITERATIONS),200000) --seed $(or $(SEED),1) $(TARGETS)

.PHONY: fuzz-libfuzzer
fuzz-libfuzzer: ## the same targets by libFuzzer, with coverage: ITERATIONS, SEED, TARGETS as for fuzz
	@ITERATIONS='$(ITERATIONS)' SEED='$(SEED)' fuzz/libfuzzer.sh $(TARGETS)

.PHONY: test-soak
test-soak: $(SONAME) ## the soak test alone, with the tools: LIBCNI_TEST_ROUNDS=600 LIBCNI_TEST_SEED=7
	@tests/c/run.sh soak

.PHONY: bench
bench: setup ## libcni beside the floor and the Go original: SCENES='latency memory' QUICK=1 PUBLISH=1
	@$(MAKE) --no-print-directory $(SONAME) wheel
	@$(PYTHON) benches/harness --scenes '$(SCENES)' --contestants '$(CONTESTANTS)' \
	    $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick) $(if $(REALTIME),--realtime) $(if $(PUBLISH),--publish)

# Python takes part with the wheel that is there.
test-bench: $(SONAME) ## the benchmarks work: every driver takes its orders
	@TOOLS=$(abspath $(TOOLS)) PYTHON=$(PYTHON) benches/test.sh

test-budgets: $(SHARED) ## system calls, allocations and instructions of operations are within their budgets
	$(CARGO) test --locked --release --target-dir $(RUST) --test budgets

.PHONY: budgets
budgets: $(SHARED) ## write the counts of today into tests/budgets/budgets.txt
	$(CARGO) test --locked --release --target-dir $(RUST) --test budgets -- --update

## Bindings

# What builds and checks the wheel, pinned by bindings/python/requirements.txt; the wheel itself needs none of it.
PYTHON ?= python3
TOOLS := $(TARGET)/python-tools
WHEELS := $(TARGET)/wheels

$(TOOLS)/.installed: bindings/python/requirements.txt
	$(PYTHON) -m venv --clear $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

.PHONY: wheel
wheel: $(TOOLS)/.installed ## build the Python wheel into target/wheels
	@rm -rf $(WHEELS)
	CARGO_TARGET_DIR='$(abspath $(TARGET)/python)' $(TOOLS)/bin/maturin build --quiet --locked --release \
	    --manifest-path bindings/python/Cargo.toml --interpreter $(PYTHON) --out $(WHEELS)
	@ls $(WHEELS)/*.whl

test-python: wheel ## the Python package, from its wheel in a fresh virtual environment
	@PYTHON=$(PYTHON) TOOLS=$(TOOLS) WHEELS=$(WHEELS) CARGO_TARGET_DIR='$(abspath $(TARGET)/python)' bindings/python/tests/run.sh

test-go: $(SONAME) $(STATIC) ## the Go package: format, vet, staticcheck, tests, also with -race
	@bindings/go/test.sh

test-go-upstream: $(SONAME) $(STATIC) ## the tests of the Go original, with our package in its place
	@bindings/go/test.sh upstream

.PHONY: test-go-containerd
test-go-containerd: $(SONAME) ## build containerd with gocni in the place of go-cni, and run its tests
	@bindings/go/test.sh containerd

test-deny: ## licences, sources and versions of the dependencies
	@scripts/deny.sh
