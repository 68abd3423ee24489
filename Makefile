PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: demo test check bench install

install: .venv/installed

.venv/installed: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	touch $@

# Train on the Quora sample, evaluate, score a CSV, ask three questions: about three minutes on two cores.
demo: install
	$(BIN)/python scripts/demo.py --out demo

test: install
	$(BIN)/python -m pytest

# Speed and accuracy beside other systems; needs the full pairs: make bench DATA=quora_question_pairs.tsv.gz
bench: install
	$(BIN)/python scripts/bench.py --data $(DATA) --out docs/bench

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
