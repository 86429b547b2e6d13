//! Any message of any type.

use chrono::{DateTime, Utc};
use millrace_messages::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_]{0,12}", any::<String>()]
}

fn load_id() -> impl Strategy<Value = LoadId> {
    any::<String>().prop_map(|text| LoadId::new(text).unwrap_or("a::b".parse().unwrap()))
}

/// Any moment that RFC 3339 can write: the years 1 to 9999.
fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (-62_135_596_800_i64..253_402_300_800, 0_u32..1_000_000_000)
        .prop_map(|(secs, nanos)| DateTime::from_timestamp(secs, nanos).unwrap())
}

fn id() -> impl Strategy<Value = MessageId> {
    (time(), any::<String>()).prop_map(|(at, what)| MessageId::derived(at, &what))
}

fn failure() -> impl Strategy<Value = Failure> {
    let class = select(FailureClass::ALL.to_vec());
    (class, text()).prop_map(|(class, message)| Failure { class, message })
}

fn table() -> impl Strategy<Value = TableLoad> {
    (text(), text(), any::<u32>(), any::<[u64; 3]>()).prop_map(|(source, table, files, numbers)| {
        let [rows_loaded, rows_rejected, bytes] = numbers;
        TableLoad { source, table, files, rows_loaded, rows_rejected, bytes }
    })
}

fn node() -> impl Strategy<Value = NodeOutcome> {
    // Milliseconds: what dbt tells, and short enough to be read as it was written.
    (text(), text(), text(), any::<u32>(), option::of(text())).prop_map(
        |(unique_id, resource_type, status, millis, message)| {
            let elapsed_secs = f64::from(millis) / 1_000.0;
            NodeOutcome { unique_id, resource_type, status, elapsed_secs, message }
        },
    )
}

fn check() -> impl Strategy<Value = CheckOutcome> {
    let severity = select(vec![Severity::Warn, Severity::Error]);
    let status = select(vec![CheckStatus::Pass, CheckStatus::Warn, CheckStatus::Fail, CheckStatus::Error]);
    let texts = (text(), text(), text(), text());
    // Whole numbers and halves: read as they were written.
    let value = option::of(any::<i32>().prop_map(|halves| f64::from(halves) / 2.0));
    (texts, severity, status, option::of(any::<u64>()), text(), value).prop_map(
        |((check, table, observed, expected), severity, status, failed_rows, kind, value)| CheckOutcome {
            check,
            table,
            severity,
            status,
            observed,
            expected,
            failed_rows,
            kind,
            value,
        },
    )
}

fn verdict() -> impl Strategy<Value = Verdict> {
    select(vec![Verdict::Passed, Verdict::Warned, Verdict::Failed])
}

fn discovered() -> impl Strategy<Value = SourceFileDiscovered> {
    let names = (option::of(text()), text(), option::of(text()));
    (load_id(), names, any::<u64>(), (time(), time()), id(), any::<(u32, u32)>()).prop_map(
        |(load_id, (source, uri, file_id), size_bytes, (modified_at, as_of), command_id, files)| {
            let (run_files, table_files) = files;
            SourceFileDiscovered {
                load_id,
                source,
                uri,
                file_id,
                size_bytes,
                modified_at,
                as_of,
                command_id,
                run_files,
                table_files,
            }
        },
    )
}

fn cancel() -> impl Strategy<Value = CancelRequested> {
    (load_id(), id(), option::of(text())).prop_map(|(load_id, command_id, reason)| CancelRequested {
        load_id,
        command_id,
        reason,
    })
}

fn ingest() -> impl Strategy<Value = IngestRequested> {
    (load_id(), vec(text(), 0..3), vec(text(), 0..3), option::of(time()))
        .prop_map(|(load_id, sources, files, as_of)| IngestRequested { load_id, sources, files, as_of })
}

fn transform() -> impl Strategy<Value = TransformRequested> {
    (load_id(), vec(text(), 0..3), any::<bool>()).prop_map(|(load_id, sources, full_refresh)| TransformRequested {
        load_id,
        sources,
        full_refresh,
    })
}

