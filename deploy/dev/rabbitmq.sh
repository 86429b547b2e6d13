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
"$(dirname "$0")/debian.sh" rabbitmq-server || {
    echo "missing: RabbitMQ could not be installed with apt-get: see to the network, or set RABBITMQ_HOME to where one is" >&2
    exit 1
}
