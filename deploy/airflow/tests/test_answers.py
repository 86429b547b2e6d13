"""Asking and waiting, against a real broker with the rights of Airflow's own user, and answers that the tests make."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pika
import pytest
from airflow.sdk import Connection

from millrace_airflow import ask
from millrace_airflow.address import Address
from millrace_airflow.messages import EVENTS_EXCHANGE, Command, Stage, cancel, reply_queue, routing_key
from millrace_airflow.trace import current
from millrace_airflow.trigger import AnswerTrigger
from tests.kit import REPOSITORY, wait_for
from tests.kit.broker import ADMINISTRATOR, Broker


@pytest.fixture(autouse=True)
def connection(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the trigger finds by name."""
    monkeypatch.setenv("AIRFLOW_CONN_RABBITMQ_DEFAULT", broker.url("airflow"))


@pytest.fixture
def address(broker: Broker) -> Address:
    """The broker, as Airflow's user."""
    return Address.of(Connection.from_uri(broker.url("airflow"), "c"))


@pytest.fixture(autouse=True)
def _clean(broker: Broker) -> Iterator[None]:
    yield
    broker.purge("millrace.dq")
    for queue in broker.queues("millrace.answers."):
        broker.delete_queue(queue)


def _command(stage: Stage = "dq", load_id: str = "d::r") -> Command:
    return Command(stage=stage, id=uuid4(), load_id=load_id, trace=current(), data={"sources": []})


def _asked(address: Address, command: Command) -> str:
    queue = reply_queue(str(command.id))
    ask.ask(address, command, {queue: command.stage}, 60)
    return queue


def _answer(broker: Broker, command: Command, correlation: UUID | None = None, name: str = "dq.completed") -> None:
    body = json.loads((REPOSITORY / f"messages/tests/golden/v1/{name}.json").read_text())
    body["correlationid"] = str(correlation or command.id)
    body["data"]["load_id"] = command.load_id
    connection = pika.BlockingConnection(pika.URLParameters(broker.url(ADMINISTRATOR)))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_publish(EVENTS_EXCHANGE, routing_key(name, command.load_id), json.dumps(body), mandatory=True)
    connection.close()


def _trigger(command: Command, secs: float = 30, **changed: Any) -> AnswerTrigger:
    arguments: dict[str, Any] = {
        "conn_id": "rabbitmq_default",
        "queue": reply_queue(str(command.id)),
        "stage": command.stage,
        "load_id": command.load_id,
        "command_id": str(command.id),
        "deadline": time.time() + secs,
        "settle_secs": 0.0,
        "followed_in": [],
        "trace_parent": command.trace.parent,
    }
    return AnswerTrigger(**(arguments | changed))


def _fired(trigger: AnswerTrigger) -> dict[str, str]:
    async def first() -> dict[str, str]:
        async for event in trigger.run():
            return dict(event.payload)
        raise AssertionError("it did not fire")

    return asyncio.run(first())


def test_a_command_reaches_its_stage_whole_and_durable(broker: Broker, address: Address) -> None:
    command = _command()
    _asked(address, command)
    (letter,) = broker.get("millrace.dq")
    assert letter["payload"] == command.body().decode()
    properties = letter["properties"]
    assert (properties["message_id"], properties["delivery_mode"]) == (str(command.id), 2)
    assert (properties["type"], properties["content_type"]) == ("dq.requested", "application/cloudevents+json")
    assert properties["headers"].items() >= {"load_id": "d::r", "traceparent": command.trace.parent}.items()


def test_the_match_is_found_among_others_and_stays(broker: Broker, address: Address) -> None:
    command = _command()
    queue = _asked(address, command)
    _answer(broker, command, uuid4())
    _answer(broker, command, uuid4(), "dq.failed")
    _answer(broker, command)
    # As often as a triggerer may die between hearing it and Airflow's storing it; the twentieth delivery counts since 4.0.
    for _ in range(25):
        event = _fired(_trigger(command))
        assert json.loads(event["answer"])["correlationid"] == str(command.id)
    assert event["queue"] == queue
    assert ask.glance(address, queue, "dq", str(command.id), 0) == event["answer"]
    assert len(broker.get(queue)) == 1, "answers to others are dropped"
    ask.forget(address, [queue])
    assert broker.queues("millrace.answers.") == []


def test_two_attempts_of_one_load_hear_each_their_own(broker: Broker, address: Address) -> None:
    first, second = _command(), _command()
    for command in (first, second):
        _asked(address, command)
    _answer(broker, second)
    assert "answer" in _fired(_trigger(second))
    assert "no answer to dq.requested for d::r" in _fired(_trigger(first, secs=1))["problem"]


def test_an_answer_that_came_while_the_triggerer_was_down_counts_after_the_deadline(
    broker: Broker, address: Address
) -> None:
    command = _command()
    _asked(address, command)
    _answer(broker, command)
    assert "answer" in _fired(_trigger(command, secs=-60))


def test_a_trigger_can_be_stored_and_made_anew(address: Address) -> None:
    trigger = _trigger(_command())
    path, arguments = trigger.serialize()
    assert path == "millrace_airflow.trigger.AnswerTrigger"
    assert json.loads(json.dumps(arguments)) == arguments
    assert AnswerTrigger(**arguments).serialize() == trigger.serialize()


