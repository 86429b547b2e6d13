//! One message of each type, for the documentation and for tests: the way of one file through the mill.

use chrono::{DateTime, Utc};

use crate::{
    CancelRequested, CheckOutcome, CheckStatus, Decision, DqCancelRequested, DqCompleted, DqDryRunCompleted,
    DqDryRunRequested, DqFailed, DqRequested, Envelope, Failure, FileFault, IngestCancelRequested, IngestCompleted,
    IngestDiscardRequested, IngestDryRunCompleted, IngestDryRunRequested, IngestFailed, IngestReleaseRequested,
    IngestRequested, LoadId, Message, MessageId, NodeOutcome, Severity, SourceFileDiscovered, SourceOverdue, TableLoad,
    TraceContext, TransformCancelRequested, TransformCompleted, TransformDryRunCompleted, TransformDryRunRequested,
    TransformFailed, TransformRequested, Verdict,
};

/// An example of each type, the same on each call.
pub fn examples() -> Vec<Envelope> {
    way().into_iter().chain(cancels()).chain(decisions()).chain(dry_runs()).map(envelope).collect()
}

fn envelope(message: Message) -> Envelope {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let source = match message.type_name().split('.').next() {
        _ if message.is_command() => "airflow",
        Some("source") => "millrace/watcher",
        Some("ingest") => "millrace/ingest",
        Some("transform") => "millrace/transform",
        _ => "millrace/dq",
    };
    Envelope {
        id: MessageId::derived(noon(), message.type_name()),
        source: source.into(),
        time: noon(),
        origin_time: noon(),
        trace: TraceContext::parse(trace).unwrap_or_else(TraceContext::root),
        tracestate: None,
        correlation_id: (!message.is_command()).then(asked),
        message,
    }
}

/// From a file to its verdict, and where that may break off.
fn way() -> Vec<Message> {
    let sources = vec!["batches".to_owned()];
    vec![
        IngestRequested { load_id: load_id(), sources: sources.clone(), files: vec![], as_of: Some(noon()) }.into(),
        discovered().into(),
        IngestCompleted { load_id: load_id(), as_of: noon(), tables: vec![table()] }.into(),
        IngestFailed {
            load_id: load_id(),
            tables: vec![],
            uri: Some("source_system/batches.csv".into()),
            failure: Failure::permanent("batches.csv has no column batch_id: add it, or change the contract"),
        }
        .into(),
        TransformRequested { load_id: load_id(), sources: sources.clone(), full_refresh: false }.into(),
        TransformCompleted {
            load_id: load_id(),
            sources: sources.clone(),
            nodes: vec![node("success", None)],
            invocation_id: "5a3c1f0e-7c55-4a5e-9f4c-0d7d6f1b2a90".into(),
        }
        .into(),
        TransformFailed {
            load_id: load_id(),
            sources: sources.clone(),
            nodes: vec![node("error", Some("column started_at is no timestamp"))],
            failure: Failure::permanent("1 of 31 nodes failed: stg_batches"),
        }
        .into(),
        DqRequested { load_id: load_id(), sources }.into(),
        DqCompleted {
            load_id: load_id(),
            verdict: Verdict::Passed,
            checks: vec![check(CheckStatus::Pass, "0", Some(0))],
        }
        .into(),
        DqFailed {
            load_id: load_id(),
            verdict: Verdict::Failed,
            checks: vec![check(CheckStatus::Fail, "3", Some(3))],
            failure: Failure::permanent("1 of 9 checks failed: batch_id_unique"),
        }
        .into(),
    ]
}

/// A load that is held back, and a source that does not deliver.
fn decisions() -> Vec<Message> {
    let decision = || Decision {
        load_id: load_id(),
        decided_by: "jane".into(),
        reason: "the plant confirms that the line stood still".into(),
    };
    vec![
        IngestReleaseRequested(decision()).into(),
        IngestDiscardRequested(decision()).into(),
        SourceOverdue {
            load_id: LoadId::overdue("batches", noon()),
            source: "batches".into(),
            expected_at: noon(),
            newest_as_of: Some(noon() - chrono::TimeDelta::hours(30)),
            owner: "manufacturing execution".into(),
        }
        .into(),
    ]
}

fn cancels() -> Vec<Message> {
    let cancel = || CancelRequested {
        load_id: load_id(),
        command_id: asked(),
        reason: Some("the task was marked as failed".into()),
    };
    vec![
        IngestCancelRequested(cancel()).into(),
        TransformCancelRequested(cancel()).into(),
        DqCancelRequested(cancel()).into(),
    ]
}

fn dry_runs() -> Vec<Message> {
    let sources = vec!["batches".to_owned()];
    let ingest = IngestRequested { load_id: load_id(), sources: sources.clone(), files: vec![], as_of: Some(noon()) };
    let transform = TransformRequested { load_id: load_id(), sources: sources.clone(), full_refresh: false };
    vec![
        IngestDryRunRequested(ingest).into(),
        IngestDryRunCompleted {
            load_id: load_id(),
            as_of: noon(),
            tables: vec![table()],
            faults: vec![FileFault {
                uri: "source_system/batches_2.csv".into(),
                failure: Failure::permanent("row 7 has 11 fields instead of 12"),
            }],
            gates_not_asked: vec!["BATCHES.row_count".into()],
            failure: Some(Failure::permanent("1 of 2 files would not be loaded: source_system/batches_2.csv")),
        }
        .into(),
        TransformDryRunRequested(transform).into(),
        TransformDryRunCompleted {
            load_id: load_id(),
            sources: sources.clone(),
            nodes: vec![node("selected", None)],
            failure: None,
        }
        .into(),
        DqDryRunRequested(DqRequested { load_id: load_id(), sources }).into(),
        DqDryRunCompleted {
            load_id: load_id(),
            verdict: Some(Verdict::Passed),
            checks: vec![check(CheckStatus::Pass, "0", Some(0))],
            failure: None,
        }
        .into(),
    ]
}

/// A moment that never changes.
fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_435_200, 0).unwrap_or_default()
}

fn asked() -> MessageId {
    MessageId::derived(noon(), "ingest.requested")
}

fn load_id() -> LoadId {
    LoadId::for_file("source_system/batches.csv", 4_096, noon(), CONTENT_HASH)
}

const CONTENT_HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn discovered() -> SourceFileDiscovered {
    SourceFileDiscovered {
        load_id: load_id(),
        source: Some("batches".into()),
        uri: "source_system/batches.csv".into(),
        file_id: Some(format!("sha256:{CONTENT_HASH}")),
        size_bytes: 4_096,
        modified_at: noon(),
        as_of: noon(),
        command_id: asked(),
        run_files: 1,
        table_files: 1,
    }
}

fn table() -> TableLoad {
    TableLoad {
        source: "batches".into(),
        table: "BATCHES".into(),
        files: 1,
        rows_loaded: 5_000,
        rows_rejected: 2,
        bytes: 4_096,
    }
}

fn node(status: &str, message: Option<&str>) -> NodeOutcome {
    NodeOutcome {
        unique_id: "model.millrace.stg_batches".into(),
        resource_type: "model".into(),
        status: status.into(),
        elapsed_secs: 0.25,
        message: message.map(Into::into),
    }
}

fn check(status: CheckStatus, observed: &str, failed_rows: Option<u64>) -> CheckOutcome {
    CheckOutcome {
        check: "batch_id_unique".into(),
        table: "RAW.BATCHES".into(),
        severity: Severity::Error,
        status,
        observed: observed.into(),
        expected: "0".into(),
        failed_rows,
        kind: "unique".into(),
        value: failed_rows.map(|rows| rows as f64),
    }
}
