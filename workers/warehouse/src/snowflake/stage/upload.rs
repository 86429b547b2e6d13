//! The upload of a part while it is compressed.
//!
//! Pieces are put by number under an upload's id, not through one client's handle: a client with fresh credentials
//! goes on where the old one was refused, and nothing is compressed twice.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use object_store::PutPayload;
use object_store::multipart::PartId;
use object_store::path::Path;
use tokio::sync::Semaphore;

use super::place::{Place, Places};
use super::store::Store;
use crate::WarehouseError;
use crate::snowflake::parts::{Opened, Part, Piece};

/// How long giving up may take. What is left then, the storage removes by itself some day.
const ABANDON_TIMEOUT: Duration = Duration::from_secs(5);

/// The uploads of one load.
pub(super) struct Uploads<'a, O> {
    places: &'a Places<'a, O>,
    /// Requests that may be on their way at once.
    slots: Semaphore,
    /// Parts in pieces that are not complete, by name and the upload's id.
    open: Mutex<Vec<(String, String)>>,
}

impl<'a, O, A> Uploads<'a, O>
where
    O: Fn() -> A + Send + Sync,
    A: Future<Output = Result<Place, WarehouseError>> + Send,
{
    pub(super) fn new(places: &'a Places<'a, O>, at_once: usize) -> Self {
        Self { places, slots: Semaphore::new(at_once.max(1)), open: Mutex::default() }
    }

    /// Uploads a part: in one request if it is one piece.
    pub(super) async fn part(&self, mut part: Opened) -> Result<Part, WarehouseError> {
        let Some(first) = part.pieces.recv().await else { return Err(broken_off(&part.name)) };
        let Some(rows) = first.last else { return self.pieces(part, first).await };
        let (bytes, _room) = (first.bytes.len() as u64, first.room);
        let payload = PutPayload::from(first.bytes);
        let _slot = self.slots.acquire().await;
        self.places
            .at(&part.name, |store, path| {
                let payload = payload.clone();
                async move { store.put(&path, payload).await }
            })
            .await?;
        Ok(Part { name: part.name, rows, bytes })
    }

    async fn pieces(&self, mut part: Opened, first: Piece) -> Result<Part, WarehouseError> {
        let name = &part.name;
        let begun = self.places.at(name, |store, path| async move { store.create_multipart(&path).await });
        let id = begun.await?;
        self.still_open().push((name.clone(), id.clone()));
        let (mut bytes, mut rows, mut count, mut next) = (0, None, 0, Some(first));
        let (mut flying, mut done) = (FuturesUnordered::new(), Vec::new());
        loop {
            if let Some(piece) = next.take() {
                bytes += piece.bytes.len() as u64;
                rows = piece.last;
                flying.push(self.piece(name, &id, count, piece));
                count += 1;
            }
            tokio::select! {
                piece = part.pieces.recv(), if rows.is_none() => match piece {
                    Some(piece) => next = Some(piece),
                    None => return Err(broken_off(name)),
                },
                Some(put) = flying.next() => done.push(put?),
                else => break,
            }
        }
        let Some(rows) = rows else { return Err(broken_off(name)) };
        done.sort_by_key(|(number, _)| *number);
        let ids: Vec<PartId> = done.into_iter().map(|(_, id)| id).collect();
        self.places
            .at(name, |store, path| {
                let (id, ids) = (id.clone(), ids.clone());
                async move { complete(&*store, &path, &id, ids, bytes).await }
            })
            .await?;
        self.still_open().retain(|(open, _)| open != name);
        drop(flying);
        Ok(Part { name: part.name, rows, bytes })
    }

    /// Puts the piece with this number, from 0. Its room in memory is free afterwards.
    async fn piece(
        &self,
        name: &str,
        id: &String,
        number: usize,
        piece: Piece,
    ) -> Result<(usize, PartId), WarehouseError> {
        let _room = piece.room;
        let payload = PutPayload::from(piece.bytes);
        let _slot = self.slots.acquire().await;
        let put = self.places.at(name, |store, path| {
            let payload = payload.clone();
            async move { store.put_part(&path, id, number, payload).await }
        });
        Ok((number, put.await?))
    }

    /// Gives up what is not complete, so that the storage does not keep pieces that nobody sees.
    pub(super) async fn abandon(&self) {
        let open = std::mem::take(&mut *self.still_open());
        let all = open.iter().map(|(name, id)| {
            self.places.at(name, move |store, path| async move { store.abort_multipart(&path, id).await })
        });
        let _ = tokio::time::timeout(ABANDON_TIMEOUT, join_all(all)).await;
    }

    fn still_open(&self) -> std::sync::MutexGuard<'_, Vec<(String, String)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Completes a part. Of an answer that was lost on its way the client only learns, as it asks again, that there is no
/// such upload any more: then the part is there, in full.
async fn complete(
    store: &dyn Store,
    path: &Path,
    id: &String,
    ids: Vec<PartId>,
    bytes: u64,
) -> object_store::Result<()> {
    match store.complete_multipart(path, id, ids).await {
        Err(why @ object_store::Error::NotFound { .. }) => match store.head(path).await {
            Ok(found) if found.size == bytes => Ok(()),
            _ => Err(why),
        },
        done => done.map(drop),
    }
}

fn broken_off(name: &str) -> WarehouseError {
    WarehouseError::Unavailable(format!("{name} was given up before it was complete"))
}
