"""Builds the models anew from what has been loaded."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param

from millrace_airflow import MillraceOperator

with DAG(
    "mfg_dbt_transform_dag",
    description="Slices to marts, and the verdict over them",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    # Builds do not run beside each other: the stage takes one at a time.
    max_active_runs=1,
    tags=["manufacturing", "millrace"],
    render_template_as_native_obj=True,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1), "retry_exponential_backoff": True},
    params={
        "sources": Param(
            [],
            type="array",
            items={"type": "string"},
            description="Build what depends on these sources; none means everything.",
        ),
        "full_refresh": Param(False, type="boolean", description="Rebuild incremental models from nothing."),
        "dry_run": Param(
            False, type="boolean", description="Only tell what would be built, and how what is there is judged."
        ),
    },
) as dag:
    transform = MillraceOperator(
        task_id="transform",
        stage="transform",
        sources="{{ params.sources }}",
        full_refresh="{{ params.full_refresh }}",
        as_dry_run="{{ params.dry_run }}",
        # A full refresh of everything takes longer than what a load touches.
        answer_timeout=timedelta(hours=4),
    )
    # Every build is judged by itself; this waits for it.
    dq = MillraceOperator(
        task_id="dq", stage="dq", sources="{{ params.sources }}", as_dry_run="{{ params.dry_run }}", follows="transform"
    )
    transform >> dq
