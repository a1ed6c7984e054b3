# The commands of okosu. Python 3.11 or newer and make are all that the machine must have.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
APP_LOCKS := core/requirements.txt front/requirements.txt flower/requirements.txt

.PHONY: help demo run test test-faults test-containers bench lint lock audit
.DEFAULT_GOAL := help

help:  ## list the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

# `exec` hands Ctrl-C and SIGTERM to Python itself: no shell in between that could die first.
demo: $(VENV)/app  ## the sample job from end to end, without a browser
	@exec $(BIN)/python -m front.demo

run: $(VENV)/app  ## the whole app on http://localhost:8501; Ctrl-C stops all of it
	@exec $(BIN)/python -m front.local

test: $(VENV)/dev  ## every test that this machine can run; minutes
	@$(BIN)/python -m pytest -ra --numprocesses 3 --dist loadfile -m "not slow and not containers and not alone"
	@$(BIN)/python -m pytest -ra -m "alone and not slow and not containers"

test-faults: $(VENV)/dev  ## the long storms: kills, mixed load, growth; an hour
	@$(BIN)/python -m pytest -ra -m slow

test-containers: $(VENV)/dev  ## both compose files, brought up, tried from outside and taken down; needs a Docker engine
	@$(BIN)/python -m pytest -ra -m containers tests/containers

bench: $(VENV)/bench  ## side by side with other queues; half an hour, and nothing else on the machine
	@$(BIN)/python -m tests.benchmarks

lint: $(VENV)/dev  ## style, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# `tests` holds everything, so it is resolved first and the tiers are held to its versions.
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock'
lock: $(VENV)/dev  ## compile the hashed requirements.txt of every tier
	@$(COMPILE) --group tests --output-file tests/requirements.txt
	@for tier in core front flower; do \
		$(COMPILE) --group $$tier --constraints tests/requirements.txt --output-file $$tier/requirements.txt || exit 1; \
	done
	@$(COMPILE) --group bench --constraints tests/requirements.txt --output-file tests/benchmarks/requirements.txt

audit: $(VENV)/dev  ## known vulnerabilities of what is locked; asks a database on the internet
	@for lock in $(APP_LOCKS); do $(BIN)/uvx --quiet pip-audit --disable-pip --requirement $$lock || exit 1; done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "okosu needs Python 3.11 or newer; this is " + sys.version.split()[0])'
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
	@echo "Installing what okosu is measured against into $(VENV)..."
	@$(INSTALL) -r tests/benchmarks/requirements.txt
	@touch $@
