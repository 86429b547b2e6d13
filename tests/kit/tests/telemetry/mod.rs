//! The real exporters, which send what a test makes.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    MetricExporter, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Protocol {
    Grpc,
    Http,
}

pub const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::Http];

/// Tries once, and gives up after `timeout`.
pub struct Exporting {
    pub traces: SdkTracerProvider,
    #[allow(dead_code)] // Not every test sends metrics.
    pub metrics: SdkMeterProvider,
    // The gRPC client's connections live in it.
    _runtime: tokio::runtime::Runtime,
}

impl Exporting {
    /// `url` is the receiver's for `protocol`, without a path.
    pub fn to(url: &str, protocol: Protocol, timeout: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let _inside = runtime.enter();
        let once = RetryPolicy::disabled;
        let (spans, metrics) = match protocol {
            Protocol::Grpc => (
                SpanExporter::builder()
                    .with_tonic()
                    .with_endpoint(url)
                    .with_timeout(timeout)
                    .with_retry_policy(once())
                    .build(),
                MetricExporter::builder()
                    .with_tonic()
                    .with_endpoint(url)
                    .with_timeout(timeout)
                    .with_retry_policy(once())
                    .build(),
            ),
            Protocol::Http => {
                let client: Arc<dyn HttpClient> = Arc::new(Client::new(timeout));
                let at = |path: &str| format!("{url}/v1/{path}");
                let (traces, metrics) = (SpanExporter::builder().with_http(), MetricExporter::builder().with_http());
                let traces = traces.with_endpoint(at("traces")).with_shared_http_client(Arc::clone(&client));
                let metrics = metrics.with_endpoint(at("metrics")).with_shared_http_client(client);
                (traces.with_retry_policy(once()).build(), metrics.with_retry_policy(once()).build())
            }
        };
        let own = [KeyValue::new("service.instance.id", "one")];
        let resource = Resource::builder_empty().with_service_name("ingest").with_attributes(own).build();
        let traces = SdkTracerProvider::builder().with_batch_exporter(spans.unwrap()).with_resource(resource.clone());
        let metrics = SdkMeterProvider::builder().with_periodic_exporter(metrics.unwrap()).with_resource(resource);
        Self { traces: traces.build(), metrics: metrics.build(), _runtime: runtime }
    }
}

#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new(timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(timeout));
        Self(config.build().into())
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut response = self.0.run(request.map(|body| body.to_vec()))?;
        let body = response.body_mut().read_to_vec()?;
        Ok(response.map(|_| body.into()))
    }
}
