# The commands of the project. They need only Python >= 3.11 and make; the first one installs the rest into .venv.
.DEFAULT_GOAL := help
.PHONY: help venv demo test test-all docs lint owners clean

PYTHON ?= $(shell python3.11 -c '' 2>/dev/null && echo python3.11 || echo python3)
BIN := .venv/bin
WORKERS ?= 2
PINS ?= -c constraints.txt
ARGS ?=
# One torch thread per test process, because more threads than cores wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q
PARALLEL := -n $(WORKERS) --dist loadgroup --benchmark-disable

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 12

venv: .venv/.installed ## install everything into .venv, once; another Python: PYTHON=python3.12; the newest releases: PINS=

.venv/.installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || { $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "make venv: needs Python >= 3.11, but $(PYTHON) is " + sys.version.split()[0] + "; name another with PYTHON=...")' && $(PYTHON) -m venv .venv; }
	@echo 'make venv: installing into .venv (takes some minutes)'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(PINS) -e '.[dev]'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps nussl==1.1.9
	@touch $@

demo: venv ## one small paper from run to report: train, print verdicts, build the site
	$(BIN)/repro run deep_clustering/demo --no-publish
	@echo 'the new record is in runs/; the verdicts below come from the committed records'
	$(BIN)/repro verdict deep_clustering
	$(BIN)/repro report
	@echo 'open docs/_build/html/papers/deep_clustering.html'

test: venv ## run the fast tests; only some of them: ARGS='-k verdict'
	$(PYTEST) $(PARALLEL) $(ARGS)

test-all: venv ## run all tests, then the benchmarks (in one process, so that their times are correct)
	$(PYTEST) $(PARALLEL) -m '' --hypothesis-profile repro --timeout 1800 $(ARGS)
	$(PYTEST) -s -m '' --timeout 1800 tests/benchmarks

docs: venv ## build the site in docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -q -W --keep-going -b html -d docs/_build/doctrees docs docs/_build/html
	@echo 'docs/_build/html/index.html'

lint: venv ## check style, types, security and shell scripts (if shellcheck is installed)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy repro
	$(BIN)/bandit -q -c pyproject.toml -r repro papers docs/conf.py
	$(BIN)/zizmor -q --offline .github
	@if command -v shellcheck >/dev/null; then shellcheck tmux/*.sh tests/launch/slurm/*.sh .ci/run; else echo 'shellcheck is not installed: skipped'; fi

owners: venv ## write .github/CODEOWNERS from the groups of the papers
	$(BIN)/python .github/codeowners.py

clean: ## delete generated files, except .venv and runs/
	rm -rf build dist *.egg-info docs/_build docs/papers docs/course/calendar.md docs/course/presentations .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find repro papers tests docs -name __pycache__ -type d -prune -exec rm -rf {} +
