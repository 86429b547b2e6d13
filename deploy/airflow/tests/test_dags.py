"""The DAGs that ship, run by Airflow against real workers."""

from __future__ import annotations

from tests.kit.airflow import Airflow
from tests.kit.broker import Broker
from tests.kit.mill import Mill


def test_a_run_is_ingested_built_and_judged_under_one_load_id(airflow: Airflow, mill: Mill, broker: Broker) -> None:
    ended = airflow.run("mfg_raw_ingestion_dag")
    assert ended.code == 0, ended.log
    load = mill.query("SELECT STAGE, STATUS, MESSAGE_ID, LOAD_ID FROM RAW.STAGE_AUDIT ORDER BY FINISHED_AT")
    print(ended.secs, load)
    assert broker.queues("millrace.answers.") == []
