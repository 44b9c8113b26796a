# Every command below makes .venv first, if it is missing or was left half made. It needs Python 3.11 or later and
# a package registry; PostgreSQL comes with it. Paths are relative, so that a checkout may lie in any folder.

PYTHON ?= python3
RUN := .venv/bin/python
# Two workers, each with a server of its own: most tests wait for one.
PARALLEL := --numprocesses 2 --dist worksteal
SQL_ONCE = $(wildcard migrations/*.sql)
SQL_VIEWS = $(wildcard db/views)

.DEFAULT_GOAL := demo
.PHONY: demo sandbox test test-all smoke lint lint-python lint-sql format bench client docs psql clean

demo: .venv/.installed
	$(RUN) -m examples.festival

# A stand-in for Stripe, until Ctrl-C.
sandbox: .venv/.installed
	$(RUN) -m examples.sandbox

# The stamp is removed first and written last: without it, whatever is there is made anew.
.venv/.installed: pyproject.toml
	@if [ ! -e .venv/.installed ]; then $(PYTHON) -m venv --clear .venv; fi
	@rm -f .venv/.installed
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[dev]'
	@touch .venv/.installed

# The whole suite, on the wheel's PostgreSQL 18.
test: .venv/.installed
	$(RUN) -m pytest $(PARALLEL) $(PYTEST_ARGS)

# The short suite on Debian's PostgreSQL 15.
smoke: .venv/.installed
	PYBRIDGE_TEST_PG=15 $(RUN) -m pytest $(PARALLEL) -m smoke $(PYTEST_ARGS)

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
	$(if $(SQL_ONCE),.venv/bin/squawk migrations/*.sql,@echo "no migrations to lint")
	$(if $(SQL_VIEWS),$(RUN) -m sqlfluff lint --processes 2 db/views,@echo "no views to lint")
	$(RUN) -m tests.support.plpgsql_check

format: .venv/.installed
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

bench: .venv/.installed
	$(RUN) -m bench

# Of a deployed database, as the next one: the typed calls, and the reference.
client: .venv/.installed
	$(RUN) -m pybridge.client.generate

docs: .venv/.installed
	$(RUN) -m pybridge docs

psql: .venv/.installed
	$(RUN) -m pybridge psql

# Removes what was built, never the database: its data lies in the user's data folder.
clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
