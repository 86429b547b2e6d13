"""Loads the file of its day."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator

with DAG("daily_dag", schedule="0 6 * * *", start_date=datetime(2026, 1, 1), catchup=False) as dag:
    MillraceOperator(
        task_id="ingest", stage="ingest", sources="rosters", files="source_system/rosters_{{ ds }}.csv", retries=0
    )
