# millrace: `make run` and `make test` are all a newcomer needs. `make help` lists the rest.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/millrace
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help run up build test test-snowflake test-airflow account lint bench dbt libduckdb rabbitmq postgres promtool jaeger browser emulator airflow schemas definitions tools

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

run: libduckdb dbt ## Build, load the sample data, print what came of it
	cargo build --package millrace
	@cargo run --quiet --package millrace -- up --once
	@echo
	@echo "Look at it:     cargo run -q -p millrace -- loads"
	@echo "                cargo run -q -p millrace -- query 'SELECT * FROM MARTS.MART_DAILY_PLANT_LINE_KPIS LIMIT 10'"
	@echo "Keep it going:  make up    (then drop CSV files into data/raw)"

up: libduckdb dbt ## Build and run every role until Ctrl-C
	cargo build --package millrace
	@cargo run --quiet --package millrace -- up

build: libduckdb ## Build the optimised binary: target/release/millrace
	cargo build --release --package millrace

test: libduckdb dbt rabbitmq promtool jaeger browser emulator ## Install what the tests need, and run them all
	cargo test --workspace
	.venv/bin/python -m unittest discover -q -s workers/transform/sidecar/tests
	.venv-emulator/bin/python -m unittest discover -q -s tests/snowflake/tests -t tests/snowflake

test-snowflake: account libduckdb ## Try on a real account of Snowflake (SNOWFLAKE_*) what the emulator can't prove
	cargo test --package millrace-warehouse --test snowflake_account -- --ignored --nocapture

account:
	@deploy/dev/account.sh

test-airflow: libduckdb dbt rabbitmq postgres jaeger airflow ## Lint and test what Airflow runs, against real workers (MILLRACE_BIN names others)
	cd deploy/airflow && ../../.venv-airflow/bin/ruff format --check --quiet . && ../../.venv-airflow/bin/ruff check --quiet .
	cd deploy/airflow && ../../.venv-airflow/bin/mypy
	@[ -n "$$MILLRACE_BIN" ] || cargo build --package millrace
	cd deploy/airflow && ../../.venv-airflow/bin/python -m pytest --ignore tests/whole
	cd deploy/airflow && ../../.venv-airflow/bin/python -m pytest tests/whole

lint: libduckdb ## Formatting, clippy with warnings as errors, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@deploy/dev/deny.sh

bench: libduckdb dbt ## Measure what README.md and the design claim; each prints its reference beside it
	cargo bench --workspace

schemas: ## Write the schemas of messages and contracts, and asyncapi.yaml, anew from the types
	cargo run --quiet --package millrace-messages --example schemas
	cargo run --quiet --package millrace-runtime --example contract_schema

definitions: ## Write what operators import into RabbitMQ anew from the topology
	cargo run --quiet --package millrace-bus --example definitions

dbt: .venv/millrace.lock ## Install dbt from the lock file into .venv

.venv/millrace.lock: workers/transform/requirements.lock
	@deploy/dev/venv.sh "$(PYTHON)" .venv workers/transform/requirements.lock 10 "dbt (270 MB)"

libduckdb: ## Lay the prebuilt DuckDB library into .duckdb
	@deploy/dev/need.sh cargo cc
	@deploy/dev/libduckdb.sh "$(CACHE)"

rabbitmq: ## Install RabbitMQ, of which the tests start private nodes
	@deploy/dev/rabbitmq.sh

postgres: ## Install PostgreSQL, of which the tests of Airflow start private servers
	@deploy/dev/postgres.sh

promtool: ## Install promtool, which plays the alert rules in the tests
	@deploy/dev/promtool.sh

jaeger: ## Build Jaeger, of which the tests start private instances, where Go is
	@deploy/dev/jaeger.sh

browser: ## Install Chromium, in which the tests open a report
	@deploy/dev/browser.sh

emulator: .venv-emulator/millrace.lock ## Install the emulator of Snowflake, of which the tests start private ones

.venv-emulator/millrace.lock: tests/snowflake/requirements.lock
	@deploy/dev/venv.sh "$(PYTHON)" .venv-emulator tests/snowflake/requirements.lock 11 "the emulator of Snowflake (360 MB)"

airflow: .venv-airflow/millrace.lock ## Install Airflow and deploy/airflow from lock files into .venv-airflow

.venv-airflow/millrace.lock: deploy/airflow/requirements.lock deploy/airflow/tests/requirements.lock deploy/airflow/pyproject.toml
	@deploy/dev/airflow.sh "$(PYTHON)"
