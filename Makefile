# Everything runs in .venv, which `make install` makes.
PYTHON ?= .venv/bin/python

.PHONY: install format lint test check

install:
	test -d .venv || python3 -m venv .venv
	$(PYTHON) -m pip install -q -e '.[test]'

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

test:
	$(PYTHON) -m pytest

check: lint test
