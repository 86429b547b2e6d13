//! What loading needs beside the tables of `layout.rs`: the stage that parts are uploaded to, and the locks.
//!
//! Every name is written with its schema, the database is the session's.

use crate::layout::fnv1a;

/// The stage that parts are uploaded to, without the `@`.
pub const STAGE: &str = "RAW_RUN.LOAD_STAGE";

/// How many locks there are. A lock is a table because Snowflake locks whole tables; with one for all, every load would
/// wait for every other, and with as many as loads, nobody could make them beforehand.
pub const LOCKS: u64 = 16;

/// The column of a lock's one row: the command that took it last, for people who look.
pub const LOCK_COLUMN: &str = "HOLDER";

/// The statement that makes the stage.
///
/// Encrypted by the service and not by the client (which is what a stage is without saying so), because the parts are
/// uploaded by our own code, over TLS.
pub fn stage() -> String {
    format!("CREATE STAGE IF NOT EXISTS {STAGE} ENCRYPTION = (TYPE = 'SNOWFLAKE_SSE')")
}

/// The locks' names, and the statement that makes each. A lock is made together with its row, so that two who make it at
/// once leave one row, and none is ever without: an UPDATE that meets no row locks nothing.
pub fn locks() -> impl Iterator<Item = (String, String)> {
    (0..LOCKS).map(|number| {
        let name = lock(number);
        let sql = format!("CREATE TABLE IF NOT EXISTS {name} AS SELECT CAST('' AS VARCHAR) AS {LOCK_COLUMN}");
        (name, sql)
    })
}

/// The lock that stands for `key`: the same in every process and every build. Two keys may have the same one, and then
/// their loads wait for each other a moment.
pub fn lock_of(key: &str) -> String {
    let hash = fnv1a(key);
    lock((hash ^ (hash >> 32)) % LOCKS)
}

fn lock(number: u64) -> String {
    format!("RAW_RUN.LOAD_LOCK_{number:02}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn every_lock_is_made_and_taken() {
        let made: Vec<_> = locks().map(|(name, _)| name).collect();
        assert_eq!((made[0].as_str(), made[15].as_str()), ("RAW_RUN.LOAD_LOCK_00", "RAW_RUN.LOAD_LOCK_15"));
        let mut taken: HashMap<String, u32> = HashMap::new();
        for number in 0..16_000 {
            *taken.entry(lock_of(&format!("watch::source_system/batches_{number}.csv::1f"))).or_default() += 1;
        }
        for name in made {
            assert!((800..1200).contains(&taken[&name]), "{name}: {}", taken[&name]);
        }
        // Two builds that disagree would not wait for each other.
        assert_eq!(lock_of("a_load"), "RAW_RUN.LOAD_LOCK_11");
    }
}
