//! What the watcher tells, each thing in one place: the span or line, and the number.

use messages::{Envelope, Message, SourceOverdue};
use runtime::raw_folder::FoundFile;
use runtime::telemetry::{labels, metrics};
use tracing::Span;
use tracing::field::Empty;

/// A file was seen: the span that all the rest belongs to.
pub(crate) fn seen(file: &FoundFile) -> Span {
    tracing::info_span!(
        "file seen",
        millrace.load_id = Empty,
        millrace.file = file.uri,
        millrace.file_bytes = file.size_bytes,
    )
}

/// A file was announced.
pub(crate) fn announced(file: &FoundFile, envelope: &Envelope) {
    let source = match &envelope.message {
        Message::SourceFileDiscovered(found) => found.source.clone().unwrap_or_default(),
        _ => String::new(),
    };
    metrics().files.add(1, &[labels::label("source", source)]);
    tracing::info!(
        file = file.uri, bytes = file.size_bytes, load_id = %envelope.load_id(),
        trace_id = envelope.trace.trace_id(), "file found"
    );
}

/// A delivery did not come: the span that the event belongs to.
pub(crate) fn overdue(overdue: &SourceOverdue) -> Span {
    tracing::info_span!("source overdue", millrace.load_id = %overdue.load_id, millrace.source = overdue.source)
}

/// It was told.
pub(crate) fn told_overdue(overdue: &SourceOverdue) {
    metrics().missed.add(1, &[labels::label("source", overdue.source.clone())]);
    tracing::warn!(
        source = overdue.source, owner = overdue.owner, load_id = %overdue.load_id,
        expected_at = %overdue.expected_at.to_rfc3339(),
        newest_as_of = overdue.newest_as_of.map(|at| at.to_rfc3339()),
        "a delivery did not come: see whether its file lies in the raw folder, else ask whoever delivers"
    );
}
