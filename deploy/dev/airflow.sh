#!/bin/sh
# Installs Airflow, the package of deploy/airflow and what its tests need from their lock files into .venv-airflow.
# Usage: airflow.sh PYTHON
set -eu
cd "$(dirname "$0")/../.."
environment=.venv-airflow
deploy/dev/venv.sh "$1" "$environment" deploy/airflow/requirements.lock 11 "Airflow (345 MB)"
# Written once more at the end: what breaks off here must not pass for installed.
rm "$environment/millrace.lock"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r deploy/airflow/tests/requirements.lock
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable deploy/airflow
cat deploy/airflow/requirements.lock deploy/airflow/tests/requirements.lock >"$environment/millrace.lock"
