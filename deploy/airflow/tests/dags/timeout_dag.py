"""Waits a few seconds for a stage that nobody works on."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator

with DAG("timeout_dag", schedule=None) as dag:
    MillraceOperator(
        task_id="dq", stage="dq", answer_timeout=timedelta(seconds=5), here_secs=1, settle_secs=0, retries=0
    )
