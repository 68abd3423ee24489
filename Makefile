PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: install demo test slow check docs size bench

install: .venv/installed

# The environment is made anew where another Python is asked for: make test PYTHON=python3.12
version = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifneq ($(call version,$(PYTHON)),$(call version,$(BIN)/python))
ANEW := --clear
.PHONY: .venv/installed
endif

.venv/installed: setup.cfg constraints.txt
	$(PYTHON) -m venv $(ANEW) .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[all,jax,dev]'
	touch $@

# Train on the Quora sample, evaluate, score a CSV, ask three questions: about three minutes on two cores.
demo: install
	$(BIN)/python scripts/demo.py --out demo

test: install
	$(BIN)/python -m pytest

# Tests that take minutes or install from the package index.
slow: install
	$(BIN)/python -m pytest -m slow

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# The site, in site/; a broken link fails.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# What `pip install` brings without extras, package by package.
size: install
	$(BIN)/python scripts/install_size.py --constraint constraints.txt

# Speed and accuracy beside other systems; needs the full pairs: make bench DATA=quora_question_pairs.tsv.gz
bench: install
	$(BIN)/python scripts/bench.py --data $(DATA) --out docs/bench
