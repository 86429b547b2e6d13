#!/bin/sh
# Builds Jaeger, of which the tests start private instances, where Go is on the machine; where it is not, those tests are
# skipped. Does nothing if there is a Jaeger. The places are those of tests/kit/src/jaeger/find.rs.
#
# MILLRACE_JAEGER: the program of one that lies elsewhere.
#
# Built, because its releases can't be had from every network; Go's modules can, and jaeger/go.sum proves each of them.
# The program of a release does as well, and has the user interface too, which the tests have no need of.
set -eu
cd "$(dirname "$0")/jaeger"
version=1.76.0 # of the module; the program calls itself 2.13
folder=${XDG_CACHE_HOME:-$HOME/.cache}/millrace/jaeger-$version

if [ -n "${MILLRACE_JAEGER:-}" ]; then
    [ -x "$MILLRACE_JAEGER" ] && exit 0
    echo "missing: Jaeger: MILLRACE_JAEGER names $MILLRACE_JAEGER, which is no program; set it to one, or unset it" >&2
    exit 1
fi
[ ! -x "$folder/jaeger" ] || exit 0
! command -v jaeger >/dev/null 2>&1 || exit 0
command -v go >/dev/null 2>&1 || {
    echo "no Go on this machine to build Jaeger with: the tests against Jaeger are skipped" >&2
    exit 0
}

echo "building Jaeger $version (290 MB to fetch, some minutes, once)" >&2
mkdir -p "$folder"
work=$(mktemp -d "$folder/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Nobody debugs it: without symbols it links more quickly, and is a third smaller.
GOWORK=off go build -mod=readonly -buildvcs=false -ldflags '-s -w' -o "$work/jaeger" \
    github.com/jaegertracing/jaeger/cmd/jaeger >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    echo "missing: Jaeger could not be built with $(go env GOVERSION): see to the network (GOPROXY), take Go 1.24.6 or newer, or set MILLRACE_JAEGER to the program of a release" >&2
    exit 1
}
# Somebody else may have been quicker: what is there then is the same.
mv "$work/jaeger" "$folder/jaeger"
