"""Asks for little, which is there soon."""

from __future__ import annotations

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator

with DAG("brief_dag", schedule=None) as dag:
    MillraceOperator(task_id="dq", stage="dq", sources="shifts", retries=0)
