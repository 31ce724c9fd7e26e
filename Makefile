# Two commands from a fresh clone: `make run` and `make test`. Each makes .venv and installs what it needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test train check bench data clean

run: .venv/run
	$(BIN)/python server.py

test: .venv/dev
	$(BIN)/python -m pytest

train: .venv/run
	$(BIN)/python model.py

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .

bench: .venv/dev
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.starting

data: .venv/run
	$(BIN)/python data/recipe.py

clean:
	rm -rf .venv artifact

.venv/bin/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }

.venv/run: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@

.venv/dev: requirements-dev.txt requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	touch $@ .venv/run
