PYTHON ?= python3
BIN := .venv/bin

# `make test` runs with the newest engine; what leans on the engine most runs with this one too (see tools/engine.py).
OLDER_ENGINE := 3.259.0
OLDER_ENGINE_TESTS := $(addprefix tests/engine/test_,versions.py version_before.py golden.py kill.py) \
	$(addprefix tests/engine/test_backup_before, \
		.py::test_an_update_is_made_after_the_backup .py::test_without_the_backup_the_change_does_not_happen \
		.py::test_a_preview_says_what_will_be_done_and_does_nothing \
		_interrupted.py::test_a_killed_runs_backup_is_gone_on_with \
		_delete.py::test_the_files_are_there_before_the_instance_goes _delete.py::test_a_replacement_saves_the_old_instance) \
	-k "not (oldest or other_pythons or kill_host or kill_engine)"

# A backup's life runs with each of these that is installed, besides the one that everything runs with.
PYTHONS := 3.10 3.11 3.12 3.13 3.14
OTHER_PYTHONS := $(filter-out $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'),$(PYTHONS))
# Prints the interpreter of a version: on PATH, where a shim of pyenv's may be that does not work, or one of pyenv's.
python_of = for each in python$(1) "$$(pyenv root 2>/dev/null)"/versions/$(1).*/bin/python; do \
	if "$$each" -c 'import ensurepip, venv' 2>/dev/null; then echo "$$each"; break; fi; done
WORKFLOWS := $(wildcard .github/workflows/*.yml pipelines/github/backups-*.yml)
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
# Pulumi looks for pulumi-plugin.json beside pip's record of the package, where an editable install has nothing, and then
# tries to download a plugin on every run.
link_package = ln -sfn "$(CURDIR)/provider/pulumi_dcs" \
	"$$($(1)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/pulumi_dcs"
# Writes the pinned versions as constraints, which can't name extras.
pinned_to = sed -E '/^-e/d; s/\[[^]]*\]//' requirements.txt > $(1)

.PHONY: demo test test-older unit lint lock reliability soak bench captures clean help

demo: .venv/ready ## preview and apply the root project for real
	@$(BIN)/python tools/demo.py

test: .venv/ready .venv-floor/ready .venv-huaweicloud/ready .venv-pipelines/ready $(OTHER_PYTHONS:%=.venv-%/ready) ## everything there is to test
	$(MAKE) --no-print-directory lint
	@$(BIN)/python tools/engine.py > /dev/null
	$(BIN)/python -m pytest -n 6 --dist worksteal --ignore tests/engine/test_postgres.py tests
	$(MAKE) --no-print-directory test-older
	$(BIN)/python -m pytest tests/engine/test_postgres.py # ten stacks at once: by itself

test-older: .venv/ready .venv-floor/ready ## what leans on the engine most, with the older of the two pinned engines
	@$(BIN)/python tools/engine.py --version $(OLDER_ENGINE) > /dev/null
	ENGINE_VERSION=$(OLDER_ENGINE) $(BIN)/python -m pytest -n 4 --dist worksteal $(OLDER_ENGINE_TESTS)

unit: .venv/ready ## the tests that need no engine
	$(BIN)/python -m pytest -n 4 tests/unit

reliability: .venv/ready ## run the tests of every kind of fault and write docs/reliability.md
	$(BIN)/python tools/reliability.py

soak: .venv/ready ## random schedules of faults: longer ones than `make test` has
	DCS_SOAK_EXAMPLES=$${DCS_SOAK_EXAMPLES:-2000} DCS_SOAK_CYCLES=$${DCS_SOAK_CYCLES:-100} \
		$(BIN)/python -m pytest -n 2 --timeout 0 tests/unit/instance_backup/test_invariants.py tests/engine/test_soak.py

bench: .venv/ready .venv-user/ready ## measure against a plain dynamic provider: docs/performance.md, docs/scale.md (about an hour)
	$(BIN)/python -m bench $(BENCH)

captures: .venv/ready ## run what the pages show and put the real output in its place
	$(BIN)/python tools/captures.py

lint: .venv/ready ## ruff, mypy, codespell, and zizmor, actionlint and shellcheck for the pipelines
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@for program in policy examples/*/; do $(BIN)/mypy --no-error-summary $$program || exit 1; done
	$(BIN)/codespell
	$(BIN)/shellcheck .ci/run policy/run pipelines/*.sh
	$(BIN)/zizmor --quiet --persona auditor --offline --strict-collection .github $(wildcard pipelines/github/*.yml)
	@if command -v actionlint > /dev/null; then run=actionlint; \
	elif command -v go > /dev/null; then run="go run $(ACTIONLINT)"; \
	else echo "The workflows were not checked: put actionlint (https://github.com/rhysd/actionlint) or Go on PATH."; exit 1; fi; \
	echo "$$run $(WORKFLOWS)"; $$run -shellcheck $(BIN)/shellcheck -pyflakes= $(WORKFLOWS)

lock: .venv/ready ## write the pipelines' lock file from pipelines/requirements.in
	cd pipelines && ../$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
		--output-file requirements.txt requirements.in

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "pulumi-dcs needs Python 3.10 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "making the Python environment .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(call link_package,.venv)
	@touch $@

.venv-floor/ready: requirements-floor.txt pyproject.toml $(shell find provider -name '*.py')
	@echo "making an environment with the oldest supported packages (and Python, where it is installed): .venv-floor …"
	@python=$$($(call python_of,$(firstword $(PYTHONS)))); : "$${python:=$(PYTHON)}"; \
	test "$$(.venv-floor/bin/python -V 2>&1)" = "$$("$$python" -V)" || "$$python" -m venv --clear .venv-floor
	@.venv-floor/bin/python -m pip install --quiet --disable-pip-version-check \
		--force-reinstall --no-deps .
	@.venv-floor/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-floor.txt
	@touch $@

.venv-3.%/ready: requirements.txt pyproject.toml
	@python=$$($(call python_of,3.$*)); \
	if [ -z "$$python" ]; then echo "There is no Python 3.$* here: the tests with it are skipped."; exit; fi; \
	echo "making an environment with Python 3.$*: .venv-3.$* …"; set -e; \
	"$$python" -m venv --clear .venv-3.$*; \
	$(call pinned_to,.venv-3.$*/pinned.txt); \
	.venv-3.$*/bin/python -m pip install --quiet --disable-pip-version-check --constraint .venv-3.$*/pinned.txt pip -e .; \
	$(call link_package,.venv-3.$*); touch $@

.venv-user/ready: requirements.txt pyproject.toml $(shell find provider -name '*.py')
	@echo "making an environment as a user has it, the package and what it needs: .venv-user …"
	@$(PYTHON) -m venv .venv-user
	@$(call pinned_to,.venv-user/pinned.txt)
	@.venv-user/bin/python -m pip install --quiet --disable-pip-version-check --force-reinstall \
		--constraint .venv-user/pinned.txt pip .
	@touch $@

# As a job of the pipelines has it: by pipelines/install.sh, with the package from this repository's last commit.
.venv-pipelines/ready: pipelines/install.sh pipelines/requirements.txt pyproject.toml
	@echo "making an environment as the pipelines install it: .venv-pipelines …"
	@$(PYTHON) -m venv --clear .venv-pipelines
	@cp pipelines/install.sh pipelines/requirements.txt .venv-pipelines/
	@echo "pulumi-dcs @ git+file://$(CURDIR)@$$(git rev-parse HEAD)" > .venv-pipelines/pulumi-dcs.txt
	@PATH="$(CURDIR)/.venv-pipelines/bin:$$PATH" .venv-pipelines/install.sh > .venv-pipelines/install.log 2>&1 \
		|| { cat .venv-pipelines/install.log; exit 1; }
	@.venv-pipelines/bin/python -m pip check
	@touch $@

# By itself: its package has 48 MB, and today's Python host tries to download a plugin for each such package it finds.
.venv-huaweicloud/ready: examples/with-huaweicloud/requirements.txt requirements.txt pyproject.toml
	@echo "making an environment for examples/with-huaweicloud: .venv-huaweicloud …"
	@$(PYTHON) -m venv .venv-huaweicloud
	@$(call pinned_to,.venv-huaweicloud/pinned.txt)
	@.venv-huaweicloud/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint .venv-huaweicloud/pinned.txt -r examples/with-huaweicloud/requirements.txt pytest -e .
	@touch $@

clean: ## stop the local endpoint and forget its state and the demo's stack
	@if [ -f .demo/holds-real-backups ]; then \
		echo ".demo holds the state of backups at the real service."; \
		echo "Run 'source .demo/env' and 'pulumi destroy' first, then delete .demo/holds-real-backups."; exit 1; fi
	@if [ -f .demo/endpoint.pid ]; then kill "$$(cat .demo/endpoint.pid)" 2>/dev/null || true; fi
	@rm -rf .demo 2>/dev/null || { sleep 2; rm -rf .demo; } # its servers may still save their data

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
