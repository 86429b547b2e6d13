//! A source's rows onto the stage: compressed, uploaded while they are compressed, in bounded memory.
//!
//! Where the stage lies, and what opens it, Snowflake tells in its answer to a PUT ([`StageLocation`]). Nothing is
//! asked before there are rows: an empty or broken file costs no statement.

mod location;
mod place;
mod reasons;
mod store;
#[cfg(test)]
mod tests;
mod upload;

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::Instrument;

pub use location::StageLocation;
use place::{Place, Places};
use upload::Uploads;

use super::parts::{Budget, Compressing, Limits, Opened, Part, Reading};
use crate::{FileFacts, RowSource, WarehouseError};

/// How large a part becomes, compressed, in bytes. Snowflake loads parts side by side; below some megabytes each one
/// costs more than its rows. Six pieces, with room for what is still in the compressor.
const PART_BYTES: u64 = 50_000_000;
/// What one request uploads, in bytes: large enough that requests don't count, small enough to be done in time at
/// 200 kB/s.
const PIECE_BYTES: usize = 8 << 20;
/// The same for a storage that takes parts whole only, where a part is one request.
const WHOLE_PART_BYTES: u64 = 16_000_000;
/// Snowflake's credentials hold for about an hour.
const RENEW_AFTER: Duration = Duration::from_secs(30 * 60);

/// How much is done at once.
#[derive(Clone, Debug)]
pub struct Options {
    /// A part that has so many bytes, compressed, is closed and the next begins.
    pub part_bytes: u64,
    /// What one request uploads, in bytes. S3 takes none below 5 MiB but a part's last.
    pub piece_bytes: usize,
    /// Threads that compress, each its own part. More than there are processors gain nothing.
    pub threads: usize,
    /// Requests on their way at once. Memory is bounded by `(threads + uploads) * piece_bytes`; on GCS, where a part
    /// is one request, parts are of 16 MB and stand in place of pieces.
    pub uploads: usize,
    /// The age at which credentials are not used any more but asked for anew.
    pub renew_after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            part_bytes: PART_BYTES,
            piece_bytes: PIECE_BYTES,
            threads: processors.min(4),
            uploads: 4,
            renew_after: RENEW_AFTER,
        }
    }
}

/// What lies on the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// The parts, by name. None if the source had no rows.
    pub parts: Vec<Part>,
    /// What the source was.
    pub facts: FileFacts,
}

/// Asks Snowflake where the stage lies: sends the PUT and reads its answer. Each call must send it anew, because it
/// is asked again when credentials grow old, and must be for the same folder of the stage.
pub trait Locate: Send + Sync {
    /// The answer.
    fn locate(&self) -> impl Future<Output = Result<StageLocation, WarehouseError>> + Send;
}

impl<F, A> Locate for F
where
    F: Fn() -> A + Send + Sync,
    A: Future<Output = Result<StageLocation, WarehouseError>> + Send,
{
    fn locate(&self) -> impl Future<Output = Result<StageLocation, WarehouseError>> + Send {
        self()
    }
}

/// Reads `rows`, which have these `columns`, and uploads them as parts.
///
/// `Ok` means that the source was read to its end and is content, and that every row of it is on the stage; whether
/// the stage agrees is for LIST to say. After an error there may be parts that nobody should load. When the future is
/// dropped, its threads end with the batch that they are at.
///
/// # Errors
/// `Source` if the source fails, whatever the upload says; `Unavailable` if parts can't be uploaded; `Configuration`
/// and what `locate` answers.
pub async fn stage_rows(
    rows: Box<dyn RowSource>,
    columns: &[String],
    locate: impl Locate,
    options: Options,
) -> Result<Staged, WarehouseError> {
    let open = || async { Place::open(&locate.locate().await?) };
    staged(rows, columns.len(), &open, options).instrument(tracing::info_span!("write rows")).await
}

/// The same, with whatever opens the place.
async fn staged<O, A>(
    rows: Box<dyn RowSource>,
    columns: usize,
    open: &O,
    options: Options,
) -> Result<Staged, WarehouseError>
where
    O: Fn() -> A + Send + Sync,
    A: Future<Output = Result<Place, WarehouseError>> + Send,
{
    let budget = Budget::new(options.threads.max(1) + options.uploads.max(1));
    let _stop = StopOnDrop(budget.clone());
    let mut reading = Reading::start(rows, columns, budget.clone())?;
    let small = reading.all_read().await;
    if small && reading.is_empty() {
        return Ok(Staged { parts: Vec::new(), facts: facts(reading.finish().await?)? });
    }
    if small {
        // All is read and waits: what the source says at its end is known before anything is asked or uploaded.
        let chunks = reading.chunks();
        let facts = facts(reading.finish().await?)?;
        let parts = upload(chunks, 1, &budget, open, &options).await?;
        return Ok(Staged { parts, facts });
    }
    let parts = upload(reading.chunks(), options.threads, &budget, open, &options).await;
    if parts.is_err() {
        budget.close();
    }
    // What the source says comes first: an upload's error may be but its echo.
    let end = reading.finish().await?;
    let parts = parts?;
    Ok(Staged { parts, facts: facts(end)? })
}

/// Compresses and uploads what comes out of `chunks`.
async fn upload<O, A>(
    chunks: crossbeam_channel::Receiver<super::parts::Chunk>,
    threads: usize,
    budget: &Budget,
    open: &O,
    options: &Options,
) -> Result<Vec<Part>, WarehouseError>
where
    O: Fn() -> A + Send + Sync,
    A: Future<Output = Result<Place, WarehouseError>> + Send,
{
    let places = Places::new(open, options.renew_after).await?;
    let limits = match places.takes_pieces().await {
        true => Limits { part_bytes: options.part_bytes, piece_bytes: Some(options.piece_bytes) },
        false => Limits { part_bytes: options.part_bytes.min(WHOLE_PART_BYTES), piece_bytes: None },
    };
    let opened = Compressing::start(chunks, threads, budget, limits)?;
    let uploads = Uploads::new(&places, options.uploads);
    let parts = all(opened, &uploads).await;
    if parts.is_err() {
        budget.close();
        uploads.abandon().await;
    }
    parts
}

/// Uploads parts side by side, as they are begun.
async fn all<O, A>(mut opened: UnboundedReceiver<Opened>, uploads: &Uploads<'_, O>) -> Result<Vec<Part>, WarehouseError>
where
    O: Fn() -> A + Send + Sync,
    A: Future<Output = Result<Place, WarehouseError>> + Send,
{
    let (mut flying, mut parts, mut open) = (FuturesUnordered::new(), Vec::new(), true);
    while open || !flying.is_empty() {
        tokio::select! {
            part = opened.recv(), if open => match part {
                Some(part) => flying.push(uploads.part(part)),
                None => open = false,
            },
            Some(part) = flying.next() => parts.push(part?),
        }
    }
    parts.sort_by(|one: &Part, other| one.name.cmp(&other.name));
    Ok(parts)
}

/// `None`: it was stopped although nobody stopped it.
fn facts(end: Option<FileFacts>) -> Result<FileFacts, WarehouseError> {
    end.ok_or_else(|| {
        WarehouseError::Statement("the rows were not read to the end; this is a fault of millrace".into())
    })
}

/// Ends the threads when the future is gone.
struct StopOnDrop(Budget);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}
