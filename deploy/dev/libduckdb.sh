#!/bin/sh
# Lays the official prebuilt DuckDB library into .duckdb, by way of a cache in the user's folder, so that nobody has to
# compile DuckDB (40 minutes of processor time). Does nothing if it is there. Usage: libduckdb.sh CACHE_FOLDER
#
# DUCKDB_LIB_DIR: a folder that has the library already; then nothing is fetched.
set -eu
cd "$(dirname "$0")/../.."
version=1.5.6
package_version=1.5.6-r.1

[ -z "${DUCKDB_LIB_DIR:-}" ] || { ln -sfn "$DUCKDB_LIB_DIR" .duckdb; exit 0; }

# npm proves each package against its registry's own checksum; where we have seen the library, ours is proved too.
case $(uname -s)-$(uname -m) in
    Linux-x86_64) package=linux-x64 library=libduckdb.so sha=3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633 ;;
    Linux-aarch64) package=linux-arm64 library=libduckdb.so sha= ;;
    Darwin-arm64) package=darwin-arm64 library=libduckdb.dylib sha= ;;
    Darwin-x86_64) package=darwin-x64 library=libduckdb.dylib sha= ;;
    *)
        echo "missing: no prebuilt DuckDB for $(uname -sm): set DUCKDB_LIB_DIR, or build with --features bundled" >&2
        exit 1
        ;;
esac

checksum() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

folder=$1/duckdb-$version-$package
if [ ! -e "$folder/$library" ]; then
    deploy/dev/need.sh npm
    mkdir -p "$1"
    work=$(mktemp -d "$1/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    echo "fetching DuckDB $version (24 MB, once)" >&2
    (cd "$work" && npm pack --silent "@duckdb/node-bindings-$package@$package_version" >/dev/null) || {
        echo "missing: the DuckDB library could not be fetched with npm: see to the network, or set DUCKDB_LIB_DIR" >&2
        exit 1
    }
    tar xzf "$work"/*.tgz -C "$work" --strip-components=1 "package/$library"
    [ -z "$sha" ] || [ "$(checksum "$work/$library")" = "$sha" ] || {
        echo "the fetched DuckDB library is not the expected one: its checksum differs" >&2
        exit 1
    }
    mkdir -p "$work/done"
    mv "$work/$library" "$work/done/"
    # Somebody else may have been quicker: what is there then is the same.
    mv "$work/done" "$folder" 2>/dev/null || [ -e "$folder/$library" ]
fi
ln -sfn "$folder" .duckdb
