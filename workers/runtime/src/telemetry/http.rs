//! The HTTP client of the exporters. They call it on threads of their own, which may block, so the one that the platform
//! has already will do.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// The standard's own default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// More than any collector has to say.
const LONGEST_ANSWER_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct HttpExport {
    agent: ureq::Agent,
}

impl HttpExport {
    /// A client for `signal` (`TRACES` or `METRICS`), which may have a time-out of its own.
    pub(super) fn new(signal: &str) -> Self {
        let millis = |name: String| std::env::var(name).ok()?.trim().parse().ok().map(Duration::from_millis);
        let timeout = millis(format!("OTEL_EXPORTER_OTLP_{signal}_TIMEOUT"))
            .or_else(|| millis("OTEL_EXPORTER_OTLP_TIMEOUT".into()))
            .unwrap_or(TIMEOUT);
        // What the collector says of a request is the exporter's to judge, whatever its status.
        let config = ureq::Agent::config_builder().timeout_global(Some(timeout)).http_status_as_error(false);
        Self { agent: config.build().into() }
    }
}

#[async_trait]
impl HttpClient for HttpExport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.agent.run(Request::from_parts(parts, body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(LONGEST_ANSWER_BYTES).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }
}
