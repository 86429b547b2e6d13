"""Loads the file that its form names, and tries again soon."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from millrace_airflow import MillraceOperator

with DAG("mended_dag", schedule=None, params={"file": Param("", type="string")}) as dag:
    MillraceOperator(
        task_id="ingest",
        stage="ingest",
        sources="shifts",
        files="{{ params.file }}",
        retries=9,
        retry_delay=timedelta(seconds=1),
    )
