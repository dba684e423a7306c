# What a developer runs; `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.PHONY: help setup parts check unit wheel docs integration test bench demo demo-down clean

bin := .venv/bin
workers ?= 2

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## make .venv and install Trellis and its tools into it
	@scripts/setup

parts: ## find or install what the integration tests need: Docker Engine, images, programs
	@scripts/test-parts

check: setup ## formatting, lint, types, layers, shell scripts
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/mypy
	@$(bin)/lint-imports --no-cache
	@scripts/check-shell

unit: setup ## tests without real hosts: unit, property, golden, examples in the documentation
	@$(bin)/pytest tests/unit tests/property tests/golden tests/docs -n $(workers)

wheel: setup ## the same tests against the built wheel, installed apart from the sources
	@scripts/wheel-suite -n $(workers)

docs: setup ## the documentation, warnings as errors
	@$(bin)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs: docs/_build/html/index.html"

# A file stays on one worker: its tests may share a lab.
integration: setup parts ## tests with a real engine, real hosts, real databases
	@$(bin)/pytest tests/integration -n $(workers) --dist loadfile

# One after the other: a mistake in a minute's check is not reported after ten minutes of integration tests.
test: ## all checks and all tests; needs root on Debian or Ubuntu to install what is missing
	@scripts/phases setup parts check unit wheel docs integration

bench: setup ## times as ratios to what users run instead, here and on lab hosts, placement, HAProxy (tests/benchmarks)
	@$(bin)/python tests/benchmarks/starting/bench_starting.py
	@$(bin)/python tests/benchmarks/placing/bench_placing.py
	@$(bin)/python tests/benchmarks/hosts/run.py
	@$(bin)/python tests/benchmarks/changes/bench_changes.py
	@$(bin)/python tests/benchmarks/balancing/run.py

demo: ## run the shop (a website, MariaDB, HAProxy) on this machine and fetch its page
	@scripts/demo up

demo-down: ## remove the shop, its data, its key and its images
	@scripts/demo down

clean: ## remove what was built; state, secrets and Docker's images stay
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist build .wheel docs/_build
	@find trellis dsl plugins stacks tests docs -name __pycache__ -type d -prune -exec rm -rf {} +
