"""The DAGs that ship, run by Airflow against real workers and a real broker."""

from __future__ import annotations

import re

from tests.kit import wait_for
from tests.kit.airflow import Airflow
from tests.kit.broker import Broker
from tests.kit.mill import Mill

RUN = re.compile(r"LOAD_ID (\S+::\S+)")


def _load_id(log: str) -> str:
    found = set(RUN.findall(log))
    assert len(found) == 1, found
    return str(found.pop())


def _no_answers_left(broker: Broker) -> None:
    wait_for("end of the queues of answers", lambda: broker.queues("millrace.answers.") == [])


def test_a_run_is_ingested_built_and_judged_once_under_one_load_id(
    airflow: Airflow, mill: Mill, broker: Broker
) -> None:
    ended = airflow.run("mfg_raw_ingestion_dag", as_of="2026-11-01T00:00:00Z")
    assert ended.code == 0, ended.log
    load_id = _load_id(ended.log)
    assert load_id.startswith("mfg_raw_ingestion_dag::manual__")
    for said in (
        "RAW.BATCHES: 2,000 rows of batches in 1 file",
        "success model.millrace.core_batches in",
        "WARN unique_batch_id on RAW.BATCHES (warn): found 10 of 2000 rows",
        # 42 of the contracts, and 19 of dbt's tests.
        "verdict warned over 61 checks",
        "trace: http://traces.example/trace/",
    ):
        assert said in ended.log, said
    stages = mill.query(f"SELECT STAGE, STATUS FROM RAW.STAGE_AUDIT WHERE LOAD_ID = '{load_id}' ORDER BY FINISHED_AT")
    assert stages == [["transform", "SUCCESS"], ["dq", "SUCCESS"]], "built or judged twice"
    audit = mill.query(
        f"SELECT TABLE_NAME, AS_OF FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '{load_id}' AND STATUS = 'SUCCESS'"
    )
    assert sorted(table for table, _ in audit) == ["BATCHES", "MATERIALS", "PRODUCTION_ORDERS"]
    assert all(as_of.startswith("2026-11-01") for _, as_of in audit)
    # One trace from the command to the verdict.
    assert len(set(re.findall(r"traces\.example/trace/([0-9a-f]{32})", ended.log))) == 1
    _no_answers_left(broker)


def test_a_build_is_asked_for_with_what_the_form_says(airflow: Airflow, mill: Mill, broker: Broker) -> None:
    ended = airflow.run("mfg_dbt_transform_dag", sources=["materials"], full_refresh=True)
    assert ended.code == 0, ended.log
    load_id = _load_id(ended.log)
    assert "success model.millrace.core_materials" in ended.log
    stages = mill.query(f"SELECT STAGE FROM RAW.STAGE_AUDIT WHERE LOAD_ID = '{load_id}' ORDER BY FINISHED_AT")
    assert stages == [["transform"], ["dq"]]
    _no_answers_left(broker)


def _counts(mill: Mill) -> list[list[str]]:
    audits = ("RAW_LOAD_AUDIT", "STAGE_AUDIT", "DATA_QUALITY_AUDIT")
    return mill.query(" UNION ALL ".join(f"SELECT '{audit}', COUNT(*) FROM RAW.{audit}" for audit in audits))


def test_a_dry_run_tells_what_would_be_and_leaves_no_trace(airflow: Airflow, mill: Mill, broker: Broker) -> None:
    before = _counts(mill)
    ended = airflow.run("mfg_raw_ingestion_dag", dry_run=True)
    assert ended.code == 0, ended.log
    for said in (
        "asked for ingest (dry run) of LOAD_ID",
        "asked for transform (dry run) of LOAD_ID",
        "asked for dq (dry run) of LOAD_ID",
        "RAW.BATCHES: 2,000 rows of batches in 1 file",
        "selected model.millrace.core_batches",
        "verdict warned over 42 checks",
    ):
        assert said in ended.log, said
    assert ended.log.count("a dry run: this is what would be, and nothing was changed") == 3

    mill.drop("batches_bad.csv", "batch_id\n1,2\n")
    ended = airflow.run("mfg_raw_ingestion_dag", dry_run=True, sources=["batches"])
    assert ended.code != 0, ended.log
    assert "source_system/batches_bad.csv would not be loaded" in ended.log
    assert "AirflowFailException: ingest of" in ended.log
    assert "asked for transform" not in ended.log
    (mill.raw / "source_system/batches_bad.csv").unlink()
    assert _counts(mill) == before
    assert mill.json("dead", "list") == []
    _no_answers_left(broker)