fn dq() -> impl Strategy<Value = DqRequested> {
    (load_id(), vec(text(), 0..3)).prop_map(|(load_id, sources)| DqRequested { load_id, sources })
}

/// Any message.
pub fn message() -> impl Strategy<Value = Message> {
    prop_oneof![way(), beside()]
}

/// What takes back, and what only tells what would be.
fn beside() -> impl Strategy<Value = Message> {
    let nodes = || vec(node(), 0..3);
    let faults = || vec((text(), failure()).prop_map(|(uri, failure)| FileFault { uri, failure }), 0..3);
    let would_fail = || option::of(failure());
    prop_oneof![
        cancel().prop_map(|cancel| IngestCancelRequested(cancel).into()),
        cancel().prop_map(|cancel| TransformCancelRequested(cancel).into()),
        cancel().prop_map(|cancel| DqCancelRequested(cancel).into()),
        ingest().prop_map(|command| IngestDryRunRequested(command).into()),
        (load_id(), time(), vec(table(), 0..3), faults(), vec(text(), 0..3), would_fail()).prop_map(
            |(load_id, as_of, tables, faults, gates_not_asked, failure)| {
                IngestDryRunCompleted { load_id, as_of, tables, faults, gates_not_asked, failure }.into()
            }
        ),
        transform().prop_map(|command| TransformDryRunRequested(command).into()),
        (load_id(), vec(text(), 0..3), nodes(), would_fail()).prop_map(|(load_id, sources, nodes, failure)| {
            TransformDryRunCompleted { load_id, sources, nodes, failure }.into()
        }),
        dq().prop_map(|command| DqDryRunRequested(command).into()),
        (load_id(), option::of(verdict()), vec(check(), 0..3), would_fail()).prop_map(
            |(load_id, verdict, checks, failure)| DqDryRunCompleted { load_id, verdict, checks, failure }.into()
        ),
    ]
}

fn way() -> impl Strategy<Value = Message> {
    let texts = || vec(text(), 0..3);
    let nodes = || vec(node(), 0..3);
    let checks = || vec(check(), 0..3);
    prop_oneof![
        ingest().prop_map(Message::from),
        discovered().prop_map(Message::from),
        (load_id(), time(), vec(table(), 0..3))
            .prop_map(|(load_id, as_of, tables)| { IngestCompleted { load_id, as_of, tables }.into() }),
        (load_id(), vec(table(), 0..3), option::of(text()), failure())
            .prop_map(|(load_id, tables, uri, failure)| { IngestFailed { load_id, tables, uri, failure }.into() }),
        transform().prop_map(Message::from),
        (load_id(), texts(), nodes(), text()).prop_map(|(load_id, sources, nodes, invocation_id)| {
            TransformCompleted { load_id, sources, nodes, invocation_id }.into()
        }),
        (load_id(), texts(), nodes(), failure()).prop_map(|(load_id, sources, nodes, failure)| {
            TransformFailed { load_id, sources, nodes, failure }.into()
        }),
        dq().prop_map(Message::from),
        (load_id(), verdict(), checks())
            .prop_map(|(load_id, verdict, checks)| { DqCompleted { load_id, verdict, checks }.into() }),
        (load_id(), verdict(), checks(), failure())
            .prop_map(|(load_id, verdict, checks, failure)| { DqFailed { load_id, verdict, checks, failure }.into() }),
    ]
}

/// Any message in any envelope.
pub fn envelope() -> impl Strategy<Value = Envelope> {
    let around = (text(), option::of(text()), option::of(id()));
    (id(), (time(), time()), around, any::<(u128, u64)>(), message()).prop_map(
        |(id, (time, origin_time), (source, tracestate, correlation_id), (trace, span), message)| {
            let trace = format!("00-{:032x}-{:016x}-01", trace.max(1), span.max(1));
            let trace = TraceContext::parse(&trace).unwrap();
            Envelope { id, source, time, origin_time, trace, tracestate, correlation_id, message }
        },
    )
}
