//! The gauges. They read what others have seen, so that whoever scrapes waits for nobody.

use std::sync::Arc;

use bus::QueueDepth;
use chrono::{DateTime, Utc};
use opentelemetry::KeyValue;
use opentelemetry::global;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use super::freshness::{self, Times};
use super::overdue;
use super::queues::Queues;
use crate::health::Health;
use crate::telemetry::labels::{label, stage};

/// What runs.
pub struct BuildInfo {
    /// The role.
    pub role: &'static str,
    /// What messages travel over.
    pub bus: &'static str,
    /// Where rows end.
    pub warehouse: &'static str,
}

/// Shows what is seen. The instruments live as long as the process.
pub(super) fn register(queues: &Arc<Queues>, health: Health, info: BuildInfo) {
    let meter = global::meter("millrace");
    of_queues(&meter, queues);
    of_sources(&meter);
    let ready = meter.u64_observable_gauge("millrace.ready");
    let ready =
        ready.with_description("Whether a part that the process needs can be used").with_callback(move |told| {
            for (component, finding) in health.known() {
                told.observe(u64::from(finding.ok), &[label("component", component)]);
            }
        });
    ready.build();
    let info = [
        label("version", env!("CARGO_PKG_VERSION")),
        label("role", info.role),
        label("bus", info.bus),
        label("warehouse", info.warehouse),
    ];
    let build = meter.u64_observable_gauge("millrace.build.info").with_description("What runs; always 1");
    build.with_callback(move |told| told.observe(1, &info)).build();
}

type ForQueue = fn(&QueueDepth, &dyn AsyncInstrument<u64>);

fn of_queues(meter: &Meter, queues: &Arc<Queues>) {
    let gauge = |name: &'static str, unit: &'static str, what: &'static str, observe: ForQueue| {
        let (queues, gauge) = (queues.clone(), meter.u64_observable_gauge(name).with_unit(unit).with_description(what));
        gauge.with_callback(move |told| queues.last().iter().for_each(|depth| observe(depth, told))).build();
    };
    gauge("millrace.queue.messages", "{message}", "Messages of a stage's queue, by state", |depth, told| {
        for (state, count) in
            [("ready", depth.ready), ("delayed", depth.delayed), ("in_hand", depth.in_hand), ("dead", depth.dead)]
        {
            told.observe(count, &[stage(depth.stage), label("state", state)]);
        }
    });
    gauge("millrace.queue.oldest", "s", "How long the oldest message has waited, at most", |depth, told| {
        some(depth.oldest_secs, told, &[stage(depth.stage)]);
    });
    gauge("millrace.queue.consumers", "{consumer}", "Consumers that take from a stage's queue", |depth, told| {
        some(depth.consumers, told, &[stage(depth.stage)]);
    });
    gauge("millrace.queue.paused", "", "Whether a stage is paused", |depth, told| {
        told.observe(u64::from(depth.paused), &[stage(depth.stage)]);
    });
}

fn some(value: Option<u64>, told: &dyn AsyncInstrument<u64>, labels: &[KeyValue]) {
    if let Some(value) = value {
        told.observe(value, labels);
    }
}

type ForSource = fn(&Times) -> Option<DateTime<Utc>>;

fn of_sources(meter: &Meter) {
    let gauge = |name: &'static str, what: &'static str, moment: ForSource| {
        let gauge = meter.f64_observable_gauge(name).with_unit("s").with_description(what);
        let observe = move |told: &dyn AsyncInstrument<f64>| {
            for (source, times) in freshness::all() {
                if let Some(at) = moment(&times) {
                    told.observe(unix_secs(at), &[label("source", source)]);
                }
            }
        };
        gauge.with_callback(observe).build();
    };
    gauge("millrace.source.as_of.timestamp", "How new the current data is, as Unix time", |times| times.as_of);
    gauge("millrace.source.loaded.timestamp", "When a load was last committed, as Unix time", |times| times.loaded_at);
    let overdue = meter.f64_observable_gauge("millrace.source.overdue").with_unit("s");
    let overdue = overdue.with_description("How long a delivery has been overdue; 0 while the source is in time");
    let observe = |told: &dyn AsyncInstrument<f64>| {
        for (source, secs) in overdue::secs(Utc::now()) {
            told.observe(secs, &[label("source", source)]);
        }
    };
    overdue.with_callback(observe).build();
}

fn unix_secs(at: DateTime<Utc>) -> f64 {
    // Milliseconds fit for 200,000 years.
    #[allow(clippy::cast_precision_loss)]
    let millis = at.timestamp_millis() as f64;
    millis / 1000.0
}
