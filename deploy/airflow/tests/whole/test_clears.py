"""What people do to runs afterwards, or in between: clear, and mark as failed."""

from __future__ import annotations

import pytest

from tests.kit import wait_for
from tests.kit.broker import Broker
from tests.kit.mill import SAMPLE, Mill
from tests.kit.station import Station

DAG = "mfg_raw_ingestion_dag"


def _rows(mill: Mill, load_id: str) -> list[list[str]]:
    """How many rows of a load there are, whether RAW shows them or not."""
    return mill.query(f"SELECT COUNT(*) FROM RAW_RUN.BATCHES_RUN WHERE LOAD_ID = '{load_id}'")


def test_a_cleared_run_asks_anew_for_the_same_load_and_leaves_one_slice(station: Station, mill: Mill) -> None:
    run = station.trigger(DAG)
    run.succeed()
    first = run.task("ingest")["id"]
    run.clear("ingest")
    run.succeed()
    second = run.task("ingest")["id"]
    assert second > first, "of two the newer must have the greater id"
    answers = [run.xcom(task_id) for task_id in ("ingest", "transform", "dq")]
    assert {(answer["load_id"], answer["command_id"]) for answer in answers} == {(run.load_id, second)}
    assert mill.stages(run.load_id) == ["transform", "dq"] * 2
    assert _rows(mill, run.load_id) == [["2000"]]


def test_a_task_that_is_cleared_alone_asks_by_itself(station: Station, mill: Mill) -> None:
    run = station.trigger(DAG)
    run.succeed()
    run.clear("dq")
    run.succeed()
    assert run.xcom("dq")["command_id"] == run.task("dq")["id"]
    assert "asked for dq of LOAD_ID" in run.log("dq")
    assert mill.stages(run.load_id) == ["transform", "dq", "dq"]


def test_a_task_that_is_cleared_while_it_waits_asks_anew_and_its_effect_is_one(
    station: Station, mill: Mill, broker: Broker
) -> None:
    with mill.without("ingest"):
        run = station.trigger(DAG)
        first = run.wait("ingest", "deferred")["id"]
        wait_for("a trigger that waits", lambda: broker.consumers(f"millrace.answers.{first}") == 1)
        run.clear("ingest")
        wait_for("another attempt that waits", lambda: run.task("ingest")["id"] != first)
        second = run.wait("ingest", "deferred")["id"]
        wait_for("end of the first answer's queues", lambda: broker.queues(f"millrace.answers.{first}") == [])
        wait_for("a trigger that waits", lambda: broker.consumers(f"millrace.answers.{second}") == 1)
    run.succeed()
    assert {run.xcom(task_id)["command_id"] for task_id in ("ingest", "transform", "dq")} == {second}
    assert _rows(mill, run.load_id) == [["2000"]]
    assert set(mill.files(run.load_id)) == set(SAMPLE)


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_task_that_is_marked_while_it_waits_ends_and_takes_back_what_it_asked_for(
    station: Station, mill: Mill, broker: Broker, state: str
) -> None:
    with mill.without("dq"):
        run = station.trigger("patient_dag")
        command = run.wait("dq", "deferred")["id"]
        wait_for("a trigger that waits", lambda: broker.consumers(f"millrace.answers.{command}") == 1)
        run.mark("dq", state)
        assert run.end() == state
        wait_for("end of the answer's queue", lambda: broker.queues(f"millrace.answers.{command}") == [])
    # What was asked for before it is over when the next one is.
    station.trigger("brief_dag").succeed()
    assert mill.stages(run.load_id) == []
    assert run.task("dq")["state"] == state
