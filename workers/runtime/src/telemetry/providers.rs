//! From what is wanted to what measures and exports.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};

use super::collector::Watched;
use super::env::{Otlp, Wanted};
use super::http::HttpExport;

/// Spans that may wait for the collector. The standard's 2,048 are lost where hundreds of loads are judged at once; these
/// take some 20 MB when full.
const QUEUE_SPANS: usize = 16_384;

/// How long a span waits for company: whoever looks for a trace does not want to wait the standard's five seconds.
const SPAN_DELAY: Duration = Duration::from_secs(1);

/// A build links to every load that it serves; the standard's limit is 128.
const LINKS: u32 = 1024;

/// What measures and exports.
pub(super) struct Providers {
    pub(super) tracer: Option<SdkTracerProvider>,
    pub(super) meter: SdkMeterProvider,
    pub(super) registry: prometheus::Registry,
    pub(super) threads: Option<tokio::runtime::Runtime>,
}

pub(super) fn build(role: &str, wanted: &Wanted) -> Result<Providers, String> {
    let grpc = [wanted.traces, wanted.metrics].contains(&Some(Otlp::Grpc));
    let threads = grpc.then(threads).transpose()?;
    // The connections of gRPC live on the runtime in which they are made.
    let _entered = threads.as_ref().map(tokio::runtime::Runtime::enter);
    let resource = resource(role);
    let registry = prometheus::Registry::new();
    let scraped = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()
        .map_err(|error| format!("metrics can't be kept for Prometheus: {error}"))?;
    let mut meter = SdkMeterProvider::builder().with_resource(resource.clone()).with_reader(scraped);
    if let Some(otlp) = wanted.metrics {
        meter = meter.with_reader(PeriodicReader::builder(metric_exporter(otlp).map_err(unusable)?).build());
    }
    let tracer = match wanted.traces {
        None => None,
        Some(otlp) => {
            let exporter = Watched::new(span_exporter(otlp).map_err(unusable)?, endpoint());
            let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches().build()).build();
            let provider = SdkTracerProvider::builder().with_resource(resource).with_max_links_per_span(LINKS);
            Some(provider.with_span_processor(processor).build())
        }
    };
    Ok(Providers { tracer, meter: meter.build(), registry, threads })
}

/// A runtime of its own: shutting down on the one that does the work has deadlocked where that one was busy.
fn threads() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("telemetry")
        .enable_all()
        .build()
        .map_err(|error| format!("no thread can be started for telemetry: {error}"))
}

fn resource(role: &str) -> Resource {
    let mut resource = Resource::builder();
    let is_named = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.trim().is_empty())
        || std::env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|text| text.contains("service.name="));
    if !is_named {
        resource = resource.with_service_name(service_name(role));
    }
    let given = std::env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let ours = [
        ("service.namespace", "millrace".to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", crate::worker_name(role)),
        ("host.name", crate::worker_name::host_name()),
    ];
    let wanted = ours.into_iter().filter(|(name, _)| !given.contains(&format!("{name}=")));
    resource.with_attributes(wanted.map(|(name, value)| KeyValue::new(name, value))).build()
}

/// `millrace-ingest`; all roles in one process are `millrace`.
fn service_name(role: &str) -> String {
    if role == "up" { "millrace".into() } else { format!("millrace-{role}") }
}

fn batches() -> BatchConfigBuilder {
    let is_unset = |name: &str| std::env::var_os(name).is_none();
    let mut batches = BatchConfigBuilder::default();
    if is_unset("OTEL_BSP_MAX_QUEUE_SIZE") {
        batches = batches.with_max_queue_size(QUEUE_SPANS);
    }
    if is_unset("OTEL_BSP_SCHEDULE_DELAY") {
        batches = batches.with_scheduled_delay(SPAN_DELAY);
    }
    batches
}

fn span_exporter(otlp: Otlp) -> Result<SpanExporter, ExporterBuildError> {
    match otlp {
        Otlp::Grpc => SpanExporter::builder().with_tonic().build(),
        Otlp::HttpProtobuf => SpanExporter::builder().with_http().with_http_client(HttpExport::new("TRACES")).build(),
    }
}

fn metric_exporter(otlp: Otlp) -> Result<MetricExporter, ExporterBuildError> {
    match otlp {
        Otlp::Grpc => MetricExporter::builder().with_tonic().build(),
        Otlp::HttpProtobuf => {
            MetricExporter::builder().with_http().with_http_client(HttpExport::new("METRICS")).build()
        }
    }
}

/// Where spans go, for people: as the variables say, without user, password and query.
fn endpoint() -> String {
    let named = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
    let named = named.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()));
    let Some(named) = named else { return "the standard's default".into() };
    match url::Url::parse(named.trim()) {
        Ok(url) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        }
        Err(_) => "no URL: see OTEL_EXPORTER_OTLP_ENDPOINT".into(),
    }
}

fn unusable(error: ExporterBuildError) -> String {
    format!("telemetry can't be exported as OTEL_EXPORTER_OTLP_* say: {error}")
}
