# Everything a newcomer or a machine needs. `make` alone prints this help.
# Each target sets up what it needs: uv where it is installed, pip where not.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
CONSTRAINTS := .ci/constraints.txt
ifdef UV
INSTALL = VIRTUAL_ENV=$(CURDIR)/$(1) uv pip install --quiet --compile-bytecode
else
INSTALL = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
endif

# Not long, and skipped by `make test`, which installs no extras.
EXTRA_TESTS := $(addprefix tests/unit/http_client/test_aws_,credentials.py signing.py) \
	tests/unit/experiment/test_token_readings.py tests/unit/metrics/test_providers.py tests/unit/encoding
# Run alone: other tests use the newest cluster of this machine.
RAY_TESTS := tests/chaos/test_ray_attacks.py tests/integration/test_ray.py

.DEFAULT_GOAL := help
.PHONY: help run test test-all extras check lint types floors docs fix golden bench faults clients servers build clean

help: ## print this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml $(CONSTRAINTS)
	@echo "setting up $(VENV) (once)"
	@$(call INSTALL,$(VENV)) --constraint $(CONSTRAINTS) --editable '.[server]'
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(call INSTALL,$(VENV)) --constraint $(CONSTRAINTS) --editable '.[server,dev]'
	@touch $@

$(VENV)/.extras: $(VENV)/.dev
	@$(call INSTALL,$(VENV)) --constraint $(CONSTRAINTS) --editable '.[server,dev,aws,local,metrics,onnx,ray]'
	@touch $@

run: $(VENV)/.run ## set up, then compare three rerankers on the bundled data
	@$(BIN)/evalkit run configs/quickstart.yaml

test: $(VENV)/.dev ## set up, then run the tests that take seconds
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not long"

test-all: $(VENV)/.extras ## set up the extras, and run the tests that take minutes: whole commands, kills, simulations, local models
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m long $(addprefix --ignore ,$(RAY_TESTS))

extras: $(VENV)/.extras ## set up the extras aws, local, metrics, onnx and ray, and run the tests that are skipped without them
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(EXTRA_TESTS)
	@$(BIN)/python -m pytest $(RAY_TESTS)

check: test lint types floors docs ## test + lint + types + import floors + docs

lint: $(VENV)/.dev
	@$(BIN)/ruff check evalkit tests .github
	@$(BIN)/ruff format --check evalkit tests .github

types: $(VENV)/.dev
	@$(BIN)/mypy

floors: $(VENV)/.dev
	@$(BIN)/lint-imports

docs: $(VENV)/.dev
	@$(BIN)/interrogate --quiet evalkit tests
	@$(BIN)/evalkit config check configs/quickstart.yaml >/dev/null

fix: $(VENV)/.dev ## format, and mend what the linter can mend
	@$(BIN)/ruff format evalkit tests .github
	@$(BIN)/ruff check --fix evalkit tests .github

golden: $(VENV)/.dev ## rewrite the golden outputs; review the difference before committing
	@EVALKIT_REWRITE_GOLDEN=1 $(BIN)/python -m pytest -q tests/golden

bench: $(VENV)/.dev ## print what evalkit costs beside others, and whether its latencies are true
	@$(BIN)/python tests/bench/start.py
	@$(BIN)/python tests/bench/evaluate_command.py
	@$(BIN)/python tests/bench/report_cost.py
	@$(BIN)/python tests/bench/large_report.py
	@$(BIN)/python tests/bench/client_overhead.py
	@$(BIN)/python tests/bench/latency_truth.py
	@$(BIN)/python tests/bench/store_throughput.py
	@$(BIN)/python tests/bench/second_run.py
	@$(BIN)/python tests/bench/depth_sweep.py
	@$(BIN)/python tests/bench/evaluation.py
	@$(BIN)/python tests/bench/bm25_scale.py
	@$(BIN)/python tests/bench/dense_search.py
	@$(BIN)/python tests/bench/local_models.py
	@$(BIN)/python tests/bench/ray_replicas.py
	@$(BIN)/python tests/bench/service_load.py

faults: $(VENV)/.dev ## print what becomes of a query under every fault of a server
	@$(BIN)/python -m pytest -q -s -p no:randomly tests/integration/test_faults.py -k exact_scores

clients: $(VENV)/.dev ## optional: ask the service with clients that others wrote, installed aside
	@.ci/clients

servers: $(VENV)/.dev ## optional: run and probe infinity, llama.cpp, litellm and SGLang's router, installed aside
	@.ci/servers

build: ## build the wheel, install it in a clean environment, run it from outside the tree
	@.ci/build

clean: ## remove everything that can be made again
	@rm -rf $(VENV) .venv-build .venv-servers .venv-clients build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
