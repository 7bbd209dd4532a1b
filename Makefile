# Every command people run. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Where this is set, each of the hundreds of processes the tests start would compile the whole hub anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
UI := hub/ui
UI_SOURCES := $(shell find $(UI) \( -name node_modules -o -name dist \) -prune -o -type f -print 2>/dev/null) \
	$(wildcard schemas/messages/*.json)

# A stamp is newer than what it was made from, or the step is done again.
TOOLS := .venv/.tools
LOCKED := .venv/.locked
INSTALLED := .venv/.installed
MODULES := $(UI)/node_modules/.installed
BUILT := $(UI)/dist/.built

# Long runs over whole engines: measuring their coverage would take as long again and say nothing new.
BREAKING := crash fuzz machine power

.PHONY: help setup run test check bench test-crash test-crash-long test-mutants test-machine-long reliability screenshots test-packages wheel

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: $(INSTALLED) $(BUILT) ## create .venv from the lock, build the front end (only what changed)

run: setup ## the demo county and the hub: the story, then portal and systems stay up
	@$(BIN)/hub demo

test: setup test-packages check ## check, then every test, with the coverage gate
	@npm --prefix $(UI) test --silent
	@$(BIN)/coverage erase
	@rm -rf .faults
	@$(BIN)/pytest -q -n 2 --dist loadfile $(addprefix --ignore tests/,browser $(BREAKING) mutants/test_mutants.py) --cov --cov-report=term
	@$(BIN)/coverage report --skip-covered --fail-under=100 --include='hub/model/*,hub/outbox/*,hub/mapping/*'
	@$(BIN)/pytest -q -n 2 --dist loadfile $(addprefix tests/,$(BREAKING))
	@$(BIN)/pytest -q -n 2 --dist loadfile tests/browser

check: $(INSTALLED) ## style, types, import contracts, and the county's own files
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/hub check

bench: setup ## the measured workload of docs/performance.md (BENCH=--quick for a minute's worth)
	@$(BIN)/python -m benchmarks $(BENCH)

test-crash: setup ## kill -9 two hundred times on SQLite, sixty on PostgreSQL, at every failpoint
	@$(BIN)/pytest -q tests/crash

test-crash-long: setup ## the same with 2,000 and 600 kills and 500 orderly stops
	@KILLS=2000 TERMS=500 $(BIN)/pytest -q tests/crash

test-mutants: setup ## wrong engines on purpose: the suite must find each; `make test` only checks that they can be made
	@$(BIN)/pytest -q -n 2 tests/mutants

test-machine-long: setup ## many times as many new stories of the state machines, and a month with 100,000 waiting
	@MACHINE_SEED=$${MACHINE_SEED:-$$RANDOM} MACHINE_EXAMPLES=5000 MONTH_BACKLOG=100000 $(BIN)/pytest -q tests/machine

reliability: $(INSTALLED) ## the fault matrix of docs/reliability.md, from the tests' marks and last results
	@$(BIN)/python -m tests.faults.table

screenshots: setup test-packages ## the pictures of the docs, taken from the running demo
	@$(BIN)/python -m deploy.pictures docs/images

wheel: setup ## dist/fillonce-*.whl, front end included
	@$(BIN)/uv build --quiet --no-build-isolation --wheel --out-dir dist

test-packages:
	@deploy/test-packages

# --- set-up, step by step -------------------------------------------------------------------------------------------

$(TOOLS):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv is missing. On Debian: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "Python environment (.venv) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(LOCKED): requirements.lock $(TOOLS)
	@echo "Locked dependencies ..."
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	@touch $@

$(INSTALLED): pyproject.toml deploy/build_web.py $(LOCKED)
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(MODULES): $(UI)/package.json $(UI)/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
		|| { echo "Node.js 20.19 or newer is needed for the front end; found: $$(node -v 2>&1 || true)" >&2; exit 1; }
	@echo "Front end packages (npm ci) ..."
	@npm --prefix $(UI) ci --silent --no-audit --no-fund
	@touch $@

$(BUILT): $(MODULES) $(UI_SOURCES)
	@echo "Front end (npm run build) ..."
	@npm --prefix $(UI) run --silent build -- --logLevel warn
	@touch $@
