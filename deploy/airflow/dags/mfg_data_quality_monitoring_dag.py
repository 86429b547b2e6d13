"""Judges what the marts are built from, load or no load: a source that stands still goes stale without any file."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param

from millrace_airflow import MillraceOperator

with DAG(
    "mfg_data_quality_monitoring_dag",
    description="The verdict over what is there",
    doc_md=__doc__,
    schedule="0 * * * *",
    start_date=datetime(2026, 1, 1),
    # A verdict is about now: there is nothing to catch up on.
    catchup=False,
    max_active_runs=1,
    tags=["manufacturing", "millrace"],
    render_template_as_native_obj=True,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1), "retry_exponential_backoff": True},
    params={
        "sources": Param([], type="array", items={"type": "string"}, description="Contracts by name; none means all."),
        "dry_run": Param(False, type="boolean", description="Only tell how the data is judged: nothing is recorded."),
    },
) as dag:
    MillraceOperator(
        task_id="dq",
        stage="dq",
        sources="{{ params.sources }}",
        as_dry_run="{{ params.dry_run }}",
        answer_timeout=timedelta(minutes=30),
    )
