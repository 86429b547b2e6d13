//! What a Jaeger reads when it starts.

use crate::ports;

/// All that it listens on.
pub struct Ports {
    pub otlp_grpc: u16,
    pub otlp_http: u16,
    pub query: u16,
    pub query_grpc: u16,
    pub health: u16,
}

impl Ports {
    pub fn free() -> Self {
        Self {
            otlp_grpc: ports::free(),
            otlp_http: ports::free(),
            query: ports::free(),
            query_grpc: ports::free(),
            health: ports::free(),
        }
    }
}

/// Without a batch processor, so that what is taken can be read at once, and without numbers of its own, for which it
/// would listen on one more port. Whatever is left out here is not started; whatever is named without an endpoint
/// listens on its default port.
pub fn yaml(ports: &Ports) -> String {
    let Ports { otlp_grpc, otlp_http, query, query_grpc, health } = ports;
    format!(
        "service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [jaeger_storage_exporter]
  telemetry:
    metrics:
      level: none
extensions:
  jaeger_storage:
    backends:
      memory:
        memory:
          max_traces: 10000
  jaeger_query:
    storage:
      traces: memory
    http:
      endpoint: 127.0.0.1:{query}
    grpc:
      endpoint: 127.0.0.1:{query_grpc}
  healthcheckv2:
    use_v2: true
    http:
      endpoint: 127.0.0.1:{health}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:{otlp_grpc}
      http:
        endpoint: 127.0.0.1:{otlp_http}
exporters:
  jaeger_storage_exporter:
    trace_storage: memory
"
    )
}
