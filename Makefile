# Heddle's commands. `make` alone lists them; each sets up what it needs.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := .setup/python.done
WEB    := .setup/web.done
WEB_SOURCES := $(shell find web/src web/public web/index.html web/package.json web/vite.config.ts workflows/text-to-image.json -type f 2>/dev/null)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo serve test chaos check bench clean parity services

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	@mkdir -p .setup
	@echo "Setting up Python in $(VENV) (first time only, a few minutes) …"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Heddle needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12 …")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --constraint constraints.txt torch
	@$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@

$(WEB): web/package-lock.json
	@mkdir -p .setup
	@tools/with-node npm --prefix web install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: $(WEB) $(WEB_SOURCES)
	@echo "Building the editor …"
	@tools/with-node npm --prefix web run --silent build

demo: $(STAMP)  ## render a picture on the embedded base and refiner, without a server
	@$(PY) main.py run workflows/base-and-refiner.json --output output

serve: $(STAMP) web/dist/index.html  ## open the editor at http://127.0.0.1:8188
	@$(PY) main.py serve

services:
	@tools/install-test-services

test: $(STAMP) web/dist/index.html services  ## set up and run every test: Python, TypeScript, browser
	@tools/with-node npm --prefix web test
	@OMP_NUM_THREADS=1 $(PY) -m pytest -q --durations=15 -m "not nightly and not gpu and not chaos"

chaos: $(STAMP) services  ## disasters in their long form: 500 killed processes, every crash point, full disks
	@OMP_NUM_THREADS=1 HEDDLE_CHAOS_KILLS=500 $(PY) -m pytest -q --durations=15 --timeout=3600 tests/chaos

check: $(STAMP) $(WEB)  ## lint, types, import rules
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@tools/with-node npm --prefix web run --silent check
	@$(PY) -m pytest -q tests/architecture

bench: $(STAMP) web/dist/index.html  ## the benchmarks, one JSON line each
	@for script in benchmarks/*/bench_*.py; do $(PY) $$script || exit 1; done

parity: $(STAMP)  ## full-size comparison with reference results: make parity KEYS=… GOLDENS=… MODELS=…
	@$(PY) -m benchmarks.parity --keys "$(KEYS)" --goldens "$(GOLDENS)" --models "$(MODELS)"

clean:  ## remove what the commands made here (not your data)
	@rm -rf .setup $(VENV) web/node_modules web/dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
