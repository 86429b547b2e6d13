#!/bin/sh
# Makes sure that tests find a RabbitMQ, of which they start private nodes. Does nothing if there is one. The places are
# those of tests/kit/src/find.rs. Where AMQP_URL names a running one, the tests that share a broker use that; those that
# kill a broker, or change its settings, still need nodes of their own.
#
# RABBITMQ_HOME: the folder of one that lies elsewhere; it holds sbin/rabbitmq-server.
set -eu
for folder in "${RABBITMQ_HOME:-}/sbin" /usr/lib/rabbitmq/bin /opt/homebrew/opt/rabbitmq/sbin /usr/local/opt/rabbitmq/sbin; do
    [ ! -f "$folder/rabbitmq-server" ] || exit 0
done
! command -v rabbitmq-server >/dev/null 2>&1 || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "missing: RabbitMQ 3.10 or newer: install it (Debian: apt-get install rabbitmq-server; macOS: brew install rabbitmq), or set RABBITMQ_HOME to where it is" >&2
    exit 1
fi

echo "installing RabbitMQ (35 MB, once)" >&2
log=$(mktemp)
policy=
trap 'rm -f "$log" $policy' EXIT
# The package starts a broker of the system's own, which nobody here needs: this is how Debian lets one forbid it.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
# Where somebody's own policy allows it, the run level does not.
export RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive
{ apt-get -qq update && apt-get -qq install --yes --no-install-recommends rabbitmq-server; } >"$log" 2>&1 || {
    cat "$log" >&2
    echo "missing: RabbitMQ could not be installed with apt-get: see to the network, or set RABBITMQ_HOME to where one is" >&2
    exit 1
}
