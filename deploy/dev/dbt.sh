#!/bin/sh
# Installs dbt from its lock file into .venv. Usage: dbt.sh PYTHON
set -eu
cd "$(dirname "$0")/../.."
lock=workers/transform/requirements.lock
"$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || {
    echo "missing: Python 3.10 or newer with venv (Debian: apt-get install python3-venv), for dbt; name another with PYTHON=…" >&2
    exit 1
}
echo "installing dbt (270 MB, once)" >&2
rm -rf .venv
"$1" -m venv .venv
# --no-deps: the lock is complete, and leaves out one parser that dbt asks for and does not need.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r "$lock"
cp "$lock" .venv/millrace.lock
