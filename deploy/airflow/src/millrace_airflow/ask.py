"""Asking: the queue for the answer first, then the command, both known to be with the broker."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pika
from pika import exceptions

from millrace_airflow.address import Address
from millrace_airflow.messages import (
    COMMANDS_EXCHANGE,
    CONTENT_TYPE,
    EVENTS_EXCHANGE,
    Command,
    Stage,
    answer_types,
    is_answer_to,
    routing_key,
)

log = logging.getLogger(__name__)

# How long the broker may take to be there and to confirm; then the task's own retries take over.
PUBLISH_SECS = 30
_PAUSES_SECS = (0.25, 0.5, 1.0)
# Airflow gives a killed task a minute, and a killed trigger half of that.
_TAKE_BACK_SECS = 10

# A queue of answers outlives the deadline by so long, for a triggerer that was down meanwhile.
_OUTLIVES_MILLIS = 24 * 60 * 60 * 1000
# Each look at the answer that ends without taking it counts as a delivery, and since RabbitMQ 4.0 the twentieth would be
# the last one.
_DELIVERY_LIMIT = 1_000_000_000
# What lies in a queue comes sooner than that.
_GLANCE_SECS = 0.1
# Who has just left a queue may be counted as its consumer for a moment: so often, and so far apart, it is looked at.
_LOOKS = 10
_LOOK_SECS = 0.2
_PERSISTENT = 2
_ACCESS_REFUSED = 403
_NOT_FOUND = 404


class RefusedError(Exception):
    """The broker refuses for good: a login, a vhost, a right. An administrator mends it, no retry does."""


class UnavailableError(Exception):
    """The broker is away, takes no messages for now, or is not set up yet."""


class MissingError(Exception):
    """There is no such queue: nobody asked, or somebody has taken the answer."""


def ask(
    address: Address,
    command: Command,
    queues: Mapping[str, Stage],
    wait_secs: float,
    publish_secs: float | None = None,
) -> None:
    """Makes the queues for what these stages will say, and publishes the command. Returns when a stage's queue has it.

    Tried again for half a minute under the same id, so that a confirmation that got lost asks for nothing twice.
    """
    give_up = time.monotonic() + (PUBLISH_SECS if publish_secs is None else publish_secs)
    for attempt in range(1 << 30):
        try:
            return _ask_once(address, command, queues, wait_secs)
        except UnavailableError as error:
            pause = _PAUSES_SECS[min(attempt, len(_PAUSES_SECS) - 1)]
            if time.monotonic() + pause > give_up:
                raise
            log.info("tried again in %s s: %s", pause, error)
            time.sleep(pause)
    return None


def glance(address: Address, queue: str, stage: Stage, command_id: str, secs: float) -> str | None:
    """The answer, if it comes within so many seconds. It stays in the queue. Raises `MissingError`."""
    try:
        connection = address.connect(f"millrace airflow waits for {stage}")
        try:
            channel = connection.channel()
            channel.queue_declare(queue, passive=True)
            return _first_answer(channel, queue, stage, command_id, secs)
        finally:
            # Gives back what is not acknowledged: the answer.
            if connection.is_open:
                connection.close()
    except exceptions.ChannelClosedByBroker as error:
        if error.reply_code == _NOT_FOUND:
            raise MissingError(queue) from error
        log.info("could not look for the answer: %s", _words(error))
    except (exceptions.AMQPError, OSError) as error:
        log.info("could not look for the answer: %s", _words(error))
    return None


def _first_answer(channel: Any, queue: str, stage: Stage, command_id: str, secs: float) -> str | None:
    end = time.monotonic() + secs
    channel.basic_qos(prefetch_count=1)
    for method, _, body in channel.consume(queue, inactivity_timeout=_GLANCE_SECS):
        if body is not None and is_answer_to(body, stage, command_id):
            return str(body, "utf-8")
        if body is not None:
            channel.basic_ack(method.delivery_tag)
        elif time.monotonic() >= end:
            break
    return None


def take_back(address: Address, cancel: Command) -> None:
    """Cancels a command. Where the broker does not take that, the work goes on, which is told and harms nothing."""
    try:
        ask(address, cancel, {}, 0, _TAKE_BACK_SECS)
    except (RefusedError, UnavailableError) as error:
        log.warning("command %s was not cancelled, and may still be worked on: %s", cancel.data["command_id"], error)
    else:
        log.info("command %s is cancelled: %s", cancel.data["command_id"], cancel.data["reason"])


def is_awaited(address: Address, queue: str) -> bool:
    """Whether somebody consumes a queue of answers. One that is gone, or at a broker that is away, nobody does."""
    try:
        connection = address.connect("millrace airflow")
        try:
            channel = connection.channel()
            for _ in range(_LOOKS):
                if channel.queue_declare(queue, passive=True).method.consumer_count == 0:
                    return False
                connection.sleep(_LOOK_SECS)
            return True
        finally:
            if connection.is_open:
                connection.close()
    except (exceptions.AMQPError, OSError) as error:
        log.info("could not look who waits for the answer: %s", _words(error))
    return False


def forget(address: Address, queues: Iterable[str]) -> None:
    """Deletes queues of answers. What fails here is expired by the broker later."""
    try:
        connection = address.connect("millrace airflow")
        try:
            channel = connection.channel()
            for queue in queues:
                channel.queue_delete(queue)
        finally:
            connection.close()
    except (exceptions.AMQPError, OSError) as error:
        log.info("could not delete the queue of the answer, which expires by itself: %s", _words(error))


def _ask_once(address: Address, command: Command, queues: Mapping[str, Stage], wait_secs: float) -> None:
    try:
        connection = address.connect(f"millrace airflow {command.type_name}")
        try:
            channel = connection.channel()
            # Before the command: the answer may come before the next line is reached.
            for queue, stage in queues.items():
                _make_queue(channel, queue, stage, command.load_id, wait_secs)
            channel.confirm_delivery()
            channel.basic_publish(
                COMMANDS_EXCHANGE, command.routing_key, command.body(), properties=_properties(command), mandatory=True
            )
        finally:
            if connection.is_open:
                connection.close()
    except (exceptions.AMQPError, OSError) as error:
        raise _classed(error, address, command) from error


def _make_queue(channel: Any, queue: str, stage: Stage, load_id: str, wait_secs: float) -> None:
    arguments = {
        "x-queue-type": "quorum",
        "x-expires": int(wait_secs * 1000) + _OUTLIVES_MILLIS,
        "x-delivery-limit": _DELIVERY_LIMIT,
    }
    channel.queue_declare(queue, durable=True, arguments=arguments)
    for name in answer_types(stage):
        channel.queue_bind(queue, EVENTS_EXCHANGE, routing_key(name, load_id))


def _properties(command: Command) -> Any:
    return pika.BasicProperties(
        content_type=CONTENT_TYPE,
        delivery_mode=_PERSISTENT,
        message_id=str(command.id),
        type=command.type_name,
        app_id="millrace-airflow",
        timestamp=int(command.time.timestamp()),
        headers=command.headers(),
    )


def _classed(error: Exception, address: Address, command: Command) -> RefusedError | UnavailableError:
    at = f"RabbitMQ at {address}"
    match error:
        case exceptions.UnroutableError():
            return UnavailableError(
                f"{at} has no queue that takes {command.type_name}: import deploy/rabbitmq/definitions.json, or start a"
                f" {command.stage} worker, which makes what is missing if it may"
            )
        case exceptions.NackError():
            return UnavailableError(f"{at} did not take {command.type_name}: see to its disk, memory and queue limits")
        case exceptions.ConnectionBlockedTimeout():
            return UnavailableError(f"{at} takes no messages for now: see to its alarms on disk and memory")
        case exceptions.ProbableAuthenticationError() | exceptions.AuthenticationError():
            return RefusedError(f"{at} refuses the login: see to user and password of the connection")
        case exceptions.ProbableAccessDeniedError():
            return RefusedError(f"{at} refuses the vhost: see that it exists and that the user may use it")
        case exceptions.ChannelClosedByBroker() if error.reply_code == _ACCESS_REFUSED:
            return RefusedError(
                f"{at} refuses a right: {error.reply_text}; deploy/rabbitmq/definitions.json has what is needed"
            )
        case exceptions.ChannelClosedByBroker() if error.reply_code == _NOT_FOUND:
            return UnavailableError(
                f"{at} lacks what millrace needs: {error.reply_text}; import deploy/rabbitmq/definitions.json, or start a worker"
            )
    return UnavailableError(f"{at} is away: {_words(error)}")


def _words(error: BaseException) -> str:
    """Some of the client's errors have no words but those of their cause."""
    cause = getattr(error, "exceptions", None) or error.args
    return f"{type(error).__name__} {', '.join(map(repr, cause))}".strip()
