"""Loads the file that its form names, and waits in the triggerer from the beginning."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from millrace_airflow import MillraceOperator

with DAG("many_dag", schedule=None, max_active_runs=64, params={"file": Param("", type="string")}) as dag:
    MillraceOperator(
        task_id="ingest", stage="ingest", sources="shifts", files="{{ params.file }}", here_secs=0, retries=0
    )
