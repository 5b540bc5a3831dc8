# `make` runs the platform, `make help` lists what else there is. Needs Python 3.11 or later, make and git.
# The sentence behind a target's ## is what `make help` says about it.
.DEFAULT_GOAL := run
.PHONY: run demo test lint format bench lock clean help

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
BIN := .venv/bin
TESTS ?= tests
# Several processes, as tests/conftest.py says; tests/groups.py says which tests stay together and which begin.
SHARED_OUT := --numprocesses auto --dist loadscope --no-loadscope-reorder
# While it installs, `make` says every so many seconds how far it is.
PROGRESS_S ?= 10
# Bytecode is kept, whatever a container's environment says: every run of Dagster, every command and every process of
# the tests would compile the platform's own sources, and the tests', again.
export PYTHONDONTWRITEBYTECODE :=
INSTALL = $(PYTHON) deploy/with_progress $(PROGRESS_S) .venv/install.log

run: .venv/installed-local ## Run the whole platform here until Ctrl-C; `make` alone does it, too.
	@exec $(BIN)/psp up

demo: .venv/installed-local ## Post a day's traffic of some merchants, settle it, and show that every cent is where it belongs.
	@$(BIN)/psp demo

test: .venv/installed-dev ## Run all tests, or those of TESTS=tests/folder.
	$(BIN)/pytest $(SHARED_OUT) $(TESTS)

lint: .venv/installed-dev ## Check style, types, imports, the drawing of the structure, and the migrations.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.structure
	$(BIN)/python -m tests.check_migrations

format: .venv/installed-dev ## Mend what can be mended of the style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/installed-dev ## Measure every hop beside a bare baseline.
	$(BIN)/python -m bench

# Writes the lock files again from pyproject.toml: the newest versions that it allows, with their hashes. The release of
# uv and of setuptools is written in the first line of its lock, and only its hashes are looked up.
lock: .venv/uv ## Write the lock files again, with the newest versions that pyproject.toml allows.
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements/runtime.lock
	$(BIN)/uv pip compile $(LOCK) --extra local pyproject.toml -o requirements/local.lock
	$(BIN)/uv pip compile $(LOCK) --extra local --extra dev pyproject.toml -o requirements/dev.lock
	for tool in uv build; do \
		sed -n '1s/ .*//p' requirements/$$tool.lock | $(BIN)/uv pip compile $(LOCK) - -o requirements/$$tool.lock || exit 1; \
	done
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-annotate --no-header

clean: ## Remove everything that make made, the platform's data in .psp included.
	rm -rf .venv .venv.lock .psp build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find bench psp_* tests -name __pycache__ -prune -exec rm -rf {} +

help: ## List what make can do.
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name sentence; do \
		printf 'make %-8s %s\n' "$$name" "$$sentence"; \
	done

ifndef INSTALLING
# Whatever is missing in .venv is made by one make at a time: a second one waits, looks again, and finds it done.
.venv/uv .venv/installed-local .venv/installed-dev: FORCE
	@test -n "$(PYTHON)" || { echo "psp needs Python 3.11 or later: none was found on the PATH (PYTHON=/path/to/python3 names one)."; exit 1; }
	@$(MAKE) --no-print-directory --question INSTALLING=yes $@ 2>/dev/null \
		|| $(PYTHON) deploy/one_at_a_time .venv.lock $(MAKE) --no-print-directory INSTALLING=yes $@
.PHONY: FORCE
FORCE:
else
.venv/uv: requirements/uv.lock
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "psp needs Python's venv module: on Debian, 'apt-get install python3-venv'."; exit 1; }
	@echo "Creating .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@$(INSTALL) $(BIN)/pip install --disable-pip-version-check --require-hashes -r requirements/uv.lock
	@touch $@

# uv installs in seconds what takes pip minutes; where it does not know the machine's index, pip does it. Compiled at
# once, because every run of Dagster is a new process: it would compile for three seconds where no bytecode is kept.
# What builds the package itself comes by its hash, too, and nothing else is fetched for that.
.venv/installed-%: requirements/%.lock requirements/build.lock pyproject.toml | .venv/uv
	@echo "Installing the $$(grep -c '^[a-z0-9]' $<) pinned dependencies of $<: a minute or two, more on a slow line"
	@$(INSTALL) $(BIN)/uv pip install --compile-bytecode --python $(BIN)/python --require-hashes -r $< -r requirements/build.lock \
		|| { echo "uv could not install them: pip does it, in some minutes more"; \
			$(INSTALL) $(BIN)/pip install --disable-pip-version-check --require-hashes -r $< -r requirements/build.lock; }
	@echo "Installing psp itself"
	@$(INSTALL) $(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e . \
		|| $(INSTALL) $(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
endif