def test_an_early_answer_is_passed_on_when_the_wait_has_settled(broker: Broker, address: Address) -> None:
    command = _command()
    _asked(address, command)
    _answer(broker, command)
    begun = time.monotonic()
    assert "answer" in _fired(_trigger(command, settle_secs=2.0))
    assert time.monotonic() - begun >= 2.0


def test_a_queue_that_is_gone_is_told(address: Address) -> None:
    assert "is gone" in _fired(_trigger(_command()))["problem"]


def test_a_killed_wait_takes_its_command_back_and_leaves_no_queue(broker: Broker, address: Address) -> None:
    command = _command()
    queue = _asked(address, command)
    followed = reply_queue(str(uuid4()), "dq")
    ask.ask(address, _command(), {followed: "dq"}, 60)
    broker.purge("millrace.dq")
    asyncio.run(_trigger(command, followed_in=[followed]).on_kill())
    (letter,) = broker.get("millrace.dq")
    back = json.loads(letter["payload"])
    assert back["type"] == "dq.cancel.requested"
    assert (back["data"]["load_id"], back["data"]["command_id"]) == ("d::r", str(command.id))
    assert back["traceparent"] == command.trace.parent
    assert queue not in (left := broker.queues("millrace.answers."))
    assert followed not in left


def test_a_wait_that_ends_with_its_triggerer_takes_nothing_back(broker: Broker, address: Address) -> None:
    command = _command()
    queue = _asked(address, command)
    broker.purge("millrace.dq")

    async def ended() -> None:
        waiting = asyncio.ensure_future(anext(_trigger(command).run()))
        await asyncio.to_thread(wait_for, "a wait", lambda: broker.consumers(queue) > 0)
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(ended())
    assert broker.get("millrace.dq") == []
    assert broker.queues(queue) == [queue]


def test_a_wait_that_another_triggerer_has_taken_over_takes_nothing_back(broker: Broker, address: Address) -> None:
    command = _command()
    queue = _asked(address, command)
    broker.purge("millrace.dq")

    async def taken_over() -> dict[str, str]:
        waiting = asyncio.ensure_future(anext(_trigger(command).run()))
        await asyncio.to_thread(wait_for, "a wait", lambda: broker.consumers(queue) > 0)
        await _trigger(command).on_kill()
        await asyncio.to_thread(_answer, broker, command)
        return dict((await waiting).payload)

    assert "answer" in asyncio.run(taken_over())
    assert broker.get("millrace.dq") == []


def test_what_can_t_be_taken_back_is_told_and_fails_nothing(
    address: Address, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ask, "_TAKE_BACK_SECS", 0)
    command = _command()
    back = cancel("dq", command.load_id, str(command.id), command.trace, "a test")
    ask.take_back(replace(address, port=1), back)
    assert f"command {command.id} was not cancelled" in caplog.text
    assert address.password not in caplog.text


def test_a_glance_takes_what_comes_soon_and_knows_what_is_missing(broker: Broker, address: Address) -> None:
    command = _command()
    queue = _asked(address, command)
    assert ask.glance(address, queue, "dq", str(command.id), 0.2) is None
    _answer(broker, command)
    assert ask.glance(address, queue, "dq", str(command.id), 5) is not None
    with pytest.raises(ask.MissingError):
        ask.glance(address, "millrace.answers.none", "dq", str(command.id), 5)


def test_refusals_are_for_good_and_name_the_cure(address: Address) -> None:
    with pytest.raises(ask.RefusedError, match="refuses the login"):
        _asked(replace(address, password="wrong"), _command())  # noqa: S106
    with pytest.raises(ask.RefusedError, match="refuses the vhost"):
        _asked(replace(address, vhost="elsewhere"), _command())
    with pytest.raises(ask.RefusedError, match=r"definitions\.json"):
        ask.ask(address, _command(), {"not.millrace.answers": "dq"}, 60)


def test_what_may_pass_is_tried_again_and_then_told(
    broker: Broker, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "PUBLISH_SECS", 1)
    with pytest.raises(ask.UnavailableError, match="is away"):
        _asked(replace(address, port=1), _command())
    key = routing_key("dq.requested", "d::r").replace("dq.requested", "nobody.requested")
    monkeypatch.setattr(Command, "routing_key", property(lambda self: key))
    with pytest.raises(ask.UnavailableError, match=r"has no queue that takes dq\.requested"):
        _asked(address, _command())


def test_a_broker_that_comes_late_is_waited_for(broker: Broker, address: Address) -> None:
    command = _command()
    queue = _asked(address, command)

    async def across_a_restart() -> dict[str, str]:
        async for event in _trigger(command, secs=60).run():
            return dict(event.payload)
        raise AssertionError("it did not fire")

    async def both() -> dict[str, str]:
        waiting = asyncio.ensure_future(across_a_restart())
        await asyncio.to_thread(wait_for, "a wait", lambda: broker.consumers(queue) > 0)
        await asyncio.to_thread(broker.stop)
        await asyncio.sleep(1)
        await asyncio.to_thread(broker.start)
        await asyncio.to_thread(_answer, broker, command)
        return await waiting

    assert "answer" in asyncio.run(both())