def test_warnings_pass_and_a_failed_check_fails_the_task_by_its_name(
    airflow: Airflow, mill: Mill, broker: Broker
) -> None:
    ended = airflow.run("mfg_data_quality_monitoring_dag")
    assert ended.code == 0, ended.log
    assert "verdict warned over" in ended.log

    header, row, *_ = (mill.raw / "source_system/materials.csv").read_text().splitlines()
    mill.drop("materials_twice.csv", "\n".join([header, row, row, ""]))
    ended = airflow.run("mfg_raw_ingestion_dag", sources=["materials"], files=["source_system/materials_twice.csv"])
    assert ended.code != 0, ended.log
    assert "AirflowFailException: dq of mfg_raw_ingestion_dag::" in ended.log
    assert "FAIL unique_material_id on RAW.MATERIALS (error)" in ended.log
    states = dict(re.findall(r"end task task_id=(\w+) map_index=(-1)", ended.log))
    assert set(states) == {"ingest", "transform", "dq"}, (
        "a permanent failure must not be retried or end the run earlier"
    )
    _no_answers_left(broker)


def test_a_permanent_failure_is_not_retried_and_ends_the_run(airflow: Airflow, mill: Mill, broker: Broker) -> None:
    ended = airflow.run("mfg_raw_ingestion_dag", sources=["nobody"])
    assert ended.code != 0, ended.log
    assert re.search(r"AirflowFailException: ingest of .* failed \(permanent\): unknown source", ended.log), ended.log
    assert ended.log.count("asked for ingest") == 1
    assert "asked for transform" not in ended.log
    _no_answers_left(broker)


def test_an_answer_that_comes_before_the_wait_is_found(airflow: Airflow, mill: Mill, broker: Broker) -> None:
    mill.drop_sample()
    ended = airflow.run("early_dag")
    assert "the answer was there before the wait began" in ended.log, ended.log
    assert "running trigger in line" in ended.log
    assert "verdict" in ended.log
    _no_answers_left(broker)


def test_a_timeout_says_what_to_look_at_and_may_be_retried(airflow: Airflow, mill: Mill, broker: Broker) -> None:
    mill.stop("dq")
    try:
        ended = airflow.run("timeout_dag")
    finally:
        mill.start("dq")
    assert ended.code != 0, ended.log
    assert "AirflowException: no answer to dq.requested for timeout_dag::" in ended.log
    assert "see that a dq worker runs" in ended.log
    _no_answers_left(broker)


def test_a_retry_is_another_command_for_the_same_load(airflow: Airflow, mill: Mill, broker: Broker) -> None:
    mill.stop("dq")
    try:
        running = airflow.begin("retry_dag")
        wait_for("a timeout", lambda: "no answer to dq.requested" in running.log())
    finally:
        mill.start("dq")
    ended = running.end()
    assert "verdict" in ended.log, ended.log
    asked = re.findall(r"asked for dq of LOAD_ID (\S+) \(command (\S+)\)", ended.log)
    assert len({load_id for load_id, _ in asked}) == 1
    commands = [command for _, command in asked]
    assert len(commands) > 1
    assert commands == sorted(set(commands)), "of two the newer must have the greater id"
    _no_answers_left(broker)


def test_a_wait_outlives_a_restart_and_a_crash_of_the_broker(airflow: Airflow, mill: Mill, broker: Broker) -> None:
    mill.stop("dq")
    try:
        running = airflow.begin("patient_dag")
        wait_for("a trigger that waits", lambda: broker.consumers("millrace.answers.") > 0)
        broker.stop()
        broker.start()
        wait_for("a trigger that waits again", lambda: broker.consumers("millrace.answers.") > 0)
        broker.kill()
        broker.start()
    finally:
        mill.start("dq")
    ended = running.end()
    assert "RabbitMQ is away" in ended.log, ended.log
    assert "verdict" in ended.log
    _no_answers_left(broker)


def test_the_dag_that_events_start_can_be_started_by_hand(airflow: Airflow) -> None:
    ended = airflow.run("mfg_marts_updated_dag")
    assert ended.code == 0, ended.log
    assert "marts were built" not in ended.log
