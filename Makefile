# bridge: `make demo` shows it, `make test` checks it; both set up what they need first. `make help` lists the rest.

VENV   := .venv/bin
AT_ONCE := 3
# The first Python that is new enough; looked for only when there is a recipe to run.
PYTHON  = $(shell for python in python3.11 python3.12 python3.13 python3; do \
            $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
LOCK    = $(VENV)/python -m uv pip compile --quiet --universal --python-version 3.11 --upgrade \
            --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml

# In somebody else's checkout (root made it, say) what the tools remember goes to one's own place.
ifneq ($(shell test -w . && echo writable), writable)
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sms-bridge
export RUFF_CACHE_DIR := $(CACHE)/ruff
export MYPY_CACHE_DIR := $(CACHE)/mypy
export PYTEST_ADDOPTS := -o cache_dir=$(CACHE)/pytest
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
IMPORT_LINTER_CACHE := --cache-dir $(CACHE)/imports
endif

# What a recipe begins with that is to run the compiled bridge.
AS_INSTALLED := PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/.compiled:$(CURDIR)
# The rooms that are tested compiled, too: where most of it is.
COMPILED := $(addprefix tests/,smpp text dialects outbound)

.DEFAULT_GOAL := help
.PHONY: help setup compile servers demo test checks lint types unit compiled guard fuzz chaos bench measure format audit lock clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 10

demo: setup  ## the main job on this machine, one site failing in the middle; ARGS=--keep leaves it running
	@$(VENV)/python -m bridge demo $(ARGS)

test: setup servers  ## all checks and all tests
	@$(MAKE) --no-print-directory --jobs 2 compile checks
	@$(MAKE) --no-print-directory compiled guard

checks: setup servers  # in this order; compiling beside them takes what they leave of the machine
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory unit

setup:  ## make .venv from the lock file (at once when it is made already)
	@$(if $(PYTHON),,$(error bridge needs Python 3.11 or newer, and found none. On Debian 12 or Ubuntu 24.04 and later: sudo apt-get install python3 python3-venv))
	@$(PYTHON) -m bridge.proof.environment

compile: setup  ## make .compiled: the hot path compiled by mypyc, as `make bench` and the container have it
	@nice $(VENV)/python -m bridge.proof.compiled

servers: setup  ## see to the programs of RabbitMQ and Redis; the tests start private ones
	@$(VENV)/python -m bridge.proof.ensure

lint: setup  ## style, and the floors of the house
	$(VENV)/python -m ruff check
	$(VENV)/python -m ruff format --check
	$(VENV)/lint-imports $(IMPORT_LINTER_CACHE)

types: setup  ## mypy, strict
	$(VENV)/python -m mypy

# Most tests wait for servers most of the time: three at once take a third less than two, on two cores.
unit: setup servers  ## the tests alone; ARGS="tests/smpp -k bind" for some of them, AT_ONCE=0 for one after another
	$(VENV)/python -m pytest --numprocesses $(AT_ONCE) --dist worksteal $(ARGS)

compiled: compile servers  ## tests of the compiled bridge; ARGS="tests/system" for others than the usual
	$(AS_INSTALLED) $(VENV)/python -m pytest --numprocesses $(AT_ONCE) --dist worksteal $(or $(ARGS),$(COMPILED))

fuzz: setup  ## damaged octets against all that reads them, for as long as you like; ARGS="--minutes 600"
	$(VENV)/python -m tests.fuzz $(ARGS)

chaos: setup servers  ## break everything under load and count what is lost; ARGS="--minutes 60 --cluster 3 --replica"
	$(VENV)/python -m tests.chaos $(ARGS)

bench: compile servers  ## how fast it is here, beside the bare operations; ARGS="--mos --http --plot bench.svg"
	@$(AS_INSTALLED) $(VENV)/python -m bridge bench $(ARGS)

guard: compile servers  ## what a message costs now, beside the last accepted figure; ARGS=--accept makes it that
	@$(AS_INSTALLED) $(VENV)/python -m tests.measure.guard $(if $(filter --accept,$(ARGS)),--accept)

measure: setup  ## what an HTTP exchange costs, beside httpx; ARGS="--seconds 10"
	$(VENV)/python -m tests.measure $(ARGS)

format: setup  ## put the code into shape
	$(VENV)/python -m ruff check --fix
	$(VENV)/python -m ruff format

audit: setup  ## is anything known against the locked packages? Fails too when the service cannot be asked
	@$(VENV)/python -m bridge.proof.advisories requirements-dev.lock

lock: setup  ## make the lock files anew from pyproject.toml, with the newest versions it allows
	$(VENV)/python -m pip install --quiet uv
	$(LOCK) --extra dev --output-file requirements-dev.lock
	printf 'setuptools>=77\nmypy>=1.14\n' | $(LOCK) - --constraint requirements-dev.lock --output-file requirements.lock

clean:  ## remove what can be made again
	rm -rf .venv .compiled .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .run build dist *.egg-info
