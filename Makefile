# `make repro` runs the pipeline, `make test` the tests, `make check` the linters; each installs .venv when it must.
PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin
INSTALLED := .venv/installed
export PATH := $(BIN):$(PATH)
SERVER := culturebench/label_studio/server.lock
HASHES := build/hashes/bin/uv pip compile - --no-deps --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.PHONY: repro test check hashes clean

repro: $(INSTALLED)
	@$(BIN)/culturebench validate
	@$(BIN)/culturebench repro
	@$(BIN)/culturebench report

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

check: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

# After a change of versions in requirements.lock or in the lock of Label Studio's server.
hashes:
	$(PYTHON) -m venv build/hashes
	build/hashes/bin/python -m pip install --quiet --disable-pip-version-check uv
	grep -v '^torch==' requirements.lock | $(HASHES) > build/hashes/ours
	$(HASHES) < $(SERVER) > build/hashes/server
	sed '/^[^#]/,$$d' requirements.hashes | cat - build/hashes/ours > build/hashes/whole && mv build/hashes/whole requirements.hashes
	sed '/^[^#]/,$$d' $(SERVER) | cat - build/hashes/server > build/hashes/whole && mv build/hashes/whole $(SERVER)

# What stages made, and every cache; annotations, weights and the results kept outside of the project stay.
clean:
	rm -rf build *.egg-info data models .dvc/cache .dvc/tmp .pytest_cache .ruff_cache
	find reports -mindepth 1 ! -name README.md -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock requirements.hashes pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo 'Python 3.11 or newer is needed; name one: make PYTHON=python3.11' >&2; exit 1; }
	@echo 'Installing into .venv; the first time this takes some minutes.'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.hashes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	$(BIN)/python -m pip check
	@touch $@
