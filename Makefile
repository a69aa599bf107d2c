PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test unit lint clean

demo: .venv/ready ## preview and apply the root project for real
	@$(BIN)/python tools/demo.py

test: .venv/ready ## everything: lint, types, unit tests, tests on the real engine
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest tests

unit: .venv/ready ## the tests that need no engine
	$(BIN)/python -m pytest tests/unit

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "pulumi-dcs needs Python 3.10 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "making the Python environment .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

clean: ## stop the local endpoint and forget its state and the demo's stack
	@if [ -f .demo/endpoint.pid ]; then kill "$$(cat .demo/endpoint.pid)" 2>/dev/null || true; fi
	@rm -rf .demo
