# Everything runs in .venv, which `make install` makes.
PYTHON ?= .venv/bin/python

.PHONY: install format lint test docs check

install:
	test -d .venv || python3 -m venv .venv
	$(PYTHON) -m pip install -q -e '.[test]'

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest

docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --quiet --strict

check: lint test docs
