//! The SQL of rates: what came into a queue and what was acknowledged, counted in buckets of time.

use messages::Stage;
use rusqlite::{Connection, params};

use super::clock::now_millis;

/// Short enough that a rate follows what happens, long enough that few rows are kept.
const BUCKET_MILLIS: i64 = 10_000;

/// How many buckets count, the one that is being filled included.
const BUCKETS: i64 = 6;

/// How many messages went through a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) published: i64,
    pub(super) acknowledged: i64,
}

impl Passed {
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }
}

impl std::ops::Add for Passed {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self { published: self.published + more.published, acknowledged: self.acknowledged + more.acknowledged }
    }
}

/// Adds to the bucket of this moment.
pub(super) fn add(connection: &Connection, stage: Stage, passed: Passed) -> rusqlite::Result<()> {
    let bucket = now_millis() / BUCKET_MILLIS;
    let values = params![stage.as_str(), bucket, passed.published, passed.acknowledged];
    let known = connection
        .prepare_cached(
            "UPDATE rate SET published = published + ?3, acknowledged = acknowledged + ?4
             WHERE stage = ?1 AND bucket = ?2",
        )?
        .execute(values)?;
    if known == 1 {
        return Ok(());
    }
    // Once per bucket. Those ahead of the clock are from before it was set back.
    connection
        .prepare_cached("DELETE FROM rate WHERE stage = ?1 AND bucket NOT BETWEEN ?2 AND ?3")?
        .execute(params![stage.as_str(), bucket - BUCKETS, bucket + 1])?;
    connection
        .prepare_cached("INSERT INTO rate (stage, bucket, published, acknowledged) VALUES (?1, ?2, ?3, ?4)")?
        .execute(values)
        .map(drop)
}

/// Messages published and acknowledged per second, over the last 50 to 60 seconds.
pub(super) fn per_sec(connection: &Connection, stage: Stage) -> rusqlite::Result<(f64, f64)> {
    let now = now_millis();
    let current = now / BUCKET_MILLIS;
    let oldest = current - BUCKETS + 1;
    let (published, acknowledged): (i64, i64) = connection
        .prepare_cached(
            "SELECT coalesce(sum(published), 0), coalesce(sum(acknowledged), 0) FROM rate
             WHERE stage = ?1 AND bucket BETWEEN ?2 AND ?3",
        )?
        .query_row(params![stage.as_str(), oldest, current], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let secs = (now - oldest * BUCKET_MILLIS) as f64 / 1000.0;
    Ok((published as f64 / secs, acknowledged as f64 / secs))
}
