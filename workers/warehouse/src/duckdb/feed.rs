//! The table function that rows come through.
//!
//! A thread reads the source and puts pieces of at most [`PIECE_ROWS`] rows into a bounded channel; DuckDB's threads
//! take them out, each turning its piece into a chunk.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::JoinHandle;

use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use crossbeam_channel::{Receiver, Sender, bounded};
use duckdb::Connection;
use duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use duckdb::vtab::{BindInfo, InitInfo, TableFunctionInfo, VTab, record_batch_to_duckdb_data_chunk};
use messages::Failure;

use crate::{FileFacts, RowSource, TableSpec, WarehouseError};

/// The table function's name.
pub(super) const FUNCTION: &str = "MILLRACE_FEED";
/// The rows of a DuckDB chunk.
const PIECE_ROWS: usize = 2048;
/// Pieces that wait in the channel: enough that neither side stands still, few enough to cost no memory.
const WAITING_PIECES: usize = 16;

/// The feeds that can be bound now, by number. A number, because a table function's arguments are SQL values.
static FEEDS: LazyLock<Mutex<HashMap<i64, Arc<Feed>>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicI64 = AtomicI64::new(1);

/// Makes the table function known to the connection.
pub(super) fn register(connection: &Connection) -> duckdb::Result<()> {
    connection.register_table_function::<FeedFunction>(FUNCTION)
}

/// What reader and DuckDB share.
pub(super) struct Feed {
    columns: Vec<String>,
    pieces: Receiver<RecordBatch>,
    sender: Mutex<Option<Sender<RecordBatch>>>,
    end: Mutex<Option<Result<FileFacts, Failure>>>,
}

impl Feed {
    pub(super) fn new(table: &TableSpec) -> Self {
        let (sender, pieces) = bounded(WAITING_PIECES);
        let columns = table.columns.iter().map(|name| name.to_uppercase()).collect();
        Self { columns, pieces, sender: Mutex::new(Some(sender)), end: Mutex::default() }
    }

    fn failed(&self) -> Option<String> {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.as_ref()?.as_ref().err().map(|failure| failure.message.clone())
    }
}

/// A source being read into a feed.
pub(super) struct Feeding {
    number: i64,
    feed: Arc<Feed>,
    reader: JoinHandle<()>,
}

impl Feeding {
    /// Starts to read `rows`.
    pub(super) fn start(feed: Arc<Feed>, rows: Box<dyn RowSource>) -> Result<Self, WarehouseError> {
        let sender = feed.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(&feed);
        let read = move || {
            let Some(sender) = sender else { return };
            let end = catch_unwind(AssertUnwindSafe(|| read_all(rows, &shared.columns, &sender)))
                .unwrap_or_else(|_| Err(Failure::permanent("its reader broke off; this is a fault of millrace")));
            // Set before the channel closes: whoever finds it closed must find the reason.
            *shared.end.lock().unwrap_or_else(PoisonError::into_inner) = end.transpose();
            drop(sender);
        };
        let reader = std::thread::Builder::new().name("read-rows".into()).spawn(read).map_err(|why| {
            WarehouseError::Unavailable(format!("the thread that reads rows could not be started: {why}"))
        })?;
        FEEDS.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::clone(&feed));
        Ok(Self { number, feed, reader })
    }

    /// The argument of the table function.
    pub(super) fn number(&self) -> i64 {
        self.number
    }

    /// Waits for the reader. `None` if it was stopped because DuckDB took no more.
    pub(super) fn finish(self) -> Result<Option<FileFacts>, WarehouseError> {
        FEEDS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        // A reader that waits for room in the channel would wait forever when DuckDB has stopped with an error.
        while !self.reader.is_finished() {
            let _ = self.feed.pieces.recv_timeout(std::time::Duration::from_millis(1));
        }
        let _ = self.reader.join();
        let end = self.feed.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        end.transpose().map_err(WarehouseError::Source)
    }
}

/// Reads all rows into the channel; `None` if nobody takes them any more.
fn read_all(
    mut rows: Box<dyn RowSource>,
    columns: &[String],
    sender: &Sender<RecordBatch>,
) -> Result<Option<FileFacts>, Failure> {
    while let Some(batch) = rows.next_batch()? {
        check(&batch, columns.len())?;
        for start in (0..batch.num_rows()).step_by(PIECE_ROWS) {
            let piece = batch.slice(start, PIECE_ROWS.min(batch.num_rows() - start));
            if sender.send(piece).is_err() {
                return Ok(None);
            }
        }
    }
    rows.finish().map(Some)
}

/// Whether `batch` is what a source owes: `columns` texts and a row number without NULLs.
fn check(batch: &RecordBatch, columns: usize) -> Result<(), Failure> {
    let (arrays, is) = (batch.columns(), |array: &dyn Array, kind| *array.data_type() == kind);
    let texts = arrays.iter().take(columns).all(|array| is(array, DataType::Utf8));
    let number = arrays.get(columns).is_some_and(|array| is(array, DataType::Int64) && array.null_count() == 0);
    if texts && number && arrays.len() == columns + 1 {
        Ok(())
    } else {
        Err(Failure::permanent(format!(
            "the reader gave other columns than {columns} texts and a row number; this is a fault of millrace"
        )))
    }
}

struct FeedFunction;

impl VTab for FeedFunction {
    type InitData = ();
    type BindData = Arc<Feed>;

    fn bind(bind: &BindInfo) -> Result<Self::BindData, Box<dyn std::error::Error>> {
        let number = bind.get_parameter(0).to_int64();
        let feeds = FEEDS.lock().unwrap_or_else(PoisonError::into_inner);
        let feed = feeds.get(&number).ok_or("there is no feed with that number")?;
        for column in &feed.columns {
            bind.add_result_column(column, LogicalTypeHandle::from(LogicalTypeId::Varchar));
        }
        bind.add_result_column("SOURCE_ROW", LogicalTypeHandle::from(LogicalTypeId::Bigint));
        Ok(Arc::clone(feed))
    }

    fn init(init: &InitInfo) -> Result<Self::InitData, Box<dyn std::error::Error>> {
        // DuckDB uses no more than its own setting allows.
        init.set_max_threads(64);
        Ok(())
    }

    fn func(
        function: &TableFunctionInfo<Self>,
        output: &mut DataChunkHandle,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let feed = function.get_bind_data();
        match feed.pieces.recv() {
            // Writing texts into the vector by hand was measured: no clear gain, so no `unsafe`.
            Ok(piece) => record_batch_to_duckdb_data_chunk(&piece, output),
            Err(_) => match feed.failed() {
                Some(failure) => Err(failure.into()),
                None => {
                    output.set_len(0);
                    Ok(())
                }
            },
        }
    }

    fn parameters() -> Option<Vec<LogicalTypeHandle>> {
        Some(vec![LogicalTypeHandle::from(LogicalTypeId::Bigint)])
    }
}
