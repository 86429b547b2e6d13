"""Loads what lies in the raw folder, builds what depends on it, and judges it: one run, one LOAD_ID."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param

from millrace_airflow import MillraceOperator

SOURCES = "{{ params.sources }}"
DRY_RUN = "{{ params.dry_run }}"

with DAG(
    "mfg_raw_ingestion_dag",
    description="Files to slices, slices to marts, marts to a verdict",
    doc_md=__doc__,
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["manufacturing", "millrace"],
    # Lists and flags of the form reach the operator as such.
    render_template_as_native_obj=True,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1), "retry_exponential_backoff": True},
    params={
        "sources": Param([], type="array", items={"type": "string"}, description="Contracts by name; none means all."),
        "files": Param(
            [],
            type="array",
            items={"type": "string"},
            description="Paths below the raw folder; none means all files of the sources.",
        ),
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date-time",
            description="How new the data is. The load with the greatest one is shown. The logical date if empty.",
        ),
        "full_refresh": Param(False, type="boolean", description="Rebuild incremental models from nothing."),
        "dry_run": Param(
            False,
            type="boolean",
            description="Only tell what would be loaded and built, and how what is there is judged.",
        ),
    },
) as dag:
    ingest = MillraceOperator(
        task_id="ingest",
        stage="ingest",
        sources=SOURCES,
        files="{{ params.files }}",
        as_of="{{ params.as_of }}",
        as_dry_run=DRY_RUN,
    )
    # The mill goes on by itself; these two wait for it, and ask only where they are run again, or where nothing is done.
    transform = MillraceOperator(
        task_id="transform",
        stage="transform",
        sources=SOURCES,
        full_refresh="{{ params.full_refresh }}",
        as_dry_run=DRY_RUN,
        follows="ingest",
    )
    dq = MillraceOperator(task_id="dq", stage="dq", sources=SOURCES, as_dry_run=DRY_RUN, follows="transform")
    ingest >> transform >> dq
