# `make demo` and `make test` set up a virtual environment of their own; nothing else to learn.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint clean

demo: .venv/.ready
	$(BIN)/starring demo

test: .venv/.ready-test
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal

lint: .venv/.ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt "torch>=2.11,<2.14"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/.ready-test: .venv/.ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf .venv demo
