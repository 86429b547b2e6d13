//! The services, of either protocol.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::MetricsService;
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::TraceService;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;

use super::decode;
use super::store::Store;

const PROTOBUF: &str = "application/x-protobuf";

#[derive(Clone)]
pub struct Receiver(pub Arc<Store>);

impl Receiver {
    fn take_traces(&self, request: ExportTraceServiceRequest) -> ExportTraceServiceResponse {
        self.0.add_spans(decode::spans(request.resource_spans));
        ExportTraceServiceResponse::default()
    }

    fn take_metrics(&self, request: ExportMetricsServiceRequest) -> ExportMetricsServiceResponse {
        self.0.add_metrics(decode::metrics(request.resource_metrics));
        ExportMetricsServiceResponse::default()
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(self.take_traces(request.into_inner())))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        Ok(tonic::Response::new(self.take_metrics(request.into_inner())))
    }
}

/// `POST /v1/traces`
pub async fn traces(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&headers, &body, |request| receiver.take_traces(request))
}

/// `POST /v1/metrics`
pub async fn metrics(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    answer(&headers, &body, |request| receiver.take_metrics(request))
}

fn answer<Q: Message + Default, A: Message>(headers: &HeaderMap, body: &[u8], take: impl FnOnce(Q) -> A) -> Response {
    let is = |name, expected: &str| headers.get(name).is_some_and(|value| value == expected);
    if !is(header::CONTENT_TYPE, PROTOBUF) || headers.contains_key(header::CONTENT_ENCODING) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "the test takes uncompressed protobuf only").into_response();
    }
    match Q::decode(body) {
        Ok(request) => ([(header::CONTENT_TYPE, PROTOBUF)], take(request).encode_to_vec()).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}
