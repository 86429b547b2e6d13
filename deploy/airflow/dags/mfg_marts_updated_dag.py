"""An example of the other direction: whenever the marts were built, whoever asked for it, this DAG runs.

Put what needs fresh marts in the place of `tell`: an extract, a report, a model to train. A build may be announced twice, and
announcements that come together are one run.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from millrace_airflow.watcher import MillraceEventTrigger

MARTS = Asset(
    name="millrace_marts",
    uri="millrace://marts",
    watchers=[AssetWatcher(name="transform_completed", trigger=MillraceEventTrigger(name="marts"))],
)

with DAG(
    "mfg_marts_updated_dag",
    description="Runs when transform.completed is announced",
    doc_md=__doc__,
    schedule=[MARTS],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["manufacturing", "millrace", "example"],
) as dag:

    @task
    def builds(**context: Any) -> list[dict[str, Any]]:
        """What was built since the last run, each LOAD_ID once."""
        events = context["triggering_asset_events"][MARTS]
        payloads = [event.extra["payload"] for event in events if "payload" in event.extra]
        return list({payload["load_id"]: payload for payload in payloads}.values())

    @task(map_index_template="{{ build['load_id'] }}")
    def tell(build: dict[str, Any]) -> str:
        """Hands the LOAD_ID on."""
        print(f"marts were built for LOAD_ID {build['load_id']}, sources {', '.join(build['sources']) or 'all'}")
        return str(build["load_id"])

    tell.expand(build=builds())
