#!/bin/sh
# Installs Airflow, the package of deploy/airflow and what its tests need from their lock files into .venv-airflow.
# Usage: airflow.sh PYTHON
set -eu
cd "$(dirname "$0")/../.."
"$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "missing: Python 3.11 or newer with venv (Debian: apt-get install python3-venv), for Airflow; name another with PYTHON=…" >&2
    exit 1
}
echo "installing Airflow (330 MB, once)" >&2
rm -rf .venv-airflow
"$1" -m venv .venv-airflow
for lock in deploy/airflow/requirements.lock deploy/airflow/tests/requirements.lock; do
    .venv-airflow/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
done
.venv-airflow/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
    --editable deploy/airflow
cat deploy/airflow/requirements.lock deploy/airflow/tests/requirements.lock >.venv-airflow/millrace.lock
