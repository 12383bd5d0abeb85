# `make demo` and `make test` are all a newcomer needs; each does its own set-up, once.
SHELL := /bin/sh
BIN := .venv/bin
# The Python to set up with: this project's own once there is one, else the first that is new enough.
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for p in $(BIN)/python python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p $(NEW_ENOUGH) 2>/dev/null && { echo $$p; break; }; done)
HOST ?= 127.0.0.1
PORT ?= 8080
PYTEST_ARGS ?=
PROVE_ARGS ?=
# The lock files are written for every platform, without a word of where the packages come from.
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet

.PHONY: help demo test prove lint bench peers model lock clean set-up set-up-dev
help:
	@echo "make demo    a shop, a bot and a Telegram to try it in, at one address (HOST=$(HOST) PORT=$(PORT))"
	@echo "make test    all tests (PYTEST_ARGS=tests/web for some of them)"
	@echo "make prove   the proof of README.md's claim in full, many hours (PROVE_ARGS=--quick: two minutes)"
	@echo "make lint    ruff and mypy"
	@echo "make bench   the figures of README.md, measured here"
	@echo "make peers   llama.cpp's own programs, for the tests and figures that need them (build/peers/bin; many minutes)"
	@echo "make model   train both models anew from training/phrases (an hour; goes on where it was broken off)"
	@echo "make lock    resolve the dependencies anew (needs uv)"
	@echo "make clean   forget the set-up"
	@echo "With PYTHON=python3.12 the set-up is done with that Python."

demo: set-up
	@exec $(BIN)/deskhand demo --host $(HOST) --port $(PORT)

test: set-up-dev
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

prove: set-up-dev
	@$(BIN)/python -m prove $(PROVE_ARGS)

lint: set-up-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: set-up-dev
	@$(BIN)/python -m benchmarks

peers: set-up-dev
	@$(BIN)/python -m benchmarks.build_peers

model: set-up-dev
	@$(BIN)/python -m training.classifier
	@$(BIN)/python -m training.embedded

set-up:
	@$(if $(PYTHON),$(PYTHON) requirements/set_up.py run,$(NO_PYTHON))
set-up-dev:
	@$(if $(PYTHON),$(PYTHON) requirements/set_up.py dev,$(NO_PYTHON))
NO_PYTHON = echo "Deskhand needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11 demo"; exit 1

lock:
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) pyproject.toml -o requirements/run.txt
	$(LOCK) pyproject.toml --extra dev -c requirements/run.txt -o requirements/dev.txt
	$(LOCK) requirements/oscar.in -o requirements/oscar.txt
	$(LOCK) requirements/sqlite.in -o requirements/sqlite.txt

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
