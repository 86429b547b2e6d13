//! What travels between the rooms of millrace: identifiers, commands, events, the envelope around
//! them, and the routing keys that carry them. No I/O happens here.
//!
//! Read this crate first: [`Message`] lists every arrow of the system.

mod command;
mod envelope;
mod event;
mod failure;
mod load_id;
mod message;
mod message_id;
mod outcome;
mod routing;
pub mod schema;
mod trace;

pub use command::{
    CancelRequested, Decision, DqCancelRequested, DqDryRunRequested, DqRequested, IngestCancelRequested,
    IngestDiscardRequested, IngestDryRunRequested, IngestReleaseRequested, IngestRequested, TransformCancelRequested,
    TransformDryRunRequested, TransformRequested,
};
pub use envelope::{DecodeError, Envelope, MAX_BODY_BYTES, SCHEMA_VERSION};
pub use event::{
    DqCompleted, DqDryRunCompleted, DqFailed, IngestCompleted, IngestDryRunCompleted, IngestFailed,
    SourceFileDiscovered, SourceOverdue, TransformCompleted, TransformDryRunCompleted, TransformFailed,
};
pub use failure::{Failure, FailureClass};
pub use load_id::{LoadId, LoadIdError, MAX_LOAD_ID_CHARS};
pub use message::Message;
pub use message_id::MessageId;
pub use outcome::{CheckOutcome, CheckStatus, FileFault, NodeOutcome, Severity, TableLoad, Verdict};
pub use routing::{COMMANDS_EXCHANGE, EVENTS_EXCHANGE, RoutingKey, Stage};
pub use trace::TraceContext;
