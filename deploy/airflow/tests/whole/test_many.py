"""Many that wait at once, and answers that are too quick."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.kit import wait_for
from tests.kit.broker import Broker
from tests.kit.mill import Mill
from tests.kit.station import Station
from tests.whole import shifts

RUNS = 50


def test_fifty_runs_wait_without_a_slot_and_none_gets_anothers_answer(
    station: Station, mill: Mill, broker: Broker
) -> None:
    files = [shifts.drop(mill, f"run{number}", number + 1) for number in range(RUNS)]
    with mill.without("ingest"):
        begun = time.monotonic()
        runs = [station.trigger("many_dag", file=file) for file in files]
        wait_for("runs that wait", lambda: station.slots()["deferred"] == RUNS, 180)
        wait_for("free slots", lambda: station.slots()["occupied"] == 0)
        waiting_secs = time.monotonic() - begun
        # As README.md says: one for each task that waits.
        wait_for("connections", lambda: broker.connections("millrace airflow waits") == RUNS)
        resumed = time.monotonic()
    for run in runs:
        run.succeed(180)
    print(
        f"{RUNS} runs: all wait after {waiting_secs:.1f} s, holding 0 slots and {RUNS} connections to RabbitMQ;"
        f" all done {time.monotonic() - resumed:.1f} s after a worker was there"
    )
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda run: run.xcom("ingest"), runs))
        commands = list(pool.map(lambda run: run.task("ingest")["id"], runs))
    for number, (run, answer, command) in enumerate(zip(runs, answers, commands, strict=True)):
        assert (answer["load_id"], answer["command_id"]) == (run.load_id, command)
        assert [table["rows_loaded"] for table in answer["tables"]] == [number + 1]
    lines = mill.query(
        "SELECT LOAD_ID, SOURCE_FILE FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID LIKE 'many_dag::%' AND STATUS = 'SUCCESS'"
    )
    assert sorted(lines) == sorted([run.load_id, file] for run, file in zip(runs, files, strict=True))


@pytest.fixture
def _slow_hearts(station: Station) -> Iterator[None]:
    """Tasks' hearts beat as seldom as Airflow has it by default: the longer one takes, the later a wait is booked."""
    station.kill("scheduler")
    station.start("scheduler", AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL="5")
    yield
    station.kill("scheduler")
    station.start("scheduler")


@pytest.mark.usefixtures("_slow_hearts")
def test_an_answer_that_comes_while_the_scheduler_books_the_wait_fails_nothing(station: Station, mill: Mill) -> None:
    run = station.trigger("prompt_dag")
    run.succeed()
    tasks = run.tasks()
    assert len(tasks) == 6
    for task in tasks:
        assert task["try_number"] == 1
        assert "the answer was there before the wait began" in run.log(task["task_id"])
        assert run.xcom(task["task_id"])["command_id"] == task["id"]
