"""Events that start DAGs: acknowledged when stored, and not before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pika
import pytest
from airflow.triggers.shared_stream import AdvanceItem, AdvanceOutcome

from millrace_airflow.messages import EVENTS_EXCHANGE, routing_key
from millrace_airflow.watcher import EventProducer, MillraceEventTrigger
from tests.kit import REPOSITORY
from tests.kit.broker import ADMINISTRATOR, Broker

QUEUE = "millrace.answers.airflow.t"


@pytest.fixture(autouse=True)
def _connection(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AIRFLOW_CONN_RABBITMQ_DEFAULT", broker.url("airflow"))
    yield
    broker.delete_queue(QUEUE)
    broker.purge("millrace.dq")


def _announce(broker: Broker, load_id: str, body: str | None = None) -> None:
    event = json.loads((REPOSITORY / "messages/tests/golden/v1/transform.completed.json").read_text())
    event["data"]["load_id"] = load_id
    connection = pika.BlockingConnection(pika.URLParameters(broker.url(ADMINISTRATOR)))
    key = routing_key("transform.completed", load_id)
    connection.channel().basic_publish(EVENTS_EXCHANGE, key, body or json.dumps(event))
    connection.close()


async def _take(producer: EventProducer, count: int, *, settle: AdvanceOutcome | None) -> list[dict[str, Any]]:
    """What comes, each settled so when it has come; all given back at the end."""
    taken: list[dict[str, Any]] = []
    stream = producer.open_stream()
    try:
        async with asyncio.timeout(30):
            async for event, delivery in stream:
                taken.append(event)
                if settle is not None:
                    await producer.advance([AdvanceItem(delivery, settle)])
                if len(taken) == count:
                    break
    finally:
        await producer.aclose()
    return taken


def _producer() -> EventProducer:
    producer = MillraceEventTrigger.create_shared_stream_producer(MillraceEventTrigger(name="t").serialize()[1])
    assert isinstance(producer, EventProducer)
    return producer


def _ensure_queue() -> None:
    async def make() -> None:
        producer = _producer()
        await producer._consume()
        await producer.aclose()

    asyncio.run(make())


def test_events_come_with_their_load_until_they_are_stored(broker: Broker) -> None:
    _ensure_queue()
    # While nobody listens.
    _announce(broker, "x", "no event")
    for load_id in ("a", "b"):
        _announce(broker, load_id)
    heard = asyncio.run(_take(_producer(), 2, settle=None))
    assert {event["load_id"] for event in heard} == {"a", "b"}
    assert heard[0]["type"] == "transform.completed"
    assert heard[0]["sources"] == ["batches"]
    # Not stored, so they come again; a store that failed gives them back too.
    assert {event["load_id"] for event in asyncio.run(_take(_producer(), 2, settle=AdvanceOutcome(0, 1)))} == {"a", "b"}
    assert {event["load_id"] for event in asyncio.run(_take(_producer(), 2, settle=AdvanceOutcome(1, 0)))} == {"a", "b"}
    assert broker.get(QUEUE) == []


def test_every_event_is_passed_to_the_dag_and_watchers_of_a_name_share_a_queue() -> None:
    trigger = MillraceEventTrigger(name="t")

    async def raw() -> AsyncIterator[dict[str, str]]:
        for load_id in ("a", "b"):
            yield {"load_id": load_id}

    async def filtered() -> list[str]:
        return [event.payload["load_id"] async for event in trigger.filter_shared_stream(raw())]

    assert asyncio.run(filtered()) == ["a", "b"]
    assert trigger.shared_stream_key() == MillraceEventTrigger(name="t").shared_stream_key()
    assert trigger.shared_stream_key() != MillraceEventTrigger(name="u").shared_stream_key()
