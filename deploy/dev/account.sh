#!/bin/sh
# Says in one line which variables of a Snowflake account are missing, and fails then.
set -eu
missing=
for name in SNOWFLAKE_ACCOUNT SNOWFLAKE_USER SNOWFLAKE_WAREHOUSE SNOWFLAKE_DATABASE; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || missing="$missing $name"
done
[ -n "${SNOWFLAKE_PRIVATE_KEY_PATH:-}${SNOWFLAKE_PRIVATE_KEY_FILE:-}${SNOWFLAKE_PASSWORD:-}" ] ||
    missing="$missing SNOWFLAKE_PRIVATE_KEY_PATH (or SNOWFLAKE_PASSWORD)"
[ -z "$missing" ] && exit 0
echo "missing:$missing: set them to a real account's in the environment (deploy/snowflake/README.md)" >&2
exit 1
