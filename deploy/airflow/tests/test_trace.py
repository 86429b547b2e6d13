"""Which trace a command belongs to."""

from __future__ import annotations

from opentelemetry import trace as otel
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from millrace_airflow import trace


def _within(flags: int) -> trace.Trace:
    context = SpanContext(
        0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(flags), trace_state=TraceState([("a", "b")])
    )
    with otel.use_span(NonRecordingSpan(context)):
        return trace.current()


def test_a_recorded_trace_goes_on() -> None:
    assert _within(1) == trace.Trace(f"00-{0xABC:032x}-{0xDEF:016x}-01", "a=b")


def test_an_unrecorded_trace_is_not_passed_on_and_a_recorded_one_begins() -> None:
    begun = [_within(0), trace.current(), trace.current()]
    assert len({one.id for one in begun}) == 3
    assert all(one.parent.endswith("-01") and len(one.id) == 32 and one.state is None for one in begun)
    assert f"{0xABC:032x}" not in {one.id for one in begun}


def test_a_trace_is_shown_as_an_address_where_one_is_set() -> None:
    assert trace.link("http://x/trace/{trace_id}?a", "12") == "http://x/trace/12?a"
    assert trace.link(None, "12") == "12"
    assert trace.link("http://x/{trace_id}", None) == "none"
    assert trace.trace_id("nonsense") is None
