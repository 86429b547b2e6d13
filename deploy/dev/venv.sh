#!/bin/sh
# Installs a lock file into a Python environment of its own. Usage: venv.sh PYTHON ENVIRONMENT LOCK MINOR WHAT
# MINOR is the least version of Python 3, WHAT is what people are told.
set -eu
cd "$(dirname "$0")/../.."
python=$1 environment=$2 lock=$3 minor=$4 what=$5
"$python" -c "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, $minor))" 2>/dev/null || {
    echo "missing: Python 3.$minor or newer with venv (Debian: apt-get install python3-venv), for $what; name another with PYTHON=…" >&2
    exit 1
}
echo "installing $what, once" >&2
rm -rf "$environment"
"$python" -m venv "$environment"
# --no-deps: the locks are complete, and leave out what is asked for and not needed.
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
cp "$lock" "$environment/millrace.lock"
