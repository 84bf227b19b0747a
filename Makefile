# One place for every command; CI, hooks and people call the same targets.
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test simulate chaos check format generate lock bench fuzz coverage-of-domain clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 22

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

setup: $(STAMP) ## Make the virtual environment

demo: $(STAMP) ## Play the story on real servers (MINDLINKS_STACK=embedded: in one process)
	@$(BIN)/mindlinks demo

dev: $(STAMP) ## Start everything and stay up (ARGS="--port 9000 --json")
	@$(BIN)/mindlinks dev $(ARGS)

test: $(STAMP) ## Every test, against the real servers (ARGS="-k escrow")
	@$(BIN)/python -m tests.support.suite $(ARGS)

simulate: $(STAMP) ## Run the engine under faults, many times (SEEDS=20000 FIRST=0 PROFILE=payment; EXAM=1: find every planted bug)
	@PYTHONPATH=. $(BIN)/python -m tests.simulation $(if $(EXAM),--exam,--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0)) $(if $(PROFILE),--profile $(PROFILE)) $(ARGS)

chaos: $(STAMP) ## Kill, stop and freeze workers and real servers under load (ARGS="--seed 7 --seconds 60 --commands 6000")
	@PYTHONPATH=. $(BIN)/python -m tests.chaos $(ARGS)

check: $(STAMP) ## Format, lint, types, imports, budgets, freshness of what is generated
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo > .import-report 2>&1 || { cat .import-report; rm -f .import-report; exit 1; }; rm -f .import-report
	@$(BIN)/python -m tests.support.budgets
	@$(BIN)/python -m contracts.generate --check
	@$(BIN)/python -m schemas.render --check
	@$(BIN)/mindlinks keys rights | diff -q - deploy/generated/key-rights.json
	@$(BIN)/python -m workers.ops.dashboards --check
	@echo "check: all good"

format: $(STAMP) ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

generate: $(STAMP) ## Write AsyncAPI, JSON Schemas, table documents anew
	@$(BIN)/python -m contracts.generate
	@$(BIN)/python -m schemas.render
	@$(BIN)/mindlinks keys rights > deploy/generated/key-rights.json
	@$(BIN)/python -m workers.ops.dashboards

coverage-of-domain: $(STAMP) ## What docs/domain.md names, what is built of it, what is tested (ARGS="--service auth --require")
	@PYTHONPATH=. $(BIN)/python -m tests.domain $(ARGS)

lock: ## Pin every package with its hashes
	@$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --extra dev --extra fuzz --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --output-file requirements.lock pyproject.toml

clean: ## Remove what the other targets made
	rm -rf $(VENV) .stack .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

bench: $(STAMP) ## Measure the worker beside others on the real servers (LONG=1: memory, key sets; ARGS="--commands 4000")
	@$(BIN)/python -m tests.bench $(if $(LONG),--long) $(ARGS)

fuzz: $(STAMP) ## Fuzz records, webhooks, the API, decisions (SECONDS=60 TARGETS="decode story"); needs the extra fuzz
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(TARGETS)
