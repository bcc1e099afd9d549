# Everything on a fresh machine with Python (3.11 to 3.13) and make:
#   make run    install, evaluate the embedded corpus, print where the report is
#   make test   install, lint, type-check, test
#   make test-thorough  the same with more examples and the tests marked so (nightly)
#   make mutants  plant faults in the scores and splits, say what share the tests notice (hours)
#   make docs   build the documentation site into site/

PYTHON ?= python3
BIN := .venv/bin

# Kept whatever the environment says, as each of the tests' processes would compile what it imports again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test test-thorough collected compiled test-lowest mutants lint docs reference recipes clean

run: .venv/installed
	$(BIN)/ser-bench run

# `make -j2 test` does its first two steps side by side.
test: collected compiled
	$(BIN)/pytest --numprocesses auto --dist loadgroup --no-loadscope-reorder $(OTHERS)

# First in one process what numba compiles, for librosa and for us: two that do so at once can leave a cache that crashes every later one.
COMPILED := tests/features/signal/test_frames.py tests/features/extractors/test_prosody.py tests/models/test_trees.py tests/models/test_svm.py tests/models/test_boosting.py
OTHERS := $(addprefix --ignore=,$(COMPILED))
compiled: .venv/installed-dev
	$(BIN)/pytest -p no:xdist $(COMPILED)

# What pytest makes of the files of tests is kept: made once, while the other core compiles, instead of by each of the tests' processes.
collected: lint
	$(BIN)/pytest --collect-only --quiet --quiet $(OTHERS) > .venv/collected || { cat .venv/collected; exit 1; }

# Twice as many examples of properties, and tests whose claim a smaller one makes as well.
test-thorough: export SER_BENCH_THOROUGH = 1
test-thorough: test

# The lowest versions that pyproject.toml allows, all together, on the lowest Python.
test-lowest: .venv-lowest/installed
	.venv-lowest/bin/pytest -p no:xdist $(COMPILED)
	.venv-lowest/bin/pytest --numprocesses auto --dist loadgroup --no-loadscope-reorder $(OTHERS)

# Faults planted one at a time by mutmut, in copies under mutants/; what is known of unchanged functions there is kept. One room:
# make mutants MUTANTS='ser_bench.evaluation.scaling.*'
mutants: export SER_BENCH_THOROUGH = 1
mutants: .venv/installed-mutants
	$(BIN)/mutmut run --max-children 2 $(foreach name,$(MUTANTS),'$(name)')
	$(BIN)/python tests/mutants.py

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tests/words.py

# Any warning is an error: dead links, pages in no menu, docstrings that are not understood.
docs: .venv/installed-docs
	rm -rf site
	$(BIN)/sphinx-build --quiet --fresh-env --fail-on-warning --keep-going docs site
	@echo "site/index.html"

# The tables under results/reference/ and in the README: make reference CORPORA=path/to/folder, which holds ravdess/, emodb/ and emovo/.
CORPORA ?= ../shared/corpora
reference: .venv/installed
	$(BIN)/python benchmarks/reference.py $(CORPORA)
	$(BIN)/python benchmarks/figures.py

# Published systems, claimed, reproduced and honest, under results/reference/recipes/ and in docs/recipes.md: make recipes CORPORA=path/to/folder,
# which holds ravdess/.
recipes: .venv/installed .venv/installed-deep
	$(BIN)/python benchmarks/recipes.py $(CORPORA)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "ser-bench needs Python 3.11 to 3.13: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# With uv, which takes a fourth of the processor time.
.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.13'
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --editable '.[dev]'
	@touch .venv/installed $@

# PyTorch, for networks and their tests, which skip without it. On Linux a package index may give a build with several GB of GPU libraries:
# PYTORCH='torch --index-url https://download.pytorch.org/whl/cpu' is the small one.
PYTORCH ?= torch==2.13.0
.venv/installed-deep: | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check $(PYTORCH)
	@touch $@

.venv/installed-mutants: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	@touch .venv/installed $@

.venv/installed-docs: pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch .venv/installed $@

.venv-lowest/installed: pyproject.toml .venv/installed-dev
	rm -rf .venv-lowest
	$(BIN)/uv venv --quiet --python 3.11 .venv-lowest
	VIRTUAL_ENV=.venv-lowest $(BIN)/uv pip install --quiet --resolution lowest-direct --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv .venv-lowest mutants site .pytest_cache .ruff_cache .mypy_cache
