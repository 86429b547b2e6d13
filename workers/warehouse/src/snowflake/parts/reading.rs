//! The thread that reads a source and writes CSV.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use messages::Failure;
use tokio::sync::oneshot;
use tracing::Span;

use super::csv::Columns;
use super::{Budget, CHUNK_BYTES, WAITING_CHUNKS};
use crate::{FileFacts, RowSource, WarehouseError};

/// Some whole rows, as CSV.
pub(in super::super) struct Chunk {
    pub(super) csv: Vec<u8>,
    pub(super) rows: u64,
}

/// What became of reading. `None`: it was stopped.
type End = Result<Option<FileFacts>, Failure>;

/// A source being read.
pub(in super::super) struct Reading {
    chunks: Receiver<Chunk>,
    enough: oneshot::Receiver<()>,
    end: oneshot::Receiver<End>,
}

impl Reading {
    /// Starts to read. It stops soon after `budget` is closed.
    pub(in super::super) fn start(
        rows: Box<dyn RowSource>,
        columns: usize,
        budget: Budget,
    ) -> Result<Self, WarehouseError> {
        let (sender, chunks) = bounded(WAITING_CHUNKS);
        let (flowing, enough) = oneshot::channel();
        let (ended, end) = oneshot::channel();
        let span = Span::current();
        let read = move || {
            let _in = span.enter();
            let mut chunks = Chunks { columns, sender, flowing: Some(flowing), budget };
            let read = catch_unwind(AssertUnwindSafe(|| chunks.read(rows)));
            // Told before the channels close: whoever finds them closed must find the reason.
            let _ = ended.send(read.unwrap_or_else(|_| Err(fault())));
            drop(chunks);
        };
        thread("read-rows", read)?;
        Ok(Self { chunks, enough, end })
    }

    /// Waits until there is more than a small file has, or until all is read. True: all is read.
    pub(in super::super) async fn all_read(&mut self) -> bool {
        (&mut self.enough).await.is_err()
    }

    /// Whether no row waits.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Where a compressing thread takes the rows from.
    pub(in super::super) fn chunks(&self) -> Receiver<Chunk> {
        self.chunks.clone()
    }

    /// Waits for the reader's end, which comes soon: nobody takes its rows any more.
    pub(in super::super) async fn finish(self) -> Result<Option<FileFacts>, WarehouseError> {
        drop(self.chunks);
        self.end.await.unwrap_or_else(|_| Err(fault())).map_err(WarehouseError::Source)
    }
}

struct Chunks {
    columns: usize,
    sender: Sender<Chunk>,
    flowing: Option<oneshot::Sender<()>>,
    budget: Budget,
}

impl Chunks {
    fn read(&mut self, mut rows: Box<dyn RowSource>) -> End {
        let mut chunk = Chunk { csv: Vec::new(), rows: 0 };
        while let Some(batch) = rows.next_batch()? {
            let columns = Columns::of(&batch, self.columns)?;
            for row in 0..batch.num_rows() {
                columns.write(row, &mut chunk.csv);
                chunk.rows += 1;
                if chunk.csv.len() >= CHUNK_BYTES {
                    let next = Chunk { csv: Vec::with_capacity(CHUNK_BYTES + (CHUNK_BYTES >> 3)), rows: 0 };
                    if !self.send(std::mem::replace(&mut chunk, next)) {
                        return Ok(None);
                    }
                }
            }
            if self.budget.is_closed() {
                return Ok(None);
            }
        }
        if chunk.rows > 0 && !self.send(chunk) {
            return Ok(None);
        }
        rows.finish().map(Some)
    }

    /// False if nobody takes chunks any more.
    fn send(&mut self, chunk: Chunk) -> bool {
        match self.sender.try_send(chunk) {
            Ok(()) => true,
            Err(TrySendError::Disconnected(_)) => false,
            Err(TrySendError::Full(chunk)) => {
                if let Some(flowing) = self.flowing.take() {
                    let _ = flowing.send(());
                }
                self.sender.send(chunk).is_ok()
            }
        }
    }
}

/// Starts a thread.
pub(super) fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), WarehouseError> {
    std::thread::Builder::new().name(name.into()).spawn(work).map(drop).map_err(|why| {
        WarehouseError::Unavailable(format!("the thread {name} could not be started: {why}; see the limit of threads"))
    })
}

fn fault() -> Failure {
    Failure::permanent("its reader broke off; this is a fault of millrace")
}
