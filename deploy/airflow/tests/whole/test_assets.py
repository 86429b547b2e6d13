"""The mill starts a DAG."""

from __future__ import annotations

from tests.kit import wait_for
from tests.kit.broker import Broker
from tests.kit.mill import Mill
from tests.kit.station import Station

DAG = "mfg_marts_updated_dag"
QUEUE = "millrace.answers.airflow.marts"


def _heard(station: Station) -> list[str]:
    """The LOAD_IDs that good runs were started by."""
    runs = [run for run in station.runs(DAG) if run.state() == "success"]
    mapped = [(run, task) for run in runs for task in run.tasks() if task["task_id"] == "tell"]
    return [run.xcom("tell", task["map_index"]) for run, task in mapped if task["map_index"] >= 0]


def _load(mill: Mill, load_id: str) -> None:
    """Without Airflow."""
    mill.json("trigger", "ingest", "--load-id", load_id, "--source", "materials", "--wait", "60")


def test_a_build_starts_a_dag_and_none_is_lost_while_the_triggerer_is_down(
    station: Station, mill: Mill, broker: Broker
) -> None:
    station.pause(DAG, False)
    try:
        wait_for("a watcher", lambda: broker.consumers(QUEUE) == 1)
        _load(mill, "by hand::1")
        wait_for("a run for the build", lambda: "by hand::1" in _heard(station))
        station.kill("triggerer")
        for number in (2, 3):
            _load(mill, f"by hand::{number}")
        wait_for("builds", lambda: mill.stages("by hand::3") == ["transform", "dq"])
        station.start("triggerer")
        wait_for("a run for a build", lambda: "by hand::2" in _heard(station))
        wait_for("end of what waits", lambda: broker.get(QUEUE) == [])
        # Airflow makes one run for events that come together, and what comes while it makes one is told to the next.
        _load(mill, "by hand::4")
        wanted = [f"by hand::{number}" for number in (1, 2, 3, 4)]
        wait_for("runs for all builds", lambda: set(wanted) <= set(_heard(station)))
        assert sorted(load_id for load_id in _heard(station) if load_id in wanted) == wanted, "told twice"
    finally:
        station.pause(DAG)
