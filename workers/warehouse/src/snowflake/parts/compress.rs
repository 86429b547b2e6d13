//! The threads that compress, each one part at a time.

use std::io::{Error, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crossbeam_channel::Receiver;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::Span;

use super::name;
use super::reading::{Chunk, thread};
use crate::WarehouseError;

/// The level of gzip: see the measurements in this folder's `mod.rs`.
const LEVEL: u32 = 3;

/// The pieces that may be in memory at once, over all parts: being filled, waiting, or on their way. Closing it stops
/// whoever works for it.
#[derive(Clone)]
pub(in super::super) struct Budget {
    permits: Arc<Semaphore>,
    runtime: Handle,
}

impl Budget {
    /// Room for so many pieces. Must be made within the runtime.
    pub(in super::super) fn new(pieces: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(pieces)), runtime: Handle::current() }
    }

    /// Stops the threads that work for it.
    pub(in super::super) fn close(&self) {
        self.permits.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    fn take(&self) -> std::io::Result<OwnedSemaphorePermit> {
        self.runtime.block_on(Arc::clone(&self.permits).acquire_owned()).map_err(|_| stopped())
    }
}

/// How large things become.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Limits {
    /// A part that has so many bytes is closed.
    pub(in super::super) part_bytes: u64,
    /// What is uploaded at once; a part is one piece if there is no limit.
    pub(in super::super) piece_bytes: Option<usize>,
}

/// A part that has been begun.
pub(in super::super) struct Opened {
    pub(in super::super) name: String,
    /// Its pieces in order. The last says that it is the last; without one the part was given up.
    pub(in super::super) pieces: mpsc::UnboundedReceiver<Piece>,
}

/// Some bytes of a part.
pub(in super::super) struct Piece {
    pub(in super::super) bytes: Vec<u8>,
    /// The rows of the whole part, in its last piece.
    pub(in super::super) last: Option<u64>,
    /// Its room in memory, free again when it is dropped.
    pub(in super::super) room: OwnedSemaphorePermit,
}

/// What the compressing threads of one load share.
#[derive(Clone)]
pub(in super::super) struct Compressing {
    chunks: Receiver<Chunk>,
    opened: mpsc::UnboundedSender<Opened>,
    numbers: Arc<AtomicU32>,
    budget: Budget,
    limits: Limits,
}

impl Compressing {
    /// Starts `threads` threads. Parts come out of the channel as they are begun; it closes when all is compressed.
    pub(in super::super) fn start(
        chunks: Receiver<Chunk>,
        threads: usize,
        budget: &Budget,
        limits: Limits,
    ) -> Result<mpsc::UnboundedReceiver<Opened>, WarehouseError> {
        let (opened, parts) = mpsc::unbounded_channel();
        let shared = Self { chunks, opened, numbers: Arc::default(), budget: budget.clone(), limits };
        for _ in 0..threads.max(1) {
            let (shared, span) = (shared.clone(), Span::current());
            thread("compress-rows", move || {
                let _in = span.enter();
                // Fails only when it is told to stop.
                let _ = shared.work();
            })?;
        }
        Ok(parts)
    }

    fn work(&self) -> std::io::Result<()> {
        // A thread that never gets a row begins no part.
        while let Ok(first) = self.chunks.recv() {
            self.part(first)?;
        }
        Ok(())
    }

    fn part(&self, first: Chunk) -> std::io::Result<()> {
        let mut part = GzEncoder::new(Pieces::new(self), Compression::new(LEVEL));
        part.get_mut().begin()?;
        let (mut rows, mut next) = (0, Some(first));
        while let Some(chunk) = next {
            part.write_all(&chunk.csv)?;
            rows += chunk.rows;
            if self.budget.is_closed() {
                return Err(stopped());
            }
            let full = part.get_ref().bytes >= self.limits.part_bytes;
            next = if full { None } else { self.chunks.recv().ok() };
        }
        part.finish()?.finish(rows)
    }
}

/// Cuts a part into pieces and sends them off.
struct Pieces<'a> {
    shared: &'a Compressing,
    sender: Option<mpsc::UnboundedSender<Piece>>,
    piece: Option<(Vec<u8>, OwnedSemaphorePermit)>,
    bytes: u64,
}

impl<'a> Pieces<'a> {
    fn new(shared: &'a Compressing) -> Self {
        Self { shared, sender: None, piece: None, bytes: 0 }
    }

    /// Waits for room before the part is announced, so that no more parts are open than there is room for.
    fn begin(&mut self) -> std::io::Result<()> {
        self.piece = Some(self.empty()?);
        let (sender, pieces) = mpsc::unbounded_channel();
        let name = name(self.shared.numbers.fetch_add(1, Ordering::Relaxed) + 1);
        self.sender = Some(sender);
        self.shared.opened.send(Opened { name, pieces }).map_err(|_| stopped())
    }

    fn empty(&self) -> std::io::Result<(Vec<u8>, OwnedSemaphorePermit)> {
        let room = self.shared.budget.take()?;
        let size = self.shared.limits.piece_bytes.unwrap_or(self.shared.limits.part_bytes as usize);
        Ok((Vec::with_capacity(size), room))
    }

    fn send(&mut self, last: Option<u64>) -> std::io::Result<()> {
        let (Some((bytes, room)), Some(sender)) = (self.piece.take(), &self.sender) else { return Err(stopped()) };
        sender.send(Piece { bytes, last, room }).map_err(|_| stopped())
    }

    fn finish(mut self, rows: u64) -> std::io::Result<()> {
        self.send(Some(rows))
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let limit = self.shared.limits.piece_bytes.unwrap_or(usize::MAX);
        // A full piece goes only when there is more, so that the last one is never empty.
        if self.piece.as_ref().is_some_and(|(piece, _)| piece.len() >= limit) {
            self.send(None)?;
            self.piece = Some(self.empty()?);
        }
        let Some((piece, _)) = &mut self.piece else { return Err(stopped()) };
        let taken = bytes.len().min(limit - piece.len());
        piece.extend_from_slice(&bytes[..taken]);
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn stopped() -> Error {
    Error::from(ErrorKind::BrokenPipe)
}
