#!/bin/sh
# Makes sure that the tests find Prometheus' promtool, which plays the alert rules. Does nothing if it is there. Where it can't be
# installed those tests are skipped, and this says so.
set -eu
! command -v promtool >/dev/null 2>&1 || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "promtool is not here, so the alert rules are not played: install Prometheus to have them played" >&2
    exit 0
fi
echo "installing promtool, with Prometheus (once)" >&2
"$(dirname "$0")/debian.sh" prometheus || {
    echo "missing: promtool could not be installed with apt-get: see to the network, or put one into PATH" >&2
    exit 1
}
