"""What waits outlives whatever it waits with."""

from __future__ import annotations

from collections.abc import Callable

import psutil  # type: ignore[import-untyped]
import pytest

from tests.kit import wait_for
from tests.kit.broker import Broker
from tests.kit.mill import SAMPLE, Mill
from tests.kit.run import Run
from tests.kit.station import Station

DAG = "mfg_raw_ingestion_dag"


def _done_once(run: Run, mill: Mill) -> None:
    """Good at its first try, and done once."""
    run.succeed()
    assert {task["task_id"]: task["try_number"] for task in run.tasks()} == {"ingest": 1, "transform": 1, "dq": 1}
    assert mill.files(run.load_id) == sorted(SAMPLE)
    assert mill.stages(run.load_id) == ["transform", "dq"]


def _waiting(station: Station, broker: Broker) -> Run:
    """A run whose first task waits in the triggerer."""
    run = station.trigger(DAG)
    run.wait("ingest", "deferred")
    wait_for("a trigger that waits", lambda: broker.consumers("millrace.answers.0") == 1)
    return run


def _task_processes(station: Station) -> list[str]:
    """Processes that the scheduler's workers have started for tasks. A worker that has none calls itself idle."""
    below = psutil.Process(station.pid("scheduler")).children(recursive=True)
    titles = [" ".join(process.cmdline()) for process in below]
    assert any("<idle>" in title for title in titles), titles
    return [title for title in titles if "worker -- LocalExecutor" not in title or "<idle>" not in title]


def test_a_wait_holds_no_slot_and_no_process(station: Station, mill: Mill, broker: Broker) -> None:
    with mill.without("ingest"):
        run = _waiting(station, broker)
        wait_for("free slots", lambda: station.slots()["deferred"] == 1 and station.slots()["occupied"] == 0)
        wait_for("end of the task's processes", lambda: _task_processes(station) == [])
        assert run.state() == "running"
    _done_once(run, mill)


def _restart(name: str) -> Callable[[Station, Broker], None]:
    def restart(station: Station, _: Broker) -> None:
        station.kill(name)
        station.start(name)

    return restart


def _restart_broker(_: Station, broker: Broker) -> None:
    broker.kill()
    broker.start()


@pytest.mark.parametrize(
    "restart",
    [
        pytest.param(_restart("scheduler"), id="scheduler"),
        pytest.param(_restart("api-server"), id="api-server"),
        pytest.param(_restart_broker, id="broker"),
    ],
)
def test_a_wait_outlives_a_kill(
    station: Station, mill: Mill, broker: Broker, restart: Callable[[Station, Broker], None]
) -> None:
    with mill.without("ingest"):
        run = _waiting(station, broker)
        restart(station, broker)
        assert run.task("ingest")["state"] == "deferred"
    _done_once(run, mill)


def test_an_answer_that_comes_while_no_triggerer_runs_is_heard(station: Station, mill: Mill, broker: Broker) -> None:
    with mill.without("ingest"):
        run = _waiting(station, broker)
        station.kill("triggerer")
    wait_for("the verdict", lambda: mill.stages(run.load_id) == ["transform", "dq"])
    assert run.task("ingest")["state"] == "deferred"
    station.start("triggerer")
    _done_once(run, mill)


def test_a_worker_that_is_killed_with_the_command_in_hand_does_it_once(
    station: Station, mill: Mill, broker: Broker
) -> None:
    with mill.held():
        run = station.trigger(DAG)
        wait_for("a worker at work", lambda: broker.in_hand("millrace.ingest") > 0)
        mill.kill("ingest")
        wait_for("the command back in its queue", lambda: broker.in_hand("millrace.ingest") == 0)
    assert mill.files(run.load_id) == []
    mill.start("ingest")
    _done_once(run, mill)
