# Every chore of the project. Each target makes the environment it needs: with uv if it is there, else with venv and pip.

PYTHON ?= python3
ARCH ?= arm64
FUNCTION_PYTHON ?= 3.13
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)

.PHONY: run test lint types bench package-aws package-gcp docs screenshots format clean help

run: $(BIN)/.run  ## start the gateway on 127.0.0.1:8000
	$(BIN)/any2api serve

test: $(BIN)/.dev node_modules/.made  ## run all tests
	$(BIN)/pytest

lint: $(BIN)/.dev  ## formatting, lint rules, and which room may import which
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(BIN)/.dev  ## strict types
	$(BIN)/mypy

bench: $(BIN)/.dev  ## ratios against a bare FastAPI + httpx pass-through
	$(BIN)/python -m bench

package-aws: $(BIN)/.run  ## dist/any2api-aws-ARCH.zip: an AWS Lambda function
	$(BIN)/any2api package aws --arch $(ARCH) --python $(FUNCTION_PYTHON)

package-gcp: $(BIN)/.run  ## dist/any2api-gcp: the source of a Google Cloud Function, and the same as a zip
	$(BIN)/any2api package gcp

docs: $(BIN)/.dev  ## docs/clients.md, from what the cockpit shows
	$(BIN)/python -m tests.docs.clients

screenshots: $(BIN)/.dev  ## docs/images, by Debian's Chromium
	$(BIN)/python -m tests.cockpit.screenshots

format: $(BIN)/.dev  ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## away with the environments and all that was made
	rm -rf .venv node_modules dist build

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##/\1:/p' $(MAKEFILE_LIST)

ifdef UV
$(BIN)/.run: pyproject.toml uv.lock
	uv sync --quiet --no-dev --inexact
	@touch $@

$(BIN)/.dev: pyproject.toml uv.lock
	uv sync --quiet --all-extras --group browser
	@touch $@ $(BIN)/.run
else
$(BIN)/pip:
	$(PYTHON) -m venv .venv

$(BIN)/.run: pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(BIN)/.dev: pyproject.toml | $(BIN)/pip
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable ".[aws,gcp]" --group dev --group browser
	@touch $@ $(BIN)/.run
endif

.venv/checkov/.made: pyproject.toml | $(BIN)/.dev  ## checkov, which pins what the tests want newer, in an environment of its own
	$(PYTHON) -m venv .venv/checkov
	.venv/checkov/bin/pip install --quiet --upgrade pip
	.venv/checkov/bin/pip install --quiet --group infra
	@touch $@

NPM_CI := npm ci --silent --no-audit --no-fund --prefix

node_modules/.made: tests/node/package-lock.json tests/node-vercel/package-lock.json  ## the JavaScript clients and Vercel's command line that the tests drive, where there is npm
	@mkdir -p $(@D)
	if command -v npm >/dev/null; then $(NPM_CI) tests/node && $(NPM_CI) tests/node-vercel; fi
	@touch $@
