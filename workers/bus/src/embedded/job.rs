//! One caller's piece of work on the file, and the way back of its answer.

use std::path::Path;

use tokio::sync::oneshot;

use super::fault::explain;
use super::turn::Turn;
use crate::BusError;

/// How safe the work of a [`Job`] must be before it is answered. The strongest of those that share a transaction
/// decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needs {
    /// It changes nothing.
    Read,
    /// It survives the end of every process. If the machine itself loses power, the last of these may be undone, and
    /// their messages come again, which at-least-once allows. That saves waiting for the disk.
    Write,
    /// It survives a loss of power: the disk has confirmed it.
    Disk,
}

/// One caller's piece of work. It may be run twice: again on its own, if another one in its transaction failed.
pub(super) trait Job: Send {
    /// What it needs.
    fn needs(&self) -> Needs;
    /// Does the work.
    fn run(&mut self, turn: &Turn<'_>) -> rusqlite::Result<()>;
    /// Tells the caller, after the commit or instead of it.
    fn answer(self: Box<Self>, outcome: Result<(), &rusqlite::Error>, path: &Path);
}

/// The answer to a job.
pub(super) type Answer<T> = oneshot::Receiver<Result<T, BusError>>;

struct Call<F, T> {
    needs: Needs,
    work: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, BusError>>,
}

/// A job that does `work`, and where its answer will come.
pub(super) fn job<F, T>(needs: Needs, work: F) -> (Box<dyn Job>, Answer<T>)
where
    F: FnMut(&Turn<'_>) -> rusqlite::Result<T> + Send + 'static,
    T: Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Call { needs, work, result: None, reply }), answer)
}

impl<F, T> Job for Call<F, T>
where
    F: FnMut(&Turn<'_>) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn needs(&self) -> Needs {
        self.needs
    }

    fn run(&mut self, turn: &Turn<'_>) -> rusqlite::Result<()> {
        self.result = Some((self.work)(turn)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), &rusqlite::Error>, path: &Path) {
        let answer = match (outcome, self.result) {
            (Ok(()), Some(result)) => Ok(result),
            (Err(error), _) => Err(explain(error, path)),
            (Ok(()), None) => Err(super::ended()),
        };
        // A caller that has gone needs no answer.
        let _ = self.reply.send(answer);
    }
}
