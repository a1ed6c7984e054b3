# The commands of okosu. You need Linux, Python 3.11 or newer, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
APP_LOCKS := core/requirements.txt front/requirements.txt flower/requirements.txt

.PHONY: help demo run test test-faults test-containers bench lint lock audit
.DEFAULT_GOAL := help

help:  ## list the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

# `exec`: Ctrl-C and SIGTERM reach Python itself, and not a shell that might die before it.
demo: $(VENV)/app  ## run the sample job from start to finish, without a browser
	@exec $(BIN)/python -m front.demo

run: $(VENV)/app  ## run the whole app on http://localhost:8501; Ctrl-C stops everything
	@exec $(BIN)/python -m front.local

test: $(VENV)/dev  ## run the tests; skips those that need a program which is not installed; takes minutes
	@$(BIN)/python -m pytest -ra --numprocesses 3 --dist loadfile -m "not slow and not containers and not alone"
	@$(BIN)/python -m pytest -ra -m "alone and not slow and not containers"

test-faults: $(VENV)/dev  ## run the long tests: kills, mixed load, growth; takes an hour
	@$(BIN)/python -m pytest -ra -m slow

test-containers: $(VENV)/dev  ## start both compose files, test them from outside, stop them; needs a Docker engine
	@$(BIN)/python -m pytest -ra -m containers tests/containers

bench: $(VENV)/bench  ## compare with other task queues; takes half an hour; run nothing else meanwhile
	@$(BIN)/python -m tests.benchmarks

lint: $(VENV)/dev  ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# The group `tests` contains all others, so it is resolved first, and the other locks use its versions.
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock'
lock: $(VENV)/dev  ## compile the hashed requirements.txt of every part
	@$(COMPILE) --group tests --output-file tests/requirements.txt
	@for tier in core front flower; do \
		$(COMPILE) --group $$tier --constraints tests/requirements.txt --output-file $$tier/requirements.txt || exit 1; \
	done
	@$(COMPILE) --group bench --constraints tests/requirements.txt --output-file tests/benchmarks/requirements.txt

audit: $(VENV)/dev  ## look up known vulnerabilities of the locked dependencies in an online database
	@for lock in $(APP_LOCKS); do $(BIN)/uvx --quiet pip-audit --disable-pip --requirement $$lock || exit 1; done

$(VENV)/bin/python:
	@test "$$(uname -s)" = Linux || { echo "okosu runs on Linux only, and this is $$(uname -s)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "okosu needs Python 3.11 or newer, and this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/app: $(VENV)/bin/python $(APP_LOCKS)
	@echo "Installing what the app needs into $(VENV) (a minute, the first time)..."
	@$(INSTALL) $(APP_LOCKS:%=-r %)
	@touch $@

$(VENV)/dev: $(VENV)/app tests/requirements.txt
	@echo "Installing what the tests need into $(VENV)..."
	@$(INSTALL) -r tests/requirements.txt
	@touch $@

$(VENV)/bench: $(VENV)/dev tests/benchmarks/requirements.txt
	@echo "Installing the task queues to compare with into $(VENV)..."
	@$(INSTALL) -r tests/benchmarks/requirements.txt
	@touch $@
