#!/bin/sh
# Installs a Debian package without starting what it brings. Fails with the installer's words if that can't be done.
# Usage: debian.sh PACKAGE, as root.
set -eu
log=$(mktemp)
policy=
trap 'rm -f "$log" $policy' EXIT
# Packages start services of the system's own, which nobody here needs: this is how Debian lets one forbid it.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
# Where somebody's own policy allows it, the run level does not.
export RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive
{ apt-get -qq update && apt-get -qq install --yes --no-install-recommends "$1"; } >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
}
