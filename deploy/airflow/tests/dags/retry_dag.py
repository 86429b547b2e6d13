"""Gives up soon and tries again."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator

with DAG("retry_dag", schedule=None) as dag:
    MillraceOperator(
        task_id="dq",
        stage="dq",
        answer_timeout=timedelta(seconds=6),
        here_secs=1,
        settle_secs=0,
        retries=5,
        retry_delay=timedelta(seconds=1),
    )
