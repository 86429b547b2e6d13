"""Mapped tasks: each a command, and a load of its own."""

from __future__ import annotations

from tests.kit.mill import Mill
from tests.kit.station import Station
from tests.whole import shifts


def test_mapped_tasks_load_what_is_theirs_and_what_they_can_not_do_is_told(station: Station, mill: Mill) -> None:
    for number in range(2):
        shifts.drop(mill, f"map{number}", 1 + number)
    run = station.trigger("mapped_dag")
    assert run.end() == "failed"
    states = {(task["task_id"], task["map_index"]): task["state"] for task in run.tasks()}
    assert states == {
        ("same", 0): "failed",
        ("same", 1): "failed",
        ("own", 0): "success",
        ("own", 1): "success",
        ("follower", -1): "failed",
    }
    for number in range(2):
        load_id = f"{run.load_id}::{number}"
        assert run.xcom("own", number)["load_id"] == load_id
        assert shifts.kept(mill, load_id) == [[f"map{number}", str(1 + number)]]
        # Of two loads of one LOAD_ID the newer would replace the older one, which nobody would be told.
        assert "AirflowFailException: task same: it is mapped over files" in run.log("same", number)
    assert "AirflowFailException: task follower: it follows own, which is mapped" in run.log("follower")
    assert mill.files(run.load_id) == []
