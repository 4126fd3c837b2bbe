# One word each. Everything lives in .venv; nothing is installed system-wide.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The distribution's own goes first: it is built with the compiler's full optimisation, half again as fast as one that was
# compiled here without, and its updates come with the system's.
PYTHONS := /usr/bin/python3.11 python3.11 /usr/bin/python3 python3
PYTHON ?= $(shell for one in $(PYTHONS); do \
    if $$one -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
    command -v $$one; exit; fi; done; echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
VIEWER_SOURCES := $(shell find viewer -path viewer/node_modules -prune -o -type f -print 2>/dev/null)
OURS := accounts archive audit keystore pacs vault tools manage.py
CATALOGUES := $(shell find locale -name '*.po' 2>/dev/null)
DEMO := PACS_DATA_DIR=var/demo/data PACS_KEK_URL=file:var/demo/root.key PACS_ANCHORS=file:var/demo/anchors
CHECK := PACS_DATA_DIR=build/check/data PACS_KEK_URL=file:build/check/root.key PACS_ANCHORS=file:build/check/anchors

help: ## Show what can be done here
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-7s %s\n", $$1, $$2}'

run: build ## Set everything up and start the archive: https://localhost:8443, DICOM on 127.0.0.1:11112
	@$(BIN)/python manage.py setup
	@exec $(BIN)/python manage.py serve all

demo: build ## The same with sample people and sample studies; their passwords and codes are printed
	@export $(DEMO); $(BIN)/python manage.py setup --no-link
	@export $(DEMO); $(BIN)/python manage.py demo
	@export $(DEMO); exec $(BIN)/python manage.py serve all

test: build $(VENV)/.dev ## Run all tests; suites that need a service run where it is present (T=path runs one)
	@$(BIN)/python -m pytest $(or $(T),-n auto --dist loadfile --no-loadscope-reorder)

lint: build $(VENV)/.dev ## Check style, types, floors, migrations, security, settings, translations; go on after a finding
	@$(MAKE) --keep-going lint-style lint-types lint-floors lint-tables lint-house lint-security lint-start lint-viewer

lint-style:
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .

lint-types:
	@$(BIN)/mypy

lint-floors:
	@$(BIN)/lint-imports --no-logo

lint-tables:
	@$(BIN)/python manage.py makemigrations --check --dry-run

lint-house:
	@$(BIN)/python -m tests.house

lint-security:
	@mkdir -p build; $(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(OURS) 2>build/bandit.log \
	    || { cat build/bandit.log; exit 1; }
	@.ci/audit $(CURDIR)/$(BIN)/python

lint-start:
	@rm -rf build/check; export $(CHECK); $(BIN)/python manage.py setup --no-link >/dev/null
	@export $(CHECK); $(BIN)/python manage.py check --deploy --fail-level WARNING

lint-viewer:
	@.ci/viewer $(CURDIR)/$(BIN)/python lint

bench: build $(VENV)/.dev ## Measure the works of bench/ beside the peers; WORK=frames QUICK=1 for a part
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(GROWTH),--growth) $(if $(MINUTES),--minutes '$(MINUTES)') $(if $(KEPT),--kept '$(KEPT)') $(if $(WORK),'$(WORK)')

profile: build $(VENV)/.dev ## Draw where our side of a work spends its time: WORK=cstore QUICK=1
	@$(BIN)/python -m bench.flames $(if $(QUICK),--quick) $(if $(WORK),'$(WORK)')

fmt: $(VENV)/.dev ## Put the sources into their one format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

build: $(VENV)/.run $(CATALOGUES:.po=.mo) static/viewer/.built ## Install what is pinned, build the viewer and the catalogues

lock: $(VENV)/.dev ## Choose versions anew from requirements*.in, and pin them with their hashes
	@for name in requirements requirements-dev requirements-build requirements-node requirements-s3; do \
	    $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --no-strip-extras --no-header \
	        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o $$name.txt $$name.in; done

clean: ## Remove what was built; data, keys and .venv stay
	@rm -rf static/viewer viewer/node_modules build $(CATALOGUES:.po=.mo) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Custos needs Python 3.11 or later; name one with PYTHON=…")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt requirements-build.txt | $(VENV)/bin/python
	@echo "installing requirements.txt"
	@$(PIP) install --require-hashes -r requirements.txt -r requirements-build.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "installing requirements-dev.txt"
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

%.mo: %.po | $(VENV)/.run
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

static/viewer/.built: $(VIEWER_SOURCES) | $(VENV)/.run
	@echo "building the viewer"
	@.ci/viewer $(CURDIR)/$(BIN)/python
	@touch $@

.PHONY: help run demo test lint bench profile fmt build lock clean \
    lint-style lint-types lint-floors lint-tables lint-house lint-security lint-start lint-viewer
