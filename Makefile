# kiamo-iac: `make demo` runs a demo, `make test` the tests. Each creates its virtual environment on first use.
#
#   make test PYTHON=python3.12      another interpreter (3.11 or newer); run `make clean` first if there is an environment
#   make test ARGS="tests/planner"   arguments for pytest; also `make demo ARGS=--keep`

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
.PHONY: help demo test slow browser dist shells workflows docs site hooks neighbours lint types generated regenerate check ci bench bench-venv venv pins clean FORCE

help:
	@echo "make demo        a complete demo on a local Kiamo emulator"
	@echo "make test        the test suite"
	@echo "make check       lint, types, generated files and tests"
	@echo "make pipelines   run the pipelines that init creates (needs bash and shellcheck)"
	@echo "make workflows   audit the workflows that init creates, and action.yml, with zizmor"
	@echo "make slow        the property tests with more examples, histories of runs, and kills at every call"
	@echo "make shells      completion in bash, zsh and fish, at a terminal (needs all three)"
	@echo "make hooks       the hooks under pre-commit (needs the package index)"
	@echo "make neighbours  prettier and yamllint beside fmt (needs Node.js, npm and its registry)"
	@echo "make docs        run every command in the documentation against emulators"
	@echo "make dist        what is published: links, the sdist's tests, the oldest versions allowed (needs the package index)"
	@echo "make site        build the documentation site, in build/site"
	@echo "make browser     the HTML pages in Chromium (needs it); screenshots in build/screenshots"
	@echo "make lint        ruff and import-linter"
	@echo "make types       mypy --strict"
	@echo "make generated   check the generated files; make regenerate writes them"
	@echo "make bench       benchmarks against other tools (ARGS=--smoke for a quick run)"
	@echo "make ci          everything that CI runs (.ci/run)"
	@echo "make pins        update the pinned requirements (needs uv)"
	@echo "make clean       remove everything that make has created"

demo: $(VENV)/.demo
	$(RUN) -m kiamo_iac demo $(ARGS)

test: $(VENV)/.dev
	$(RUN) -m pytest --numprocesses auto $(ARGS)

.PHONY: pipelines
pipelines: $(VENV)/.dev
	$(RUN) -m pytest tests/pipelines/stage_install.py tests/pipelines/stage_github.py tests/pipelines/stage_gitlab.py \
	  tests/security/stage_s12_pipelines.py $(ARGS)

workflows: $(VENV)/.dev
	$(RUN) -m pytest tests/pipelines/stage_workflows.py $(ARGS)

slow: $(VENV)/.dev
	KIAMO_IAC_WORLDS=3000 $(RUN) -m pytest --numprocesses auto tests/e2e/test_any_to_any.py tests/e2e/test_lying_ledgers.py \
	  tests/e2e/test_saved_plans_of_worlds.py tests/e2e/test_export_worlds.py tests/authoring/promoting \
	  tests/faults/stage_kills.py tests/faults/test_schedules.py tests/faults/test_machine.py \
	  tests/manners/stage_manners.py tests/emulator/stage_emulator_manners.py tests/emulator/stage_openapi.py \
	  tests/e2e/stage_derived_contracts.py tests/emulator/test_emulator_manners.py tests/app/test_rings.py \
	  tests/app/stage_undo_worlds.py tests/e2e/stage_export_memory.py $(ARGS)

shells: $(VENV)/.dev
	$(RUN) -m pytest tests/shells/zsh_and_fish.py $(ARGS)

hooks: $(VENV)/.dev
	$(RUN) -m pytest tests/precommit/hooks.py $(ARGS)

neighbours: $(VENV)/.dev
	$(RUN) -m pytest tests/neighbours/stage_neighbours.py $(ARGS)

docs: $(VENV)/.dev
	$(RUN) -m pytest tests/docs/run_pages.py -n 2 $(ARGS)

site: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet --config-file .ci/mkdocs.yml
	$(RUN) -m pytest tests/docs/built_site.py $(ARGS)

dist: $(VENV)/.dev
	$(RUN) -m pytest tests/distribution/stage_distribution.py $(ARGS)

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
# A stamp is touched last, so a failed step is repeated by the next make. An environment whose interpreter no longer runs
# (the checkout was moved, Python was upgraded) is created again.

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
	  echo "kiamo-iac needs Python 3.11 or newer; \"$(PYTHON)\" is $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "Use another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(@D)/$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info[:2] < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear $(@D)
	@touch $@

FORCE:

# --- pins ------------------------------------------------------------------------------------------------------------
# Resolved for all platforms at once, with hashes, from PyPI only, without the address of the index that was used.

COMPILE := env -u UV_INDEX -u UV_INDEX_URL -u UV_DEFAULT_INDEX -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
  $(UV) pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes --no-header

pins:
	@command -v $(UV) >/dev/null || { echo "make pins needs uv (pip install uv), or UV=path/to/uv" >&2; exit 1; }
	$(COMPILE) --upgrade pyproject.toml --output-file requirements.txt
	$(COMPILE) --upgrade pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt
	$(COMPILE) --upgrade benchmarks/requirements.in --constraint requirements-dev.txt --output-file benchmarks/requirements.txt

clean:
	rm -rf $(VENV) .benchmarks dist build .mypy_cache .ruff_cache .import_linter_cache .hypothesis .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
