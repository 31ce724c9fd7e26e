# Two commands from a fresh clone: `make run` and `make test`. Each makes .venv and installs what it needs.
PYTHON ?= python3
BIN := .venv/bin
# one more than two cores have: some tests wait, for a killed server or a database that is away
WORKERS ?= 3

.PHONY: run class test quick train check bench glass lighthouse data translations hooks wheel lock clean

run: .venv/run
	$(BIN)/python server.py

# an hour in a classroom: phones in the same network can join
class: .venv/run
	$(BIN)/python server.py --class

test: .venv/dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

# what needs nothing but Python: no server, browser, engine or other part
quick: .venv/dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not (server or browser or engine or part or process)"

train: .venv/run
	$(BIN)/python model.py

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .

bench: .venv/dev
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.starting
	$(BIN)/python -m benchmarks.parts

# for an hour or two; what was measured is kept in instance/glass/, so a run that was stopped goes on
glass: .venv/glass
	$(BIN)/python -m benchmarks.glass --all --write

# Lighthouse needs Node.js and Chromium, and comes from npm
lighthouse: .venv/dev
	$(BIN)/python -m benchmarks.lighthouse

data: .venv/run
	$(BIN)/python data/recipe.py

# after a text has changed: gather the texts, put them into the catalog to be translated, compile it
translations: .venv/dev
	$(BIN)/pybabel -q extract --sort-output -F glassform/translations/babel.cfg -k lazy_gettext --no-location -o glassform/translations/messages.pot .
	$(BIN)/pybabel -q update -i glassform/translations/messages.pot -d glassform/translations -w 118 --no-fuzzy-matching --omit-header
	$(BIN)/pybabel -q compile -f -d glassform/translations
	rm glassform/translations/messages.pot

hooks: .venv/dev
	$(BIN)/pre-commit install

wheel: .venv/dev
	$(BIN)/python -m hatchling build -t wheel -d dist

# for every system and every Python from pyproject.toml's on, so markers say what is for some of them only
lock: .venv/dev
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" \
	    -o requirements.lock requirements-dev.txt requirements-glass.txt requirements-spark.txt

clean:
	rm -rf .venv artifacts

.venv/bin/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }

.venv/run: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@

.venv/dev: requirements-dev.txt requirements-engines.txt requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	touch $@ .venv/run

.venv/glass: requirements-glass.txt requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-glass.txt
	touch $@ .venv/run
