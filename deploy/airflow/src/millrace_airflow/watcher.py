"""The other direction: the mill's events start DAGs.

An event is acknowledged when Airflow has stored it, so one that comes while Airflow is away, or falls, comes again. It may come
twice for the same reason: what a DAG does with it must bear that, as everything in the mill does.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Hashable, Sequence
from typing import Any

from aio_pika import ExchangeType
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from airflow.sdk import BaseHook
from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

from millrace_airflow.address import DEFAULT_CONN_ID, Address
from millrace_airflow.messages import ANSWERS, EVENTS_EXCHANGE

log = logging.getLogger(__name__)

# What Airflow may be storing at a time.
_PREFETCH = 50
_PAUSES_SECS = (0.5, 10.0)
# A queue whose DAG was deleted is deleted after so long; so long Airflow may be away.
_EXPIRES_MILLIS = 14 * 24 * 60 * 60 * 1000
_LONGEST = 100_000
_DELIVERY_LIMIT = 1_000_000_000


class MillraceEventTrigger(BaseEventTrigger):
    """Fires for every event of these types, with `type`, `id`, `load_id`, `time`, `trace_parent` and `sources` as its payload.

    :param name: names the queue, `millrace.answers.airflow.<name>`. Watchers of one name share it, and each hears everything.
    :param types: types of events, such as `transform.completed`.
    :param conn_id: the connection to RabbitMQ.
    """

    def __init__(
        self, *, name: str, types: Sequence[str] = ("transform.completed",), conn_id: str = DEFAULT_CONN_ID
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.name = name
        self.types = list(types)
        self.conn_id = conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer makes it anew."""
        kwargs = {"name": self.name, "types": self.types, "conn_id": self.conn_id}
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    def shared_stream_key(self) -> Hashable:
        """Watchers of the same queue share one consumer."""
        return ("millrace", self.conn_id, self.name, *self.types)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Makes Airflow acknowledge by way of it, after storing."""
        return EventProducer(**kwargs)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Every event is one for the DAG."""
        async for event in shared_stream:
            yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """For a triggerer that shares no streams: acknowledged when the next one is asked for."""
        producer = EventProducer(name=self.name, types=self.types, conn_id=self.conn_id)
        async for event, message in producer.open_stream():
            yield TriggerEvent(event)  # type: ignore[no-untyped-call]
            await _settle(message, done=True)


class EventProducer(SharedStreamProducer):
    """Consumes the queue, over restarts of the broker."""

    def __init__(self, *, name: str, types: Sequence[str], conn_id: str = DEFAULT_CONN_ID) -> None:
        self._queue = f"{ANSWERS}airflow.{name}"
        self._types = list(types)
        self._conn_id = conn_id
        self._connection: AbstractConnection | None = None

    async def open_stream(self) -> AsyncIterator[tuple[dict[str, Any], AbstractIncomingMessage]]:
        """Events and their deliveries, for ever."""
        pause = _PAUSES_SECS[0]
        while True:
            try:
                inbox, closed = await self._consume()
                pause = _PAUSES_SECS[0]
                while (message := await _next(inbox, closed)) is not None:
                    if (event := _payload(message.body)) is None:
                        log.warning("dropped a message in %s that is no event of millrace", self._queue)
                        await _settle(message, done=True)
                    else:
                        yield event, message
                log.warning("RabbitMQ closed the connection; connecting again")
            except (AMQPError, OSError, RuntimeError) as error:
                log.warning("RabbitMQ is away (%s: %s); tried again in %s s", type(error).__name__, error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, _PAUSES_SECS[1])
            finally:
                await self.aclose()

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Airflow has stored these events, or has failed to."""
        for item in batch:
            await _settle(item.broker_payload, done=item.outcome.is_clean)

    async def aclose(self) -> None:
        """Gives back what is not acknowledged."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _consume(self) -> tuple[asyncio.Queue[AbstractIncomingMessage], asyncio.Future[Any]]:
        address = Address.of(await BaseHook.aget_connection(self._conn_id))
        self._connection = await address.aconnect(f"millrace airflow watches {self._queue}")
        channel = await self._connection.channel()
        await channel.set_qos(prefetch_count=_PREFETCH)
        arguments: dict[str, Any] = {
            "x-queue-type": "quorum",
            "x-expires": _EXPIRES_MILLIS,
            "x-max-length": _LONGEST,
            "x-delivery-limit": _DELIVERY_LIMIT,
        }
        queue = await channel.declare_queue(self._queue, durable=True, arguments=arguments)
        # Looking needs no right, declaring it would.
        exchange = await channel.declare_exchange(EVENTS_EXCHANGE, ExchangeType.TOPIC, passive=True)
        for name in self._types:
            await queue.bind(exchange, f"{name}.*")
        inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await queue.consume(inbox.put)
        return inbox, asyncio.ensure_future(channel.closed())


async def _next(
    inbox: asyncio.Queue[AbstractIncomingMessage], closed: asyncio.Future[Any]
) -> AbstractIncomingMessage | None:
    """The next delivery; `None` when there will be none on this connection."""
    got = asyncio.ensure_future(inbox.get())
    try:
        await asyncio.wait({got, closed}, return_when=asyncio.FIRST_COMPLETED)
        return got.result() if got.done() else None
    finally:
        got.cancel()


async def _settle(message: AbstractIncomingMessage, *, done: bool) -> None:
    try:
        await (message.ack() if done else message.reject(requeue=True))
    except (AMQPError, OSError, RuntimeError) as error:
        # Its connection is gone: it comes again.
        log.info("could not settle an event, which comes again: %s", error)


def _payload(body: bytes) -> dict[str, Any] | None:
    """What a DAG needs to know: the rest is in the warehouse, under the LOAD_ID."""
    try:
        envelope = json.loads(body)
        data = envelope["data"]
        return {
            "type": str(envelope["type"]),
            "id": str(envelope["id"]),
            "load_id": str(data["load_id"]),
            "time": str(envelope["time"]),
            "trace_parent": envelope.get("traceparent"),
            "sources": [str(name) for name in data.get("sources", [])],
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
