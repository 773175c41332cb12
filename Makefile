# What a person types. Every target sets up what it needs and works from any folder (make -C DIR target).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

ROOT := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
PYTHON ?= python3
VENV := $(ROOT).venv
BIN := $(VENV)/bin
CDK := $(ROOT)node_modules/.bin/cdk
# The virtual environment brings Node 24; the machine's own Node, if any, may be too old for jsii.
export PATH := $(BIN):$(ROOT)node_modules/.bin:$(PATH)
export CDK_DISABLE_CLI_TELEMETRY := 1

PYTHON_READY := $(VENV)/.ready
NODE_READY := $(ROOT)node_modules/.ready

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(PYTHON_READY) $(NODE_READY) ## set up the virtual environment, Node and the CDK CLI (cached)

$(PYTHON_READY): $(ROOT)requirements.txt $(ROOT)requirements-dev.txt $(ROOT)pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11")'
	@echo "setting up .venv (once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r $(ROOT)requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e $(ROOT)
	@touch $@

$(NODE_READY): $(ROOT)package-lock.json $(PYTHON_READY)
	@echo "setting up the CDK CLI (once)"
	@cd $(ROOT) && npm ci --silent --no-audit --no-fund
	@touch $@
