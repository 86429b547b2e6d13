#!/bin/sh
# Makes sure that the tests find Chromium, in which they open what `millrace report` writes. Does nothing if there is one. The
# names are those of tests/report/browser.rs. Where it can't be installed those tests are skipped, and this says so.
#
# MILLRACE_BROWSER: the program of one that lies elsewhere.
set -eu
if [ -n "${MILLRACE_BROWSER:-}" ]; then
    [ -x "$MILLRACE_BROWSER" ] && exit 0
    echo "missing: a browser: MILLRACE_BROWSER names $MILLRACE_BROWSER, which is no program; set it to one, or unset it" >&2
    exit 1
fi
for program in chromium chromium-browser google-chrome; do
    ! command -v "$program" >/dev/null 2>&1 || exit 0
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Chromium is not here, so no report is opened: install it (Debian: apt-get install chromium), or set MILLRACE_BROWSER" >&2
    exit 0
fi
echo "installing Chromium (90 MB to fetch, once)" >&2
"$(dirname "$0")/debian.sh" chromium || {
    echo "missing: Chromium could not be installed with apt-get: see to the network, or set MILLRACE_BROWSER" >&2
    exit 1
}
