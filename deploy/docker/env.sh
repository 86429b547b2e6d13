#!/bin/sh
# Writes .env, which compose.yaml reads, from .env.example: a random value behind each name that has none. What .env has already
# stays as it is; what a newer .env.example asks for besides is added. Needs nothing but a POSIX system.
set -eu
cd "$(dirname "$0")/../.."
# For nobody's eyes but the user's.
umask 077

random() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; }

value() {
    case $1 in
        AIRFLOW__CORE__FERNET_KEY) head -c 32 /dev/urandom | base64 | tr '+/' '-_' ;;
        # Airflow signs with SHA-512, which wants 64 bytes: as many as there are digits.
        AIRFLOW__API_AUTH__JWT_SECRET) random 32 ;;
        # People type these.
        AIRFLOW_ADMIN_PASSWORD | RABBITMQ_ADMINISTRATOR_PASSWORD) random 10 ;;
        *) random 24 ;;
    esac
}

needed=$(sed -n 's/^\([A-Z_]*\)=$/\1/p' .env.example)
from=.env
[ -e .env ] || from=.env.example
work=$(mktemp .env.XXXXXX)
trap 'rm -f "$work"' EXIT
{
    while IFS= read -r line || [ -n "$line" ]; do
        for name in $needed; do
            [ "$line" != "$name=" ] || line=$name=$(value "$name")
        done
        printf '%s\n' "$line"
    done <"$from"
    for name in $needed; do
        grep -q "^$name=" "$from" || printf '%s=%s\n' "$name" "$(value "$name")"
    done
} >"$work"
if [ -e .env ] && cmp -s "$work" .env; then
    echo ".env has all it needs; nothing was changed"
    exit 0
fi
mv "$work" .env
echo "wrote .env; the logins of the web pages are in it: AIRFLOW_ADMIN_PASSWORD (admin), RABBITMQ_ADMINISTRATOR_PASSWORD (administrator)"
