"""A private Jaeger, as tests/kit/src/jaeger.rs starts one."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit import free_port, wait_for
from tests.kit.process import Process

# Of the module that deploy/dev/jaeger.sh builds.
VERSION = "1.76.0"

# Without a batch processor: what is taken can be read at once.
CONFIG = """service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}
  telemetry:
    metrics: {{level: none}}
extensions:
  jaeger_storage:
    backends:
      memory: {{memory: {{max_traces: 10000}}}}
  jaeger_query:
    storage: {{traces: memory}}
    http: {{endpoint: "127.0.0.1:{query}"}}
    grpc: {{endpoint: "127.0.0.1:{query_grpc}"}}
  healthcheckv2:
    use_v2: true
    http: {{endpoint: "127.0.0.1:{health}"}}
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{otlp_grpc}"}}
      http: {{endpoint: "127.0.0.1:{otlp_http}"}}
exporters:
  jaeger_storage_exporter: {{trace_storage: memory}}
"""


@dataclass(frozen=True)
class Span:
    """One span of a trace."""

    service: str
    name: str
    id: str
    # The span above it; empty at the root.
    parent: str
    # Text, whatever their type was.
    tags: dict[str, str]


class Jaeger:
    """Keeps traces in memory."""

    def __init__(self, program: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="millrace-airflow-jaeger-"))
        names = ("query", "query_grpc", "health", "otlp_grpc", "otlp_http")
        self._ports = {name: free_port() for name in names}
        config = self.folder / "config.yaml"
        config.write_text(CONFIG.format(**self._ports))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        command = [str(program), "--config", str(config)]
        self._server = Process(command, environment, self.folder, self.folder / "log")
        try:
            self._server.start()
            wait_for("Jaeger", self._is_up)
        except BaseException:
            self.close()
            raise

    @staticmethod
    def find() -> Path | None:
        """`MILLRACE_JAEGER`, or what `make jaeger` built, or `jaeger` in `PATH`."""
        if named := os.environ.get("MILLRACE_JAEGER"):
            return Path(named)
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        built = cache / f"millrace/jaeger-{VERSION}/jaeger"
        found = shutil.which("jaeger")
        return built if built.is_file() else Path(found) if found else None

    def _is_up(self) -> bool:
        self._server.check()
        try:
            return bool(self._get("health", "/status"))
        except OSError:
            return False

    def _get(self, port: str, where: str) -> Any:
        url = f"http://127.0.0.1:{self._ports[port]}{where}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.loads(answer.read())

    def otlp_grpc_url(self) -> str:
        """Where OTLP over gRPC goes."""
        return f"http://127.0.0.1:{self._ports['otlp_grpc']}"

    def otlp_http_url(self) -> str:
        """Where OTLP over HTTP goes, below which is `/v1/traces`."""
        return f"http://127.0.0.1:{self._ports['otlp_http']}"

    def trace_url(self) -> str:
        """Where a person looks at a trace, as `[millrace] trace_url` has it."""
        return f"http://127.0.0.1:{self._ports['query']}/trace/{{trace_id}}"

    def spans(self, trace_id: str) -> list[Span]:
        """The spans of a trace by their start; none where there is no such trace."""
        try:
            told = self._get("query", f"/api/traces/{trace_id}")["data"] or []
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return []
        spans = [(span, trace["processes"]) for trace in told for span in trace["spans"]]
        return [_span(span, processes) for span, processes in sorted(spans, key=lambda at: int(at[0]["startTime"]))]

    def close(self) -> None:
        """Ends it, and removes what it wrote."""
        self._server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _span(span: dict[str, Any], processes: dict[str, Any]) -> Span:
    parents = [at["spanID"] for at in span.get("references") or [] if at["traceID"] == span["traceID"]]
    return Span(
        service=processes[span["processID"]]["serviceName"],
        name=span["operationName"],
        id=span["spanID"],
        parent=parents[0] if parents else "",
        tags={tag["key"]: str(tag["value"]) for tag in span.get("tags") or []},
    )
