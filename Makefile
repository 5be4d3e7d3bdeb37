# Every target does its own set-up: a .venv in the checkout with the locked versions.
# Needs only Python >= 3.11 with pip and venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help report notebooks test wheel lint bench fuzz hardening docs screenshots sample flowchart lock clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

report: $(READY)  ## the sample archive, and the lab domain that shows its open incident, as report.html
	@# The lab has a fault, so the probe exits 1: problems found.
	$(BIN)/mtasts-nb lab --domain suedwind.example --fault dane-mismatch --probe --save $(VENV)/lab-probe.json >/dev/null || [ $$? = 1 ]
	$(BIN)/mtasts-nb report data/sample --probe $(VENV)/lab-probe.json --output report.html

notebooks: $(READY)  ## open the guided notebooks in JupyterLab
	$(BIN)/mtasts-nb notebooks notebooks --open

test: $(READY)  ## the whole test suite
	@# A file stays with one worker, so that its fixtures are made once. Bytecode is written even where the environment
	@# forbids it: kernels and commands would compile the package each time.
	@# Files in their order: xdist would begin with those of many tests, and end with one worker at a slow file of few.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -q

wheel: $(READY)  ## build the wheel, install it alone as its users do, and use it outside of the checkout
	rm -rf dist $(VENV)-wheel
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	$(PYTHON) -m venv $(VENV)-wheel
	@# The locked versions without their extras.
	$(BIN)/python -m pip freeze --exclude-editable >dist/versions.txt
	$(VENV)-wheel/bin/python -m pip install -q --disable-pip-version-check --no-compile --constraint dist/versions.txt dist/*.whl
	@# With the sample that the wheel brings; some of its inputs are rejected, so that `load` exits 1.
	cd "$$(mktemp -d)" && PATH=$(abspath $(VENV)-wheel/bin):$$PATH && export PYTHONPATH= \
	  && mtasts-nb --version && sample=$$(python -c 'import mtasts_nb; print(mtasts_nb.sample_dir())') \
	  && { mtasts-nb load "$$sample" >load.txt || [ $$? = 1 ]; } && mtasts-nb report "$$sample" --output report.html \
	  && test -s load.txt -a -s report.html

lint: $(READY)  ## style, types, layers, notebooks without outputs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/check_notebooks.py notebooks

bench: $(READY) $(VENV)-bench/.ready  ## every performance bar, its figure, and the peer or floor beside it
	$(BIN)/python -m tests.benchmarks --peers $(VENV)-bench/bin/python

SECONDS ?= 340
fuzz: $(READY) $(VENV)-fuzz/.ready  ## fuzz every reader; SECONDS=… in all, new seeds and failing inputs go to .fuzz
	PYTHONPATH=$(VENV)-fuzz $(BIN)/python -m tests.fuzz --seconds $(SECONDS)

docs: $(READY)  ## the documentation site, notebooks run afresh, in docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

screenshots: report  ## the pictures of the README (needs Chromium)
	$(BIN)/python docs/screenshots.py report.html docs/static

hardening: $(READY)  ## what a hostile sender or server may try: class, tried, held, worst time and memory
	$(BIN)/python -m tests.hardening

sample: $(READY)  ## write data/sample again, byte for byte the same
	$(BIN)/python -m tests.fleet.sample data/sample

flowchart: $(READY)  ## draw the diagnostic flowchart again (needs Graphviz)
	$(BIN)/python -m tests.diagnosis.draw_flowchart

lock:  ## resolve the lock files again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --all-extras --upgrade -q -o requirements.lock pyproject.toml
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade -q -o requirements-bench.lock tests/benchmarks/peers.in
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade -q -o requirements-fuzz.lock tests/fuzz/engine.in

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mtasts-nb needs Python 3.11 or newer; call: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The benchmark's peers live apart, so that no test ever depends on them.
$(VENV)-bench/.ready: requirements-bench.lock
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

# The coverage-guided engine has wheels for Linux only; elsewhere hypothesis alone is used, and the run says so.
$(VENV)-fuzz/.ready: requirements-fuzz.lock $(READY)
	@mkdir -p $(VENV)-fuzz
	@$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade --target $(VENV)-fuzz --only-binary=:all: --require-hashes -r $< \
	  || echo "fuzz: atheris cannot be installed here; the targets run with hypothesis"
	@touch $@

clean:  ## remove what the targets made
	rm -rf $(VENV) $(VENV)-bench $(VENV)-fuzz $(VENV)-wheel docs/_build docs/generated .fuzz report.html build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
