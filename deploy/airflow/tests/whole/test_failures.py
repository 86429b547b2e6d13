"""What fails, and whether it is tried again."""

from __future__ import annotations

from tests.kit import wait_for
from tests.kit.mill import Mill
from tests.kit.station import Station
from tests.whole import shifts


def test_a_permanent_failure_is_not_tried_again(station: Station) -> None:
    run = station.trigger("mfg_raw_ingestion_dag", sources=["nobody"])
    assert run.end() == "failed"
    task = run.task("ingest")
    assert (task["state"], task["try_number"], task["max_tries"]) == ("failed", 1, 2)
    assert f"AirflowFailException: ingest of {run.load_id} failed (permanent): unknown source" in run.log("ingest")
    assert {at["task_id"]: at["state"] for at in run.tasks() if at["task_id"] != "ingest"} == {
        "transform": "upstream_failed",
        "dq": "upstream_failed",
    }


def test_a_transient_failure_is_tried_again_until_it_passes(station: Station, mill: Mill) -> None:
    # A link to itself: opening it fails in a way that may pass.
    file = mill.raw / "source_system/shifts_loop.csv"
    file.symlink_to(file)
    mill.stop("ingest")
    try:
        mill.start("ingest", RETRY__MAX_ATTEMPTS=1)
        run = station.trigger("mended_dag", file="source_system/shifts_loop.csv")
        wait_for("another try", lambda: run.task("ingest")["try_number"] > 1)
        file.unlink()
        shifts.drop(mill, "loop", 3)
        run.succeed()
    finally:
        mill.stop("ingest")
        mill.start("ingest")
    assert f"AirflowException: ingest of {run.load_id} failed (transient)" in run.log("ingest", attempt=1)
    assert mill.files(run.load_id) == ["shifts_loop.csv"]
    assert shifts.kept(mill, run.load_id) == [["loop", "3"]]


def test_no_answer_in_time_fails_in_the_triggerer_with_what_to_look_at(station: Station, mill: Mill) -> None:
    with mill.without("dq"):
        run = station.trigger("timeout_dag")
        run.wait("dq", "deferred")
        assert run.end() == "failed"
    log = run.log("dq")
    assert f"AirflowException: no answer to dq.requested for {run.load_id} within its time" in log
    assert "see that a dq worker runs" in log
    # What was asked for before it is over when the next one is.
    station.trigger("brief_dag").succeed()


def test_one_bad_file_of_many_fails_the_task_by_its_name_when_the_others_are_loaded(
    station: Station, mill: Mill
) -> None:
    files = [shifts.drop(mill, f"part{number}", number + 1) for number in range(3)]
    mill.drop("shifts_bad.csv", "shift_id,nothing\nS-1,x\n")
    bad = "source_system/shifts_bad.csv"
    run = station.trigger("mfg_raw_ingestion_dag", sources=["shifts"], files=[files[0], bad, *files[1:]])
    assert run.end() == "failed"
    assert run.task("ingest")["try_number"] == 1
    assert f"ingest of {run.load_id} failed (permanent)" in run.log("ingest")
    assert bad in run.log("ingest")
    assert mill.files(run.load_id) == ["shifts_part0.csv", "shifts_part1.csv", "shifts_part2.csv"]
