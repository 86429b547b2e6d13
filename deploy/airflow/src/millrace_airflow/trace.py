"""The trace that a command belongs to."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from opentelemetry import propagate

_PARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})(-.*)?")
_SAMPLED = 1


@dataclass(frozen=True)
class Trace:
    """A W3C trace context."""

    parent: str
    state: str | None = None

    @property
    def id(self) -> str:
        """The trace's id: 32 hexadecimal digits, as Jaeger shows it."""
        return trace_id(self.parent) or ""


def trace_id(parent: str | None) -> str | None:
    """The trace's id of a `traceparent`, if it is one."""
    match = _PARENT.fullmatch(parent or "")
    return match["trace"] if match else None


def current() -> Trace:
    """Airflow's own trace if it is recorded, else a new one, as `millrace trigger` begins it.

    Airflow injects a context even where tracing is off, with a flag that says that nobody records it; workers that
    follow their parent's decision would then record nothing either.
    """
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    match = _PARENT.fullmatch(carrier.get("traceparent", ""))
    if match and int(match["flags"], 16) & _SAMPLED:
        return Trace(carrier["traceparent"], carrier.get("tracestate") or None)
    return Trace(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")


def link(trace_url: str | None, trace: str | None) -> str:
    """The trace as people find it: an address where one is set, else its id."""
    if not trace:
        return "none"
    return trace_url.replace("{trace_id}", trace) if trace_url else trace
