//! The watcher: what lies in the raw folder becomes `source.file.discovered`, once per content.
//!
//! Two ways lead to a file: events of the file system, which are quick and can be missed, and the periodic
//! comparison of the folder with the audit, which is slow and misses nothing.
//!
//! What does not come when it is expected becomes `source.overdue`.

mod announce;
mod arrivals;
mod events;
mod known;
mod report;
mod watch;

pub use announce::announcement;
pub use watch::{Reconciled, Watcher, WatcherSettings};
