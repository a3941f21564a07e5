# kiamo-iac: `make demo` shows it, `make test` proves it. Both make their own virtual environment on first use.
#
#   make test PYTHON=python3.12      another interpreter (3.11 or newer); after `make clean` if there is an environment already
#   make test ARGS="tests/planner"   more for pytest; `make demo ARGS=--keep` likewise

PYTHON ?= python3
VENV ?= .venv
BENCH_VENV ?= .benchmarks/venv
UV ?= uv
ARGS ?=

ifeq ($(OS),Windows_NT)
  BIN := Scripts
else
  BIN := bin
endif
RUN := $(VENV)/$(BIN)/python
BENCH_RUN := $(BENCH_VENV)/$(BIN)/python
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help demo test slow browser shells workflows docs site hooks lint types generated regenerate check ci bench bench-venv venv pins clean FORCE

help:
	@echo "make demo        the whole story on a Kiamo in a box, in one command"
	@echo "make test        the test suite"
	@echo "make check       lint, types, generated files and tests"
	@echo "make pipelines   the pipelines that init writes, run by small runners (needs bash and shellcheck)"
	@echo "make workflows   zizmor over the workflows that init writes, and over action.yml"
	@echo "make slow        the longer proofs: three times as many worlds"
	@echo "make shells      completion driven in bash, zsh and fish, by keys at a terminal (needs all three)"
	@echo "make hooks       the pre-commit hooks, run by pre-commit itself (needs the package index)"
	@echo "make docs        every command that the documentation shows, run against emulators"
	@echo "make site        the documentation as a site, in build/site"
	@echo "make browser     the HTML pages in Chromium (needs it); pictures go to build/screenshots"
	@echo "make lint        ruff and the layers (import-linter)"
	@echo "make types       mypy --strict"
	@echo "make generated   are the generated files fresh?  make regenerate writes them"
	@echo "make bench       benchmarks beside their peers (ARGS=--smoke for a quick run)"
	@echo "make ci          all that CI runs (.ci/run)"
	@echo "make pins        resolve the pinned requirements anew (needs uv)"
	@echo "make clean       remove all that make has made"

demo: $(VENV)/.demo
	$(RUN) -m kiamo_iac demo $(ARGS)

test: $(VENV)/.dev
	$(RUN) -m pytest --numprocesses auto $(ARGS)

.PHONY: pipelines
pipelines: $(VENV)/.dev
	$(RUN) -m pytest tests/pipelines/stage_install.py tests/pipelines/stage_github.py tests/pipelines/stage_gitlab.py $(ARGS)

workflows: $(VENV)/.dev
	$(RUN) -m pytest tests/pipelines/stage_workflows.py $(ARGS)

slow: $(VENV)/.dev
	KIAMO_IAC_WORLDS=3000 $(RUN) -m pytest --numprocesses auto tests/e2e/test_any_to_any.py tests/e2e/test_lying_ledgers.py \
	  tests/e2e/test_saved_plans_of_worlds.py tests/e2e/test_export_worlds.py tests/authoring/promoting $(ARGS)

shells: $(VENV)/.dev
	$(RUN) -m pytest tests/shells/zsh_and_fish.py $(ARGS)

hooks: $(VENV)/.dev
	$(RUN) -m pytest tests/precommit/hooks.py $(ARGS)

docs: $(VENV)/.dev
	$(RUN) -m pytest tests/docs/run_pages.py -n 2 $(ARGS)

site: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet --config-file .ci/mkdocs.yml
	$(RUN) -m pytest tests/docs/built_site.py $(ARGS)

browser: $(VENV)/.dev
	$(RUN) -m pytest tests/browser/plan_pages.py tests/browser/hostile_pages.py $(ARGS)

lint: $(VENV)/.dev
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(VENV)/$(BIN)/lint-imports

types: $(VENV)/.dev
	$(RUN) -m mypy

generated: $(VENV)/.dev
	$(RUN) -m tests.regenerate --check

regenerate: $(VENV)/.dev
	$(RUN) -m tests.regenerate

check: lint types generated test

ci:
	.ci/run

bench: bench-venv
	$(BENCH_RUN) -m benchmarks $(ARGS)

# --- virtual environments --------------------------------------------------------------------------------------------
# A stamp is touched last, so whatever fails is done again by the next make. An environment whose interpreter no longer runs
# (the checkout was moved, Python was upgraded) is made anew.

venv: $(VENV)/.dev
bench-venv: $(BENCH_VENV)/.bench

$(VENV)/.demo: requirements.txt $(VENV)/.made
	$(RUN) $(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.made
	$(RUN) $(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

$(BENCH_VENV)/.bench: requirements.txt benchmarks/requirements.txt $(BENCH_VENV)/.made
	$(BENCH_RUN) $(PIP_INSTALL) -r requirements.txt
	$(BENCH_RUN) $(PIP_INSTALL) -r benchmarks/requirements.txt
	@touch $@

$(VENV)/.made: $(shell $(RUN) -m pip --version >/dev/null 2>&1 || echo FORCE)
$(BENCH_VENV)/.made: $(shell $(BENCH_RUN) -m pip --version >/dev/null 2>&1 || echo FORCE)

%/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || { \
	  echo "kiamo-iac needs Python 3.11 or newer; \"$(PYTHON)\" says: $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(@D)/$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info[:2] < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear $(@D)
	@touch $@

FORCE:

# --- pins ------------------------------------------------------------------------------------------------------------
# Resolved for every platform at once, with hashes, from PyPI alone, and without a word on where this machine found them.

COMPILE := env -u UV_INDEX -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
  $(UV) pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes --no-header

pins:
	@command -v $(UV) >/dev/null || { echo "make pins needs uv (pip install uv), or UV=path/to/uv" >&2; exit 1; }
	$(COMPILE) --upgrade pyproject.toml --output-file requirements.txt
	$(COMPILE) --upgrade pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --upgrade benchmarks/requirements.in --constraint requirements.txt --output-file benchmarks/requirements.txt

clean:
	rm -rf $(VENV) .benchmarks dist build .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
