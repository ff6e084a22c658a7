# The four commands. Each makes and fills .venv on its first use, and needs nothing activated.
#
#   make lab       JupyterLab on the welcome notebook
#   make test      every check there is
#   make report    train the trebuchet headlessly and write an offline HTML report into runs/
#   make format    put the source into the house style

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help lab test report format

NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
  $(if $(shell $(name) $(NEW_ENOUGH) 2>/dev/null && echo yes),$(name))))
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.ready
SHOWCASE ?= trebuchet
heading = @printf '\n== %s\n' "$(1)"

help:
	@sed -n 's/^#   //p' Makefile

lab: $(READY)
	@$(RUN) workbench lab

report: $(READY)
	@$(RUN) workbench run $(SHOWCASE) --out runs --resume

format: $(READY)
	@$(RUN) ruff check --fix --exit-zero --quiet . && $(RUN) ruff format .

test: $(READY)
	$(call heading,Style: ruff check)
	@$(RUN) ruff check .
	$(call heading,Format: ruff format --check)
	@$(RUN) ruff format --check .
	$(call heading,Import direction: lint-imports)
	@$(VENV)/bin/lint-imports
	$(call heading,Unit tests: pytest)
	@$(RUN) pytest -q -n logical --maxprocesses 8 -m "not browser" --ignore=tests/binder
	$(call heading,Notebooks: pytest --nbval-lax)
	@WORKBENCH_PRESET=smoke WORKBENCH_LIVE=0 $(RUN) pytest -q --nbval-lax --nbval-cell-timeout=300 notebooks
	$(call heading,Headless run through the front door: workbench run)
	@$(RUN) workbench run trebuchet --preset smoke --out runs/test --fresh
	$(call heading,Binder: pytest tests/binder)
	@$(RUN) pytest -q tests/binder
	$(call heading,Browser: pytest -m browser)
	@$(RUN) pytest -q -m browser
	@printf '\n== All checks passed\n'

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) $(NEW_ENOUGH) || { \
	  echo "Python 3.11 or newer is needed. If it is installed under another name: make PYTHON=/path/to/python ..."; \
	  exit 1; }
	@echo "Setting up $(VENV) (once; a few minutes on a fresh machine)"
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(RUN) pip install -qq --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@
