"""Encrypted, with a password and with a certificate, in both clients."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from airflow.sdk import Connection

from millrace_airflow import ask
from millrace_airflow.address import Address
from millrace_airflow.messages import Command, reply_queue
from millrace_airflow.trace import current
from tests.kit.broker import VHOST, Broker


def _address(broker: Broker, login: str, **files: object) -> Address:
    uri = f"amqps://{login}127.0.0.1:{broker.tls_port}/{VHOST}?{urlencode(files)}"
    return Address.of(Connection.from_uri(uri, "c"))


def _with_password(broker: Broker) -> Address:
    return _address(broker, f"millrace-airflow:{broker.password}@", ca_file=broker.certificates.ca)


def _with_certificate(broker: Broker) -> Address:
    files = broker.certificates
    return _address(broker, "", ca_file=files.ca, client_cert_file=files.client, client_key_file=files.client_key)


@pytest.mark.parametrize("address", [_with_password, _with_certificate])
def test_both_clients_log_in_over_tls(broker: Broker, address: object) -> None:
    assert callable(address)
    at = address(broker)
    command = Command(stage="dq", id=uuid4(), load_id="d::tls", trace=current(), data={"sources": []})
    queue = reply_queue(str(command.id))
    try:
        ask.ask(at, command, {queue: "dq"}, 60)

        async def connected() -> bool:
            connection = await at.aconnect("a test")
            channel = await connection.channel()
            await channel.get_queue(queue, ensure=True)
            await connection.close()
            return True

        assert asyncio.run(connected())
    finally:
        broker.purge("millrace.dq")
        ask.forget(at, [queue])
    assert broker.queues(queue) == []


def test_a_broker_that_nobody_vouches_for_is_not_spoken_to(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "PUBLISH_SECS", 0)
    command = Command(stage="dq", id=uuid4(), load_id="d::tls", trace=current(), data={"sources": []})
    with pytest.raises(ask.UnavailableError, match="certificate"):
        ask.ask(replace(_with_password(broker), ca_file=None), command, {}, 60)
    assert broker.get("millrace.dq") == []


def test_certificates_without_tls_are_a_mistake(broker: Broker) -> None:
    with pytest.raises(ValueError, match="amqps://"):
        Address.of(Connection.from_uri(f"amqp://a:b@broker/x?{urlencode({'ca_file': broker.certificates.ca})}", "c"))
