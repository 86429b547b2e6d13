#!/bin/sh
# Installs what the tests' emulator of Snowflake needs from its lock file into .venv-emulator. Usage: emulator.sh PYTHON
set -eu
cd "$(dirname "$0")/../.."
lock=tests/snowflake/requirements.lock
"$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "missing: Python 3.11 or newer with venv (Debian: apt-get install python3-venv), for the tests' emulator of Snowflake; name another with PYTHON=…" >&2
    exit 1
}
echo "installing what the emulator of Snowflake needs (360 MB, once)" >&2
rm -rf .venv-emulator
"$1" -m venv .venv-emulator
.venv-emulator/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
cp "$lock" .venv-emulator/millrace.lock
