//! From an address to a warehouse.

use std::path::Path;
use std::sync::Arc;

use crate::duckdb::DuckDb;
use crate::snowflake::{Snowflake, SnowflakeSettings};
use crate::{Warehouse, WarehouseError};

/// How to reach a warehouse and what it may use.
#[derive(Clone, Debug)]
pub struct WarehouseSettings {
    /// `duckdb:<path>`: the file is made if it is not there. `snowflake:`: the variables `SNOWFLAKE_*` tell where it is.
    pub url: String,
    /// Memory that DuckDB may use, in bytes.
    pub memory_limit_bytes: u64,
    /// Threads that DuckDB may use.
    pub threads: usize,
    /// How long to wait for a file that another process holds, in seconds.
    pub lock_wait_secs: u64,
    /// How long an unused handle stays open, in milliseconds: others can open the file after that.
    pub idle_close_millis: u64,
}

impl WarehouseSettings {
    /// The warehouse at `url`, on half a gigabyte and two threads, waited for as long as a small machine may need.
    pub fn new(url: impl Into<String>) -> Self {
        let (memory_limit_bytes, threads) = (500_000_000, 2);
        Self { url: url.into(), memory_limit_bytes, threads, lock_wait_secs: 10, idle_close_millis: 100 }
    }
}

/// What an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// The DuckDB file at this path.
    DuckDb(&'a Path),
    /// The account that the variables `SNOWFLAKE_*` describe.
    Snowflake,
}

impl<'a> Named<'a> {
    /// What `url` names.
    ///
    /// # Errors
    /// `Configuration`: what can be written instead.
    pub fn by(url: &'a str) -> Result<Self, WarehouseError> {
        match url.split_once(':') {
            Some(("duckdb", path)) if !path.is_empty() && path != ":memory:" => Ok(Self::DuckDb(Path::new(path))),
            Some(("snowflake", "" | "//")) => Ok(Self::Snowflake),
            // What stands behind the colon may be a secret.
            Some(("snowflake", _)) => Err(WarehouseError::Configuration(
                "write snowflake: alone; account, user and the rest come from SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER and so on"
                    .into(),
            )),
            _ => Err(WarehouseError::Configuration(format!(
                "unknown warehouse {url:?}: write duckdb:<path of the file>, such as duckdb:data/millrace.duckdb, or \
                snowflake:"
            ))),
        }
    }
}

/// Opens the warehouse at `settings.url`. Two calls with the address of one DuckDB file in one process share one handle, made
/// with the first call's settings, for as long as anybody keeps it.
pub async fn open(settings: &WarehouseSettings) -> Result<Arc<dyn Warehouse>, WarehouseError> {
    open_for(settings, false)
}

/// Opens the warehouse only to look: nothing is made. Several processes can look at a DuckDB file at once while none writes;
/// whatever would write to it is refused.
pub async fn open_read_only(settings: &WarehouseSettings) -> Result<Arc<dyn Warehouse>, WarehouseError> {
    open_for(settings, true)
}

fn open_for(settings: &WarehouseSettings, read_only: bool) -> Result<Arc<dyn Warehouse>, WarehouseError> {
    match Named::by(&settings.url)? {
        Named::DuckDb(path) => Ok(DuckDb::open(path, settings, read_only)?),
        Named::Snowflake => Ok(Snowflake::open(SnowflakeSettings::from_env()?)?),
    }
}
