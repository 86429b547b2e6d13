//! One transaction of the writer's thread, and what its jobs have in common.

use std::cell::Cell;
use std::ops::Deref;

use messages::Stage;
use rusqlite::Connection;

use super::rate::{self, Passed};

/// A transaction in which jobs work. Reads and writes like its connection, and counts what goes through the queues, so
/// that the jobs that share it cost one write per stage and not one each.
pub(super) struct Turn<'a> {
    connection: &'a Connection,
    passed: [Cell<Passed>; Stage::ALL.len()],
}

impl<'a> Turn<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, passed: Default::default() }
    }

    pub(super) fn published(&self, stage: Stage) {
        self.count(stage, Passed { published: 1, acknowledged: 0 });
    }

    pub(super) fn acknowledged(&self, stage: Stage) {
        self.count(stage, Passed { published: 0, acknowledged: 1 });
    }

    fn count(&self, stage: Stage, more: Passed) {
        let at = Stage::ALL.iter().position(|known| *known == stage);
        if let Some(passed) = at.and_then(|at| self.passed.get(at)) {
            passed.set(passed.get() + more);
        }
    }

    /// Writes what was counted. To be called once, before the commit; without it nothing was counted.
    pub(super) fn finish(self) -> rusqlite::Result<()> {
        let passed = Stage::ALL.into_iter().zip(self.passed.iter().map(Cell::get));
        passed
            .filter(|(_, passed)| !passed.is_none())
            .try_for_each(|(stage, passed)| rate::add(self.connection, stage, passed))
    }
}

impl Deref for Turn<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}
