# Every command below makes .venv first, if it is missing or was left half made. It needs Python 3.11 or later and
# a package registry; PostgreSQL comes with it. Paths are relative, so that a checkout may lie in any folder.

PYTHON ?= python3
RUN := .venv/bin/python
PIP := --quiet --disable-pip-version-check
# Two workers, each with a server of its own: most tests wait for one.
PARALLEL := --numprocesses 2 --dist worksteal

.DEFAULT_GOAL := demo
.PHONY: demo sandbox test test-all test-install smoke smoke-15 smoke-16 smoke-17 lint lint-python lint-sql format hooks bench client docs psql lock clean

demo: .venv/.installed
	$(RUN) -m examples.festival

# A stand-in for Stripe, until Ctrl-C.
sandbox: .venv/.installed
	$(RUN) -m examples.sandbox

# The stamp is removed first and written last: without it, whatever is there is made anew.
.venv/.installed: pyproject.toml requirements.lock
	@if [ ! -e .venv/.installed ]; then $(PYTHON) -m venv --clear .venv; fi
	@rm -f .venv/.installed
	$(RUN) -m pip install $(PIP) --no-compile --constraint requirements.lock --editable '.[dev]'
	@touch .venv/.installed

# Which versions `make` installs and CI tests: the newest that pyproject.toml allows.
lock:
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/python -m pip install $(PIP) '.[dev]'
	{ echo '# Written by `make lock`: what `make` installs, and CI tests.'; \
	  build/lock/bin/python -m pip --disable-pip-version-check freeze --exclude pybridge; } >requirements.lock
	rm -rf build/lock

# The whole suite, on the wheel's PostgreSQL 18.
test: .venv/.installed
	$(RUN) -m pytest $(PARALLEL) $(PYTEST_ARGS)

# The wheel and the sdist: built, installed into an empty environment, and used from another folder.
test-install: .venv/.installed
	$(RUN) -m pytest -m install tests/install $(PYTEST_ARGS)

# The short suite on Debian's PostgreSQL 15; `make smoke-16` and `make smoke-17` fetch the server first. One worker:
# a second costs its own server what it saves.
smoke: smoke-15
smoke-15 smoke-16 smoke-17: smoke-%: .venv/.installed
	PYBRIDGE_TEST_PG=$* $(RUN) -m pytest -m smoke $(PYTEST_ARGS)

smoke-16: build/postgresql/16
smoke-17: build/postgresql/17
build/postgresql/%: | .venv/.installed
	$(RUN) -m tests.support.fetched $*

# The whole suite on both ends of what is supported.
test-all: .venv/.installed
	PYBRIDGE_TEST_PG=18 $(RUN) -m pytest $(PARALLEL) $(PYTEST_ARGS)
	PYBRIDGE_TEST_PG=15 $(RUN) -m pytest $(PARALLEL) $(PYTEST_ARGS)

# In two halves, which `make -j2 lint` runs at once.
lint: lint-python lint-sql

lint-python: .venv/.installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

lint-sql: .venv/.installed
	.venv/bin/squawk migrations/*.sql
	$(RUN) -m sqlfluff lint --processes 2 db/views
	$(RUN) -m tests.support.plpgsql_check

format: .venv/.installed
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

# Lint at each commit (.pre-commit-config.yaml), for who likes that.
hooks: .venv/.installed
	$(RUN) -m pip install $(PIP) pre-commit
	.venv/bin/pre-commit install

bench: .venv/.installed
	$(RUN) -m bench

# Of a deployed database, as the next one: the typed calls, and the reference.
client: .venv/.installed
	$(RUN) -m pybridge.deploy.calls

docs: .venv/.installed
	$(RUN) -m pybridge docs

psql: .venv/.installed
	$(RUN) -m pybridge psql

# Removes what was built or fetched, never the database: its data lies in the user's data folder.
clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
