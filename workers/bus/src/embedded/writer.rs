//! The thread that owns the connection. Everything that touches the file goes through it, so the runtime is never
//! blocked, and what arrives while a transaction waits for the disk shares the next one.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::clock::now_millis;
use super::job::{Job, Needs};
use super::owner::Owner;
use super::queue::{self, Lease};
use super::siblings;
use super::turn::Turn;
use super::waiting::{Waiter, Waiting};

/// How often other processes' work is looked for while somebody waits. It is the longest that a message from another
/// process can lie unseen.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// How often dead processes are looked for.
const REAP_EVERY: Duration = Duration::from_millis(500);

/// Jobs that share one transaction at most, so that the first is not kept waiting for all.
const BATCH: usize = 256;

/// What the thread is asked to do.
pub(super) enum Ask {
    /// Do a job.
    Do(Box<dyn Job>),
    /// Hand out the next message, when there is one.
    Wait(Waiter),
    /// A delivery was dropped.
    GiveBack(Lease),
    /// Somebody else in this process changed the file.
    Look,
    /// The last handle is gone.
    Stop,
}

pub(super) struct Writer {
    connection: Connection,
    path: PathBuf,
    owner: Owner,
    asks: Receiver<Ask>,
    waiting: Waiting,
    /// Dropped deliveries that are still to be given back; more than one round if the file can't be written.
    returns: Vec<Lease>,
    durable: bool,
    data_version: i64,
    reap_at: Instant,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        path: PathBuf,
        owner: Owner,
        asks: Receiver<Ask>,
        waiting: Waiting,
    ) -> Self {
        Self {
            connection,
            path,
            owner,
            asks,
            waiting,
            returns: Vec::new(),
            durable: true,
            data_version: 0,
            reap_at: Instant::now() + REAP_EVERY,
        }
    }

    /// Works until it is asked to stop.
    pub(super) fn run(mut self) {
        let mut stop = false;
        while !stop {
            let mut jobs = Vec::new();
            let mut look = false;
            match self.asks.recv_timeout(self.pause()) {
                Ok(first) => {
                    look = true;
                    let more = std::iter::from_fn(|| self.asks.try_recv().ok()).take(BATCH);
                    for ask in std::iter::once(first).chain(more) {
                        match ask {
                            Ask::Do(job) => jobs.push(job),
                            Ask::Wait(waiter) => self.waiting.push(waiter),
                            Ask::GiveBack(lease) => self.returns.push(lease),
                            Ask::Look => {}
                            Ask::Stop => stop = true,
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stop = true,
            }
            look |= self.give_back();
            self.perform(jobs);
            look |= self.reap();
            look |= self.waiting.is_due(now_millis()) || self.others_wrote();
            if look {
                self.hand_out();
            }
        }
        self.leave();
    }

    fn pause(&self) -> Duration {
        let reap = self.reap_at.saturating_duration_since(Instant::now());
        if self.waiting.is_empty() && self.returns.is_empty() {
            return reap;
        }
        reap.min(LOOK_EVERY).min(self.waiting.due_in(now_millis()))
    }

    /// Does `jobs` in one transaction and answers them. If one fails, each is done on its own, so that one that can't
    /// be done spoils no other.
    fn perform(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        match self.attempt(&mut jobs) {
            Ok(()) => jobs.into_iter().for_each(|job| job.answer(Ok(()), &self.path)),
            // Each on its own would only wait as long again.
            Err(error) if jobs.len() == 1 || is_busy(&error) => {
                jobs.into_iter().for_each(|job| job.answer(Err(&error), &self.path));
            }
            Err(_) => jobs.into_iter().for_each(|job| self.perform(vec![job])),
        }
    }

    fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        match jobs.iter().map(|job| job.needs()).max() {
            None | Some(Needs::Read) => {
                let snapshot = self.connection.transaction()?;
                let turn = Turn::new(&snapshot);
                jobs.iter_mut().try_for_each(|job| job.run(&turn))?;
                snapshot.commit()
            }
            Some(needs) => {
                self.write(needs, |turn| jobs.iter_mut().try_for_each(|job| job.run(turn)))?;
                siblings::wake(&self.path, &self.owner.id);
                Ok(())
            }
        }
    }

    /// Runs `work` in one transaction as safe as `needs`.
    fn write<T>(&mut self, needs: Needs, work: impl FnOnce(&Turn<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let durable = needs == Needs::Disk;
        if durable != self.durable {
            // NORMAL: the log is not flushed at each commit. The next FULL one flushes what came before it too.
            let level = if durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            self.connection.execute_batch(level)?;
            self.durable = durable;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let turn = Turn::new(&transaction);
        let result = work(&turn)?;
        turn.finish()?;
        transaction.commit()?;
        Ok(result)
    }

    /// Tells whether anything was given back. What could not be is tried again at the next look.
    fn give_back(&mut self) -> bool {
        let returns = std::mem::take(&mut self.returns);
        if returns.is_empty() {
            return false;
        }
        let owner = self.owner.id.clone();
        let given = self.write(Needs::Write, |connection| {
            returns.iter().try_for_each(|lease| queue::give_back(connection, &owner, *lease).map(drop))
        });
        if let Err(error) = given {
            tracing::warn!(%error, "dropped deliveries can't be given back yet");
            self.returns = returns;
            return false;
        }
        siblings::wake(&self.path, &self.owner.id);
        true
    }

    fn reap(&mut self) -> bool {
        if Instant::now() < self.reap_at {
            return false;
        }
        self.reap_at = Instant::now() + REAP_EVERY;
        match self.owner.reap(&mut self.connection) {
            Ok(any) => any,
            Err(error) => {
                tracing::warn!(%error, "can't look for dead workers now");
                false
            }
        }
    }

    /// Whether another connection has changed the file since the last look. Costs a few microseconds.
    fn others_wrote(&mut self) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        // An error shows itself to whoever waits, in hand_out.
        let changed = version.as_ref().map_or(true, |version| *version != self.data_version);
        self.data_version = version.unwrap_or_default();
        changed
    }

    /// Hands out until nothing is there or nobody waits.
    fn hand_out(&mut self) {
        self.waiting.forget_gone();
        while !self.waiting.is_empty() {
            match self.hand_out_once() {
                Ok(true) => {}
                Ok(false) => return self.waiting.dismiss_impatient(),
                Err(error) => self.waiting.fail(&error, &self.path),
            }
        }
    }

    fn hand_out_once(&mut self) -> rusqlite::Result<bool> {
        if !self.waiting.anything(&self.connection)? {
            return Ok(false);
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let owner = self.owner.id.clone();
        let taken = self.write(Needs::Write, |connection| waiting.take(connection, &owner));
        let taken = taken.map(|taken| waiting.hand_out(taken));
        self.waiting = waiting;
        taken.map(|()| true)
    }

    fn leave(mut self) {
        siblings::leave(&self.owner.id);
        if let Err(error) = self.owner.leave(&mut self.connection) {
            // Whoever opens the file next finds the lock free and does it.
            tracing::debug!(%error, "can't say goodbye to the bus");
        }
        siblings::wake(&self.path, "");
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}
