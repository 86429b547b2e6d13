"""Loads the file of its hour, and of those that it missed."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator

with DAG(
    "hourly_dag",
    schedule="0 * * * *",
    start_date=datetime(2026, 2, 1),
    end_date=datetime(2026, 2, 1, 4),
    catchup=True,
    max_active_runs=5,
) as dag:
    MillraceOperator(
        task_id="ingest", stage="ingest", sources="shifts", files="source_system/shifts_{{ ts_nodash }}.csv", retries=0
    )
