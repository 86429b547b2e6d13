//! The instruments. Their names, units and labels are listed in `deploy/otel/README.md`, and dashboards and alert rules
//! stand on them.

use std::sync::LazyLock;

use opentelemetry::global;
use opentelemetry::metrics::{Counter, Histogram, Meter};

/// Seconds, from a small statement to an hour's build.
const SECONDS: [f64; 15] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

/// What is counted and timed as it happens. What is looked at now and then (queues, freshness) is in [`crate::pulse`].
pub struct Metrics {
    /// Files that the watcher announced, by source.
    pub files: Counter<u64>,
    /// Deliveries that were expected and did not come, by source.
    pub missed: Counter<u64>,
    /// Files that ended their ingest, by source, table and status.
    pub loads: Counter<u64>,
    /// Rows, by source, table and outcome.
    pub rows: Counter<u64>,
    /// Bytes of loaded files, by source and table.
    pub bytes: Counter<u64>,
    /// Time of one file's load, by source, table and status.
    pub load_duration: Histogram<f64>,
    /// From the file seen, or the command given, to the verdict.
    pub verdict_latency: Histogram<f64>,
    /// Verdicts, by verdict.
    pub verdicts: Counter<u64>,
    /// Results of checks, by table, check, severity and status.
    pub checks: Counter<u64>,
    /// Time that a stage had a message in hand, by stage and outcome.
    pub stage_duration: Histogram<f64>,
    /// Time from a message's making to its first delivery, by stage.
    pub stage_wait: Histogram<f64>,
    /// Messages that are tried again later, by stage.
    pub retries: Counter<u64>,
    /// Messages given up, by stage and class of failure.
    pub dead_letters: Counter<u64>,
    /// Messages that were not done because their command was taken back, by stage.
    pub cancelled: Counter<u64>,
    /// Time of a build, by mode and outcome.
    pub build_duration: Histogram<f64>,
    /// Time of a dbt node, by node, type and status.
    pub node_duration: Histogram<f64>,
    /// dbt nodes, by type and status.
    pub nodes: Counter<u64>,
    /// Time of a call of the warehouse, by the conventions for databases.
    pub warehouse_duration: Histogram<f64>,
    /// Time of a call of the bus, by the conventions for messaging.
    pub bus_duration: Histogram<f64>,
    /// Spans, by whether the collector took them.
    pub spans: Counter<u64>,
    /// Lineage events, by outcome.
    pub lineage: Counter<u64>,
}

/// The instruments of this process. Before [`crate::Telemetry::start`] they measure nothing, and stay so.
pub fn metrics() -> &'static Metrics {
    static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics::new(&global::meter("millrace")));
    &METRICS
}

impl Metrics {
    fn new(meter: &Meter) -> Self {
        let counter = |name: &'static str, unit: &'static str, what: &'static str| {
            meter.u64_counter(name).with_unit(unit).with_description(what).build()
        };
        let seconds = |name: &'static str, what: &'static str| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(what);
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        Self {
            files: counter("millrace.files", "{file}", "Files that the watcher announced"),
            missed: counter(
                "millrace.source.missed",
                "{delivery}",
                "Deliveries that did not come when they were expected",
            ),
            loads: counter("millrace.loads", "{load}", "Files that ended their ingest"),
            rows: counter("millrace.load.rows", "{row}", "Rows of files, loaded or set aside"),
            bytes: counter("millrace.load.size", "By", "Bytes of loaded files"),
            load_duration: seconds("millrace.load.duration", "Time of one file's ingest"),
            verdict_latency: seconds(
                "millrace.verdict.latency",
                "From the file seen or the command given to the verdict",
            ),
            verdicts: counter("millrace.verdicts", "{verdict}", "Verdicts over loads"),
            checks: counter("millrace.checks", "{check}", "Results of data-quality checks"),
            stage_duration: seconds("millrace.stage.duration", "Time that a stage had a message in hand"),
            stage_wait: seconds("millrace.stage.wait", "From a message's making to its first delivery"),
            retries: counter("millrace.retries", "{message}", "Messages that failed and are tried again later"),
            dead_letters: counter("millrace.dead_letters", "{message}", "Messages that were given up"),
            cancelled: counter("millrace.cancelled", "{message}", "Messages whose command was taken back"),
            build_duration: seconds("millrace.dbt.build.duration", "Time of a dbt build"),
            node_duration: seconds("millrace.dbt.node.duration", "Time of a dbt node"),
            nodes: counter("millrace.dbt.nodes", "{node}", "dbt nodes that were built, tested or skipped"),
            warehouse_duration: seconds("db.client.operation.duration", "Time of a call of the warehouse"),
            bus_duration: seconds("messaging.client.operation.duration", "Time of a call of the bus"),
            spans: counter("millrace.telemetry.spans", "{span}", "Spans, by whether the collector took them"),
            lineage: counter("millrace.lineage.events", "{event}", "Lineage events, by what became of them"),
        }
    }
}

/// The labels of the instruments.
pub mod labels {
    use messages::{FailureClass, Stage};
    use opentelemetry::KeyValue;

    /// Any label.
    pub fn label(name: &'static str, value: impl Into<opentelemetry::Value>) -> KeyValue {
        KeyValue::new(name, value)
    }

    /// `stage`: ingest, transform or dq.
    pub fn stage(stage: Stage) -> KeyValue {
        label("stage", stage.as_str())
    }

    /// `outcome`.
    pub fn outcome(outcome: &'static str) -> KeyValue {
        label("outcome", outcome)
    }

    /// `class` of a failure: transient, permanent or fatal.
    pub fn class(class: FailureClass) -> KeyValue {
        label("class", class.as_str())
    }

    /// `source` and `table`; empty where no contract matches the file.
    pub fn table(source: &str, table: &str) -> [KeyValue; 2] {
        [label("source", source.to_owned()), label("table", table.to_owned())]
    }
}
