//! From OTLP's messages to what tests look at.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric as Instrument, NumberDataPoint, ResourceMetrics};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as otlp, ResourceSpans};

use crate::metric::{Measured, Metric};
use crate::span::{Event, Kind, Link, Span, Status};

type Attributes = BTreeMap<String, String>;

pub fn spans(exported: Vec<ResourceSpans>) -> Vec<Span> {
    let mut spans = Vec::new();
    for group in exported {
        let resource = attributes(group.resource.map(|resource| resource.attributes).unwrap_or_default());
        for scoped in group.scope_spans {
            let scope = scoped.scope.map(|scope| scope.name).unwrap_or_default();
            spans.extend(scoped.spans.into_iter().map(|exported| span(exported, &resource, &scope)));
        }
    }
    spans
}

fn span(exported: otlp::Span, resource: &Attributes, scope: &str) -> Span {
    let kind = match exported.kind() {
        SpanKind::Unspecified => Kind::Unspecified,
        SpanKind::Internal => Kind::Internal,
        SpanKind::Server => Kind::Server,
        SpanKind::Client => Kind::Client,
        SpanKind::Producer => Kind::Producer,
        SpanKind::Consumer => Kind::Consumer,
    };
    let status = exported.status.unwrap_or_default();
    let status = match status.code() {
        StatusCode::Unset => Status::Unset,
        StatusCode::Ok => Status::Ok,
        StatusCode::Error => Status::Error(status.message),
    };
    let event = |event: otlp::span::Event| Event { name: event.name, attributes: attributes(event.attributes) };
    let link = |link: otlp::span::Link| Link {
        trace_id: hex(&link.trace_id),
        span_id: hex(&link.span_id),
        attributes: attributes(link.attributes),
    };
    Span {
        trace_id: hex(&exported.trace_id),
        span_id: hex(&exported.span_id),
        parent_span_id: Some(hex(&exported.parent_span_id)).filter(|id| !id.is_empty()),
        name: exported.name,
        kind,
        service: service(resource),
        resource: resource.clone(),
        scope: scope.to_owned(),
        attributes: attributes(exported.attributes),
        events: exported.events.into_iter().map(event).collect(),
        links: exported.links.into_iter().map(link).collect(),
        status,
        start_nanos: exported.start_time_unix_nano,
        end_nanos: exported.end_time_unix_nano,
    }
}

pub fn metrics(exported: Vec<ResourceMetrics>) -> Vec<Metric> {
    let mut metrics = Vec::new();
    for group in exported {
        let resource = attributes(group.resource.map(|resource| resource.attributes).unwrap_or_default());
        for scoped in group.scope_metrics {
            let scope = scoped.scope.map(|scope| scope.name).unwrap_or_default();
            for Instrument { name, unit, description, data, .. } in scoped.metrics {
                metrics.extend(points(data).into_iter().map(|(attributes, value)| Metric {
                    name: name.clone(),
                    unit: unit.clone(),
                    description: description.clone(),
                    service: service(&resource),
                    resource: resource.clone(),
                    scope: scope.clone(),
                    attributes,
                    value,
                }));
            }
        }
    }
    metrics
}

fn points(data: Option<Data>) -> Vec<(Attributes, Measured)> {
    let number = |point: NumberDataPoint, kind: fn(f64) -> Measured| {
        let value = match point.value {
            Some(Number::AsDouble(value)) => value,
            Some(Number::AsInt(value)) => value as f64,
            None => f64::NAN,
        };
        (attributes(point.attributes), kind(value))
    };
    let histogram = |own: Vec<KeyValue>, count: u64, sum: Option<f64>| {
        (attributes(own), Measured::Histogram { count, sum: sum.unwrap_or(f64::NAN) })
    };
    match data {
        Some(Data::Sum(sum)) => sum.data_points.into_iter().map(|point| number(point, Measured::Sum)).collect(),
        Some(Data::Gauge(gauge)) => gauge.data_points.into_iter().map(|point| number(point, Measured::Gauge)).collect(),
        Some(Data::Histogram(all)) => {
            all.data_points.into_iter().map(|point| histogram(point.attributes, point.count, point.sum)).collect()
        }
        Some(Data::ExponentialHistogram(all)) => {
            all.data_points.into_iter().map(|point| histogram(point.attributes, point.count, point.sum)).collect()
        }
        // Nobody makes summaries any more.
        Some(Data::Summary(_)) | None => Vec::new(),
    }
}

fn attributes(all: Vec<KeyValue>) -> Attributes {
    all.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    let list = |values: Vec<String>| format!("[{}]", values.join(", "));
    match value.and_then(|value| value.value) {
        None => String::new(),
        Some(Value::StringValue(value)) => value,
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        Some(Value::BytesValue(value)) => hex(&value),
        Some(Value::ArrayValue(array)) => list(array.values.into_iter().map(|value| text(Some(value))).collect()),
        Some(Value::KvlistValue(pairs)) => {
            list(pairs.values.into_iter().map(|pair| format!("{}={}", pair.key, text(pair.value))).collect())
        }
        // Only profiles have a table of strings.
        Some(Value::StringValueStrindex(index)) => format!("string {index}"),
    }
}

fn service(resource: &Attributes) -> String {
    resource.get("service.name").cloned().unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
