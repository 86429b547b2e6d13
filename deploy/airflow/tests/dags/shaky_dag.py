"""Tries again soon."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator

with DAG("shaky_dag", schedule=None) as dag:
    MillraceOperator(task_id="dq", stage="dq", sources="shifts", retries=9, retry_delay=timedelta(seconds=1))
