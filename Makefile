# Two commands on a fresh machine with Python >= 3.11 and make: `make demo` and `make test`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint format bench notebooks clean

demo: $(VENV)/.installed ## from a cell to a verified design, in runs/fast_charge
	$(BIN)/electrograd demo

test: lint ## linter, types, import contract, tests
	$(BIN)/pytest --numprocesses auto --dist loadfile

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-test ## accuracy and speed; writes benchmarks/results (half an hour and more)
	$(PIP) --editable '.[benchmarks]'
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

notebooks: $(VENV)/.installed-test ## run the paired scripts and keep their pictures
	$(PIP) --editable '.[notebooks]'
	cd notebooks && ../$(BIN)/jupytext --to ipynb --execute *.py

clean:
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "electrograd needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing (about two minutes)"
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing the test tools"
	$(PIP) --editable '.[test]'
	@touch $@
