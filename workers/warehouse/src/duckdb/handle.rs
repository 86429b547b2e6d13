//! The thread that owns the connection.
//!
//! Jobs come through one channel and are done in turn. The file is opened for the first of them, and given up when
//! none has come for a while, when the warehouse is lent, and now and then under steady work, so that a second
//! process gets its turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::session::{Opening, Session};
use crate::{Lent, WarehouseError};

/// Steady work gives the file up after this long …
const TURN: Duration = Duration::from_secs(1);
/// … and for this long. Longer than [`super::session::LOCK_POLL`], so that one who waits finds it free.
const PAUSE: Duration = Duration::from_millis(30);

type Work = Box<dyn FnOnce(&mut Keeper) + Send>;

enum Job {
    Work(Work),
    Lend(oneshot::Sender<Result<Lent, WarehouseError>>),
    Close(oneshot::Sender<()>),
}

/// What the callers hold. When the last one is dropped the thread finishes its jobs, closes the file and ends.
pub(super) struct Handle {
    jobs: Sender<Job>,
}

impl Handle {
    /// The handle, and the thread behind it: once that has ended, the file is closed.
    pub(super) fn start(opening: Opening) -> Result<(Self, JoinHandle<()>), WarehouseError> {
        let (jobs, inbox) = mpsc::channel();
        let keeper = Keeper { opening, session: None, busy_since: Instant::now() };
        let thread = std::thread::Builder::new()
            .name("duckdb".into())
            .spawn(move || keeper.serve(&inbox))
            .map_err(|why| WarehouseError::Unavailable(format!("the thread for DuckDB could not be started: {why}")))?;
        Ok((Self { jobs }, thread))
    }

    /// Does `work` with the file open. A caller that goes away does not stop it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> Result<T, WarehouseError> + Send + 'static,
    ) -> Result<T, WarehouseError> {
        let (answer, answered) = oneshot::channel();
        let span = tracing::Span::current();
        self.send(Job::Work(Box::new(move |keeper| {
            let done = span.in_scope(|| keeper.work(work));
            // Ended before the answer, so that it is told before whatever follows.
            drop(span);
            // Nobody listens any more if the caller was cancelled; the work is done all the same.
            let _ = answer.send(done);
        })))?;
        answered.await.map_err(|_| stopped())?
    }

    /// Waits for the jobs before it, gives the file up, and holds the jobs behind it until the answer is dropped.
    pub(super) async fn lend(&self) -> Result<Lent, WarehouseError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Lend(answer))?;
        answered.await.map_err(|_| stopped())?
    }

    /// Finishes the jobs before it and gives the file up.
    pub(super) async fn close(&self) {
        let (answer, answered) = oneshot::channel();
        if self.send(Job::Close(answer)).is_ok() {
            let _ = answered.await;
        }
    }

    fn send(&self, job: Job) -> Result<(), WarehouseError> {
        self.jobs.send(job).map_err(|_| stopped())
    }
}

fn stopped() -> WarehouseError {
    WarehouseError::Unavailable("the thread for DuckDB has stopped; start the process again".into())
}

/// The thread's own: the file, when it is open.
struct Keeper {
    opening: Opening,
    session: Option<Session>,
    /// Since when no other process had a chance to get the file.
    busy_since: Instant,
}

impl Keeper {
    fn serve(mut self, inbox: &Receiver<Job>) {
        loop {
            let waiting = Instant::now();
            let was_free = self.session.is_none();
            let job = match &self.session {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => inbox.recv_timeout(self.opening.idle_close()),
            };
            if was_free && waiting.elapsed() > PAUSE {
                self.busy_since = Instant::now();
            }
            match job {
                Ok(Job::Work(work)) => {
                    work(&mut self);
                    self.pause_after_turn();
                }
                Ok(Job::Lend(answer)) => {
                    // No other process of ours gets in between.
                    let lease = match self.session.take() {
                        Some(session) => Ok(session.close()),
                        None => self.opening.lease(),
                    };
                    let (guard, dropped) = mpsc::channel::<()>();
                    // If the caller has gone, the guard is dropped right here and nobody waits.
                    let _ = answer.send(lease.as_ref().map(|_| Lent::new(guard)).map_err(Clone::clone));
                    let _ = dropped.recv();
                    drop(lease);
                    self.pause_after_turn();
                }
                Ok(Job::Close(answer)) => {
                    self.give_up();
                    let _ = answer.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.give_up(),
                Err(RecvTimeoutError::Disconnected) => return self.give_up(),
            }
        }
    }

    fn work<T>(&mut self, work: impl FnOnce(&Session) -> Result<T, WarehouseError>) -> Result<T, WarehouseError> {
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(self.opening.open()?),
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| work(session))).unwrap_or_else(|_| {
            session.broken();
            Err(WarehouseError::Statement("the work on the warehouse broke off; this is a fault of millrace".into()))
        });
        // What could not be reached may be reached through a new handle; a broken one never mends.
        if session.is_broken() || matches!(outcome, Err(WarehouseError::Unavailable(_))) {
            self.give_up();
        }
        outcome
    }

    fn pause_after_turn(&mut self) {
        if self.busy_since.elapsed() > TURN {
            self.give_up();
            std::thread::sleep(PAUSE);
            self.busy_since = Instant::now();
        }
    }

    fn give_up(&mut self) {
        if let Some(session) = self.session.take() {
            drop(session.close());
        }
    }
}
