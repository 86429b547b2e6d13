//! The way to the writer's thread. The bus, its consumers and its deliveries share one; the thread ends with the last.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use super::connect::connect;
use super::ended;
use super::job::{Answer, Needs, job};
use super::owner::Owner;
use super::siblings;
use super::turn::Turn;
use super::waiting::{Waiter, Waiting};
use super::writer::{Ask, Writer};
use crate::BusError;

/// How long the last handle waits for the thread to give back what was dropped, so that a process that ends in order
/// leaves nothing for others to find dead. Longer only if the file is locked, and then they do.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) struct Handle {
    /// The bus's file, absolute.
    pub(super) path: PathBuf,
    /// Names this process in dead letters.
    pub(super) worker: String,
    /// This opened bus's name in leases.
    pub(super) owner: String,
    asks: Sender<Ask>,
    thread: Option<ThreadId>,
    ended: Mutex<Receiver<()>>,
}

impl Handle {
    /// Opens the file and starts the thread. Blocks.
    pub(super) fn open(path: &Path, worker: &str) -> Result<Arc<Self>, BusError> {
        let mut connection = connect(path)?;
        let path = path
            .canonicalize()
            .map_err(|error| BusError::Unavailable(format!("{} went away: {error}", path.display())))?;
        let owner = Owner::register(&mut connection, &path, worker)?;
        let (asks, inbox) = mpsc::channel();
        let (ending, ended) = mpsc::channel();
        let id = owner.id.clone();
        siblings::join(&path, &id, asks.clone());
        let mut failed = None;
        let handle = Arc::new_cyclic(|weak| {
            let waiting = Waiting::new(weak.clone());
            let writer = Writer::new(connection, path.clone(), owner, inbox, waiting);
            let thread = std::thread::Builder::new().name("millrace-bus".into()).spawn(move || {
                writer.run();
                let _ = ending.send(());
            });
            let thread = thread.map_err(|error| failed = Some(error)).ok();
            Self {
                path,
                worker: worker.to_owned(),
                owner: id,
                asks,
                thread: thread.map(|thread| thread.thread().id()),
                ended: Mutex::new(ended),
            }
        });
        match failed {
            None => Ok(handle),
            Some(error) => {
                siblings::leave(&handle.owner);
                Err(BusError::Unavailable(format!("can't start the thread of the bus: {error}")))
            }
        }
    }

    /// Does `work` on the writer's thread, in a transaction that it may share. `Ok` comes after the commit. The work is
    /// done even if the caller stops waiting.
    pub(super) async fn call<F, T>(&self, needs: Needs, work: F) -> Result<T, BusError>
    where
        F: FnMut(&Turn<'_>) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(needs, work).await.unwrap_or_else(|_| Err(ended()))
    }

    /// Like [`call`](Self::call), for those who don't wait here.
    pub(super) fn submit<F, T>(&self, needs: Needs, work: F) -> Answer<T>
    where
        F: FnMut(&Turn<'_>) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (job, answer) = job(needs, work);
        self.ask(Ask::Do(job));
        answer
    }

    pub(super) fn wait(&self, waiter: Waiter) {
        self.ask(Ask::Wait(waiter));
    }

    /// If the thread has ended, whoever asked sees it by the answer that never comes.
    pub(super) fn ask(&self, ask: Ask) {
        let _ = self.asks.send(ask);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.ask(Ask::Stop);
        // The thread itself drops the last handle if a consumer went away while it was being served.
        if self.thread.is_some_and(|thread| thread != std::thread::current().id()) {
            let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
            let _ = ended.recv_timeout(GOODBYE);
        }
    }
}
