# make demo, make test: nothing but Python 3.11 or later and make is needed. uv is used where it is installed.
PYTHON ?= python3
# Hundreds of processes begin here; without bytecode each takes two to three times as long to import what it needs.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := embedded,flower,sandbox,web,dev
# Another PYTHON, or a change of what is needed, makes the environment anew.
MADE := $(VENV)/made-with-$(subst /,-,$(PYTHON))
# What the benchmarks need besides, other libraries to compare with, in an environment of its own, of the newest Python that is
# supported and here: some of them need it, and everybody is measured on the same.
BENCH_VENV := .venv-bench
WITH_BENCH := $(VENV)/with-bench

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-pythons chaos bench lint check

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(MADE)  ## make .venv with everything in it

demo: setup  ## show the main job, end to end, against simulated platforms
	@$(BIN)/tidings demo

test: setup  ## run all tests
	@$(BIN)/python -m pytest -q -n 4 --dist loadfile

test-pythons: setup  ## run unit and integration tests on each other Python that is supported and here
	@.ci/pythons

chaos: setup  ## kill, restart and spoil everything for some minutes, and count what is lost
	@$(BIN)/python -m tests.end_to_end.chaos

bench:  ## measure everything, or only BENCH="throughput fairness"; takes the better part of an hour
	@$(MAKE) --no-print-directory VENV=$(BENCH_VENV) PYTHON="$$(.ci/newest-python)" $(BENCH_VENV)/with-bench
	@$(BENCH_VENV)/bin/python -m tests.bench $(BENCH)

lint: setup  ## lint, format, types, layers
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy --no-error-summary
	@told=$$($(BIN)/lint-imports --no-logo --no-cache) || { echo "$$told"; exit 1; }

check: lint test test-pythons  ## everything that CI looks at

$(MADE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	@echo "Making $(VENV), once; this may take a minute."
	@if command -v uv >/dev/null; then \
		uv venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV) && \
		uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[$(EXTRAS)]'; \
	else \
		$(PYTHON) -m venv --clear $(VENV) && \
		$(BIN)/python -m pip install --quiet --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable '.[$(EXTRAS)]'; \
	fi
	@touch $@

$(WITH_BENCH): $(MADE)
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[$(EXTRAS),bench]'; \
	else \
		$(BIN)/python -m pip install --quiet --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable '.[$(EXTRAS),bench]'; \
	fi
	@touch $@
