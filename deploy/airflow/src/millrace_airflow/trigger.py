"""Waiting for an answer in the triggerer, which holds no worker's slot.

The answer is looked at and never taken: were it acknowledged here, a triggerer that dies before Airflow has stored the
event would lose it. `execute_complete` deletes the queue when the answer is known to be stored.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity
from airflow.sdk import BaseHook
from airflow.triggers.base import BaseTrigger, TriggerEvent

from millrace_airflow import ask, trace
from millrace_airflow.address import Address
from millrace_airflow.messages import Stage, cancel, is_answer_to
from millrace_airflow.trace import Trace

# Between two tries to reach the broker: the first, and the longest.
_PAUSES_SECS = (0.5, 5.0)
# How often a silent queue is looked for: a broker tells a consumer that its queue is gone, a client may not pass it on.
_LOOK_SECS = 30.0
# So often in a row a queue may be missing before it is believed: a broker that restarts knows its queues some seconds late.
_MISSING = 5
# What the last look may take beyond the deadline.
_LAST_LOOK_SECS = 15.0

_AWAY = (AMQPError, OSError, RuntimeError, asyncio.InvalidStateError)


class AnswerTrigger(BaseTrigger):
    """Fires once: with `command_id` and `queue`, and either the `answer` (its body) or a `problem`, in words."""

    def __init__(
        self,
        *,
        conn_id: str,
        queue: str,
        stage: Stage,
        load_id: str,
        command_id: str,
        deadline: float,
        settle_secs: float,
        followed_in: list[str],
        trace_parent: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.queue = queue
        self.stage: Stage = stage
        self.load_id = load_id
        self.command_id = command_id
        # Seconds since 1970, so that a trigger that moves to another triggerer keeps it.
        self.deadline = deadline
        self.settle_secs = settle_secs
        # The queues of tasks that were to follow this one.
        self.followed_in = followed_in
        # The trace of the command, to which its cancelling belongs. A wait that an older version began names none.
        self.trace_parent = trace_parent or trace.current().parent

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """How the triggerer makes it anew."""
        names = ("conn_id", "queue", "stage", "load_id", "command_id", "deadline", "settle_secs", "followed_in")
        kept = {name: getattr(self, name) for name in (*names, "trace_parent")}
        return f"{type(self).__module__}.{type(self).__qualname__}", kept

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Waits for the answer, over restarts of the broker, until the deadline."""
        begun = time.monotonic()
        event = await self._event()
        # Airflow 3.3 fails a task whose trigger fires while the scheduler books the deferral.
        await asyncio.sleep(max(0.0, begun + self.settle_secs - time.monotonic()))
        around = {name: getattr(self, name) for name in ("load_id", "command_id", "queue", "trace_parent")}
        yield TriggerEvent({**around, **event})  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """The task was cleared or marked: the command is taken back, and nobody waits any more.

        Not called when the triggerer ends. Airflow 3.3 calls it too where a triggerer was silent for so long (a machine that
        stood still) that another one has taken its waits over: that one waits in the same queue, and goes on.
        """
        address = Address.of(await BaseHook.aget_connection(self.conn_id))
        if await asyncio.to_thread(ask.is_awaited, address, self.queue):
            self.log.info("another triggerer waits for the answer to command %s; nothing is cancelled", self.command_id)
            return
        reason = "its task was cleared or marked in Airflow"
        back = cancel(self.stage, self.load_id, self.command_id, Trace(self.trace_parent), reason)
        await asyncio.to_thread(functools.partial(ask.take_back, address, back))
        await asyncio.to_thread(functools.partial(ask.forget, address, [self.queue, *self.followed_in]))
        self.log.info("nobody waits for the answer to command %s any more", self.command_id)

    async def _event(self) -> dict[str, str]:
        pause, missing = _PAUSES_SECS[0], 0
        while (left := self.deadline - time.time()) > 0:
            scope = asyncio.timeout(left)
            try:
                async with scope:
                    return {"answer": await self._next_answer()}
            except TimeoutError:
                if scope.expired():
                    break
                self.log.warning("RabbitMQ did not answer in time; tried again in %s s", pause)
            except ChannelNotFoundEntity:
                missing += 1
                if missing >= _MISSING:
                    return self._lost()
            except _AWAY as error:
                missing = 0
                self.log.warning("RabbitMQ is away (%s: %s); tried again in %s s", type(error).__name__, error, pause)
            await asyncio.sleep(min(pause, max(0.0, self.deadline - time.time())))
            pause = min(2 * pause, _PAUSES_SECS[1])
        return await self._last_look()

    async def _last_look(self) -> dict[str, str]:
        """What came while the broker, or this triggerer, was away up to the deadline."""
        try:
            async with asyncio.timeout(_LAST_LOOK_SECS):
                if (body := await self._waiting_answer()) is not None:
                    return {"answer": body}
            reached = "the broker holds no answer"
        except ChannelNotFoundEntity:
            return self._lost()
        except (TimeoutError, *_AWAY) as error:
            reached = f"the broker could not be asked at the deadline ({type(error).__name__})"
        message = (
            f"no answer to {self.stage}.requested for {self.load_id} within its time: {reached}. It may still be worked on:"
            f" look with `millrace load` and `millrace queues`, and see that a {self.stage} worker runs"
        )
        return {"problem": message}

    def _lost(self) -> dict[str, str]:
        message = (
            f"the queue {self.queue} of the answer is gone: it was deleted, or the broker lost its data. What became of"
            f" {self.load_id} is told by `millrace load`; another try asks again"
        )
        return {"problem": message}

    async def _connect(self) -> AbstractConnection:
        connection = await BaseHook.aget_connection(self.conn_id)
        return await Address.of(connection).aconnect(f"millrace airflow waits for {self.stage}")

    async def _next_answer(self) -> str:
        """The answer, however long it takes. Drops what answers other commands."""
        connection = await self._connect()
        try:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=1)
            queue = await channel.get_queue(self.queue, ensure=True)
            inbox: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            await queue.consume(inbox.put)
            while True:
                message = await self._received(inbox, channel)
                if is_answer_to(message.body, self.stage, self.command_id):
                    return message.body.decode()
                await message.ack()
        finally:
            # Gives back what is not acknowledged: the answer.
            await connection.close()

    async def _received(
        self, inbox: asyncio.Queue[AbstractIncomingMessage], channel: AbstractChannel
    ) -> AbstractIncomingMessage:
        while True:
            got = asyncio.ensure_future(inbox.get())
            closed = asyncio.ensure_future(channel.closed())
            try:
                await asyncio.wait({got, closed}, timeout=_LOOK_SECS, return_when=asyncio.FIRST_COMPLETED)
                if got.done():
                    return got.result()
                if closed.done():
                    raise ConnectionError("the connection was closed")
            finally:
                got.cancel()
                closed.cancel()
            # Fails where it is gone.
            await channel.get_queue(self.queue, ensure=True)

    async def _waiting_answer(self) -> str | None:
        """The answer, if it is there."""
        connection = await self._connect()
        try:
            channel = await connection.channel()
            queue = await channel.get_queue(self.queue, ensure=True)
            while (message := await queue.get(fail=False)) is not None:
                if is_answer_to(message.body, self.stage, self.command_id):
                    return message.body.decode()
                await message.ack()
            return None
        finally:
            await connection.close()
