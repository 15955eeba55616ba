# The chores of the project. `make help` lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

help:  ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

LOCK := deploy/lock

.venv/installed: pyproject.toml $(LOCK)/build.txt $(LOCK)/dev.txt
	@echo "Setting up .venv (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fleetgate needs Python 3.11 or newer; name one with make venv PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes --requirement $(LOCK)/build.txt
	@$(PIP) install --require-hashes --no-build-isolation --requirement $(LOCK)/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

venv: .venv/installed  ## Make the virtual environment .venv, with PYTHON=NAME by another Python
ifeq ($(origin PYTHON),command line)
	@test "$$($(BIN)/python -V)" = "$$($(PYTHON) -V)" || { echo ".venv has $$($(BIN)/python -V), not $$($(PYTHON) -V); to make it anew: rm -r .venv"; exit 2; }
endif

demo: .venv/installed  ## Run the documents' examples on an embedded fleet with a real Envoy, then stay up
	@$(BIN)/fleetgate demo

test: .venv/installed  ## Run all tests; builds real API servers first, where Go is installed
	@$(BIN)/python -m tests.servers.binaries
	@$(BIN)/pytest -n 2 --dist loadgroup

bench: .venv/installed  ## Measure speed and cost on real API servers; SCENARIO=name RUNS=n FLAGS=... narrow or repeat it
	@$(BIN)/python -m benchmarks $(SCENARIO) $(if $(RUNS),--runs $(RUNS)) $(FLAGS)

fuzz: .venv/installed  ## Try N=1000000 random Ingresses of each dialect on a real Envoy; SEED=n repeats a run
	@$(BIN)/python -m tests.fuzz $(or $(N),1000000) $(if $(SEED),--seed $(SEED))

test-newest: .venv/installed  ## Run all tests with the newest packages that pyproject.toml allows
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-newest
	@$(BIN)/uv pip install --quiet --python .venv-newest/bin/python --editable '.[dev]'
	@$(BIN)/python -m tests.servers.binaries
	@.venv-newest/bin/pytest -n 2 --dist loadgroup

check: .venv/installed  ## Formatting, lint, types, import rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/installed  ## Rewrite the code in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

golden: .venv/installed  ## Write the golden files anew; read the difference like code
	@$(BIN)/pytest -q tests/golden --golden-update

docs: .venv/installed  ## Write the generated parts of the documentation anew
	@$(BIN)/python -m tests.docs.generated

schema: .venv/installed  ## Write the prepared descriptors of Envoy's messages anew
	@$(BIN)/python -m tests.wire.prepare

lock: .venv/installed  ## Lock the newest packages that pyproject.toml allows, and say what changed; KEEP=1 only adds
	@$(BIN)/python -m tests.lock.renew $(if $(KEEP),--keep)

.PHONY: help venv demo test test-newest bench fuzz check format golden docs schema lock
