#!/bin/sh
# Checks licences, sources and (where the advisory data can be had) advisories of the dependencies.
set -eu
cd "$(dirname "$0")/../.."
tools=${XDG_CACHE_HOME:-$HOME/.cache}/millrace/tools
version=0.20.2
deny=$tools/bin/cargo-deny
if [ "$("$deny" --version 2>/dev/null)" != "cargo-deny $version" ]; then
    echo "installing cargo-deny $version (some minutes, once)" >&2
    cargo install --quiet --locked --root "$tools" --version "$version" cargo-deny
fi
"$deny" check bans licenses sources
if timeout 120 "$deny" fetch db >/dev/null 2>&1; then
    "$deny" check advisories
else
    echo "advisories: not checked, their data can't be had here"
fi
