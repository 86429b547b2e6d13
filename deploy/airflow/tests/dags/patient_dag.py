"""Waits in the triggerer from the beginning."""

from __future__ import annotations

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator

with DAG("patient_dag", schedule=None) as dag:
    MillraceOperator(task_id="dq", stage="dq", here_secs=0, settle_secs=0, retries=0)
