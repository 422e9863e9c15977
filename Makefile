# Two commands do everything: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3.11
UV := .tools/bin/uv
PY := .venv/bin/python
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test check bench journeys lock fresh clean test-system

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | sort | column -t -s "$$(printf '\t')"

run: .venv/.run ## start everything on this machine with demo data (LAN=1: HTTPS and a QR for real phones)
	@$(PY) run.py serve --demo $(if $(LAN),--lan)

test: .venv/.test test-system ## all checks and tests, real browser included
	@$(MAKE) --no-print-directory check
	$(PY) -m pytest tests -m "not browser" -n 2 --dist loadfile
	$(PY) -m pytest tests -m browser

journeys: .venv/.test test-system ## only the browser journeys
	$(PY) -m pytest tests/journeys

check: .venv/.test ## style, types, import layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: .venv/.test ## packet cost beside a peer, capture cost, join time; rows for docs/benchmarks.md
	$(PY) run.py bench

lock: $(UV) ## renew the hashed requirements files from requirements/*.in
	for name in run test tools; do $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --upgrade requirements/$$name.in -o requirements/$$name.txt || exit 1; done

fresh: ## prove both commands on a bare Debian tree (root, mmdebstrap)
	tests/fresh-debian

clean: ## remove the environment and all caches; keeps data/
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

test-system: ## what the tests need from Debian (browser, PostgreSQL, a font, a voice)
	@tests/system-packages

$(UV): requirements/tools.txt
	@$(PYTHON) -m pip install --quiet --root-user-action=ignore --upgrade --require-hashes --target .tools -r requirements/tools.txt
	@touch $(UV)

.venv/bin/python: $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	@touch .venv/bin/python

.venv/.run: .venv/bin/python requirements/run.txt
	@test -e .venv/.test || $(UV) pip sync --quiet --python $(PY) --require-hashes requirements/run.txt
	@touch $@

.venv/.test: .venv/bin/python requirements/run.txt requirements/test.txt requirements/clips.txt
	@$(UV) pip sync --quiet --python $(PY) --require-hashes requirements/test.txt
	@$(UV) pip install --quiet --python $(PY) --no-deps --require-hashes -r requirements/clips.txt
	@touch .venv/.run $@
