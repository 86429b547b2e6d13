#!/bin/sh
# Makes sure that tests find a PostgreSQL, of which they start private servers. Does nothing if there is one. The places are
# those of deploy/airflow/tests/kit/postgres.py.
#
# POSTGRES_HOME: the folder of one that lies elsewhere; it holds bin/postgres.
set -eu
for folder in "${POSTGRES_HOME:-}/bin" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
    [ ! -x "$folder/postgres" ] || exit 0
done
! command -v postgres >/dev/null 2>&1 || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "missing: PostgreSQL 13 or newer: install it (Debian: apt-get install postgresql; macOS: brew install postgresql@17), or set POSTGRES_HOME to where it is" >&2
    exit 1
fi

echo "installing PostgreSQL (60 MB, once)" >&2
# The cluster that Debian makes along with it is nobody's here, and is not started.
"$(dirname "$0")/debian.sh" postgresql || {
    echo "missing: PostgreSQL could not be installed with apt-get: see to the network, or set POSTGRES_HOME to where one is" >&2
    exit 1
}
