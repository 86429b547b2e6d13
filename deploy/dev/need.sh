#!/bin/sh
# Says in one line what is missing and how to get it, and fails then. Usage: need.sh PROGRAM…
set -eu
for program; do
    command -v "$program" >/dev/null 2>&1 && continue
    case $program in
        cargo) cure='install Rust 1.89 or newer (https://rustup.rs)' ;;
        cc) cure='install a C compiler (Debian: apt-get install gcc libc6-dev; macOS: xcode-select --install)' ;;
        npm) cure='install Node.js with npm (it brings the DuckDB library), or set DUCKDB_LIB_DIR to a folder with libduckdb 1.5' ;;
        *) cure="install it" ;;
    esac
    echo "missing: $program: $cure" >&2
    exit 1
done
