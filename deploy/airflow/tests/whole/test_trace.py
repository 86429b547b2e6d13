"""One trace, from the DAG's run to the verdict, in a real backend."""

from __future__ import annotations

import re

import pytest

from tests.kit import wait_for
from tests.kit.jaeger import Jaeger, Span
from tests.kit.mill import Mill
from tests.kit.station import Station

SERVICES = {"airflow", "millrace-ingest", "millrace-transform", "millrace-dq"}


def _root(span: Span, spans: dict[str, Span]) -> Span:
    """The span that it is below, in the end."""
    while span.parent in spans:
        span = spans[span.parent]
    return span


def test_the_link_in_the_log_leads_to_one_trace_from_the_run_to_the_verdict(
    station: Station, mill: Mill, jaeger: Jaeger | None
) -> None:
    if jaeger is None:
        pytest.skip("there is no Jaeger; make jaeger builds it where Go is")
    run = station.trigger("mfg_raw_ingestion_dag")
    run.succeed()
    before, after = jaeger.trace_url().split("{trace_id}")
    link = re.compile(re.escape(before) + "([0-9a-f]{32})" + re.escape(after))
    traces = {trace for task in ("ingest", "transform", "dq") for trace in link.findall(run.log(task))}
    assert len(traces) == 1, traces
    (trace,) = traces

    def tree() -> dict[str, Span]:
        """All spans, once every service has told its own and none lacks what it is below."""
        spans = {span.id: span for span in jaeger.spans(trace)}
        names, roots = {span.name for span in spans.values()}, {_root(span, spans).name for span in spans.values()}
        services = {span.service for span in spans.values()}
        whole = services == SERVICES and "publish dq.completed" in names and roots == {f"dag_run.{run.dag_id}"}
        return spans if whole else {}

    spans = wait_for("trace that is one tree", tree, 30)
    (command,) = [span for span in spans.values() if span.tags.get("messaging.message.id") == run.task("ingest")["id"]]
    assert (command.service, spans[command.parent].name) == ("millrace-ingest", "worker.ingest")
    # The audit names the same.
    assert mill.query(f"SELECT DISTINCT TRACE_ID FROM RAW.STAGE_AUDIT WHERE LOAD_ID = '{run.load_id}'") == [[trace]]
