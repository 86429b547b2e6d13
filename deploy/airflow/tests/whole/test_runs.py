"""A run as people start it."""

from __future__ import annotations

from tests.kit.mill import SAMPLE, Mill
from tests.kit.station import Station


def test_a_run_does_each_stage_once_under_its_own_load_id(station: Station, mill: Mill) -> None:
    run = station.trigger("mfg_raw_ingestion_dag", as_of="2026-11-01T00:00:00Z")
    run.succeed()
    assert mill.files(run.load_id) == sorted(SAMPLE)
    assert mill.stages(run.load_id) == ["transform", "dq"]
    answers = {task_id: run.xcom(task_id) for task_id in ("ingest", "transform", "dq")}
    assert {answer["load_id"] for answer in answers.values()} == {run.load_id}
    # Two of them followed what the first one asked for.
    assert {answer["command_id"] for answer in answers.values()} == {run.task("ingest")["id"]}
    assert answers["dq"]["verdict"] == "warned"
    assert "RAW.BATCHES: 2,000 rows of batches in 1 file" in run.log("ingest")
    assert "WARN unique_batch_id on RAW.BATCHES" in run.log("dq")


def test_runs_tell_how_long_they_take_and_how_much_of_that_is_the_workers(station: Station, mill: Mill) -> None:
    """Measures for the read-me, without a limit: `pytest tests/whole/test_runs.py -s`."""
    for _ in range(4):
        run = station.trigger("mfg_raw_ingestion_dag")
        run.succeed()
        # From the worker's taking up the command to its verdict.
        taken, judged = mill.query(
            f"""SELECT EPOCH(MIN(MOMENT)), EPOCH(MAX(MOMENT)) FROM (
                SELECT STARTED_AT AS MOMENT FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '{run.load_id}'
                UNION ALL SELECT FINISHED_AT FROM RAW.STAGE_AUDIT WHERE LOAD_ID = '{run.load_id}')"""
        )[0]
        workers_secs = float(judged) - float(taken)
        assert 0 < workers_secs < run.secs()
        print(f"queued to end {run.secs():.1f} s, of which the workers {workers_secs:.1f} s")
