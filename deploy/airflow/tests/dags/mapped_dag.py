"""A task for each file: as loads of one LOAD_ID, and as loads of their own, which somebody follows."""

from __future__ import annotations

from airflow.sdk import DAG

from millrace_airflow import MillraceOperator

FILES = ["source_system/shifts_map0.csv", "source_system/shifts_map1.csv"]
OWN = "{{ dag.dag_id }}::{{ run_id }}::"

with DAG("mapped_dag", schedule=None) as dag:
    MillraceOperator.partial(task_id="same", stage="ingest", sources="shifts", retries=0).expand(files=FILES)
    own = MillraceOperator.partial(task_id="own", stage="ingest", sources="shifts", retries=0).expand_kwargs(
        [{"files": file, "load_id": f"{OWN}{number}"} for number, file in enumerate(FILES)]
    )
    follower = MillraceOperator(task_id="follower", stage="transform", sources="shifts", follows="own", retries=0)
    own >> follower
