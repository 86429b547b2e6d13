"""One task for each file, and one that follows them."""

from __future__ import annotations

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator

with DAG("mapped_dag", schedule=None) as dag:
    ingest = MillraceOperator.partial(task_id="ingest", stage="ingest", sources="shifts", retries=0).expand(
        files=["source_system/shifts_map0.csv", "source_system/shifts_map1.csv"]
    )
    transform = MillraceOperator(task_id="transform", stage="transform", sources="shifts", follows="ingest", retries=0)
    ingest >> transform
