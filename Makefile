# Every target does all of its own set-up: it needs Rust, CPython 3.10 or later, make and the network, nothing else.
# What is set up is kept in .venv and .cache, so that the second run takes seconds.

PYTHON ?= python3
CACHE := .cache
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := $(shell find crates -name '*.rs' -o -name Cargo.toml 2>/dev/null) Cargo.toml Cargo.lock
PYTHON_SOURCES := $(shell find python -name '*.py' -o -name '*.pyi' -o -name '*.txt' 2>/dev/null) pyproject.toml
CARGO_DENY := $(CACHE)/tools/bin/cargo-deny
CARGO_DENY_VERSION := 0.20.2
OLD := $(CACHE)/mem_top-0.2.1/mem_top.py
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The GNU target serves where the standard library for musl is not installed.
RUST_HOST = $(shell rustc -vV | sed -n 's/^host: //p')

export CARGO_TERM_PROGRESS_WHEN ?= never

.PHONY: help build web web-check demo test test-rust test-python test-long test-all torture lint audit bench fuzz soak interpreters wheel static clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

build: $(VENV)/.installed ## A release build, installed in .venv; the command is .venv/bin/mem_top

$(VENV)/.tools: requirements-dev.txt requirements-test.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "make: CPython 3.10 or later is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --requirement requirements-dev.txt
	touch $@

$(VENV)/.installed: $(VENV)/.tools $(RUST_SOURCES) $(PYTHON_SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --quiet
	touch $@

demo: build ## A web shop leaks its sessions; mem_top names them, and writes mem_top-demo.html for a browser
	$(BIN)/python examples/demo.py --html mem_top-demo.html

web: web/node_modules/.installed ## The script and the style of the page, made anew of web/; needs Node, which nothing else does
	cd web && node build.js

web-check: web/node_modules/.installed ## Whether these are what web/ gives
	cd web && node build.js --check

web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch $@

test: test-rust test-python ## All tests, on this Python

test-rust:
	cargo test --workspace --quiet

test-python: build $(OLD)
	$(BIN)/python -m pytest -n auto --dist loadgroup

test-long: ## Tests that take longer: a reader of another process killed 200 times, at any moment
	cargo test --quiet --package memtop-remote --test side_effects -- --ignored --exact --nocapture \
	  a_reader_killed_200_times_leaves_the_process_running_and_loses_no_signal

$(OLD): $(VENV)/.tools
	$(PIP) install --no-deps --upgrade --target $(dir $@) mem_top==0.2.1
	touch $@

test-all: $(VENV)/.tools $(OLD) $(CACHE)/wheel/.built ## The Python tests on every CPython from 3.10 to 3.15 that is found
	$(BIN)/python tools/matrix.py --wheel $(CACHE)/wheel $(if $(CI),--all-required --but-own,)

torture: $(VENV)/.tools $(CACHE)/wheel/.built ## Extensions that lie and busy real libraries on CPython 3.10 to 3.14, captured from within and from outside
	$(BIN)/python tools/torture.py --wheel $(CACHE)/wheel $(TORTURE)

lint: build $(CARGO_DENY) ## Formatting, clippy, ruff, mypy, stubtest, licences and sources of dependencies
	cargo fmt --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest mem_top
	$(CARGO_DENY) --log-level error check licenses bans sources

audit: $(CARGO_DENY) ## Known weaknesses of dependencies; needs the advisory database from the network
	$(CARGO_DENY) check advisories

# A debug build takes a minute where an optimised one takes four, and runs for one second. Nobody debugs it.
$(CARGO_DENY):
	CARGO_PROFILE_DEV_DEBUG=false cargo install cargo-deny --locked --quiet --debug --version $(CARGO_DENY_VERSION) --root $(CACHE)/tools

bench: build $(CACHE)/pause ## mem_top beside its peers, on one heap; writes docs/benchmarks.md (BENCH_LARGE=1 for 10^7 objects)
	$(BIN)/python bench/run.py

# What measures the pause of a copy from outside.
$(CACHE)/pause: $(RUST_SOURCES)
	cargo build --quiet --release --package memtop-remote --example pause
	mkdir -p $(CACHE)
	touch $@

fuzz: build ## Ten minutes each of odd objects, damaged snapshots, and damaged memory of other processes (FUZZ_SECONDS=600)
	$(BIN)/python tests/fuzz_preview.py --seconds $${FUZZ_SECONDS:-600}
	cargo run --quiet --release --package memtop-snapshot --example fuzz_reader -- --seconds $${FUZZ_SECONDS:-600}
	cargo run --quiet --profile fuzz --package memtop-remote --example fuzz_decoder -- --seconds $${FUZZ_SECONDS:-600}

soak: build ## 60 captures by the live view of a process with a million objects: for how long it stood still
	$(BIN)/python tools/soak.py

interpreters: ## CPython 3.8 to 3.15: finds those that are installed, fetches 3.14 and 3.15 on Debian
	$(PYTHON) tools/interpreters.py

wheel: $(CACHE)/wheel/.built ## The wheel, in .cache/wheel

$(CACHE)/wheel/.built: $(VENV)/.tools $(RUST_SOURCES) $(PYTHON_SOURCES) README.md
	rm -rf $(CACHE)/wheel
	$(BIN)/maturin build --release --quiet --out $(CACHE)/wheel
	touch $@

# With --target the flag is for the binary alone: what is run while it is built is linked as usual.
static: ## The stand-alone command as one fully static binary, which needs no Python and no libraries: dist/mem_top
	CARGO_PROFILE_RELEASE_STRIP=debuginfo RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --quiet --package memtop-cli --target $(RUST_HOST)
	mkdir -p dist
	cp target/$(RUST_HOST)/release/mem_top dist/mem_top

clean: ## Removes all that make has built or fetched
	rm -rf $(VENV) $(CACHE) target dist web/node_modules
