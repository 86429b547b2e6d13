//! What holds whatever died when, and however often a message came. Asked through the tool alone, so that it is the same
//! on every bus and warehouse.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Mill, materials};

/// A file of materials that was delivered, and what must become of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// Its path below the raw folder; each path is delivered once.
    pub uri: String,
    /// The rows that it has; `None` for a file that must end as a dead letter.
    pub rows: Option<u64>,
}

impl Expected {
    pub fn loaded(uri: &str, rows: u64) -> Self {
        Self { uri: uri.into(), rows: Some(rows) }
    }

    pub fn dead(uri: &str) -> Self {
        Self { uri: uri.into(), rows: None }
    }
}

/// Drops `uri` with so many rows, whose ids no other file has: the files of a run are judged together.
pub fn drop_rows(mill: &Mill, uri: &str, rows: u64) -> Expected {
    let name: String = uri.chars().filter(char::is_ascii_alphanumeric).collect();
    let ids: Vec<String> = (0..rows).map(|row| format!("{name}{row}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    mill.drop_file(uri, materials(&ids));
    Expected::loaded(uri, rows)
}

/// Drops `materials_<number>.csv` with one row more than its number, so that no two files are alike.
pub fn drop_numbered(mill: &Mill, number: u64) -> Expected {
    drop_rows(mill, &format!("materials_{number}.csv"), number + 1)
}

/// The successful lines of each LOAD_ID's newest command that has any, the generation that counts, and those of a newer one that
/// are held back. Then what stands of them, what the view shows, and everything that contradicts.
const CONTRADICTIONS: &str = "
    WITH S AS (SELECT * FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS'
               QUALIFY COMMAND_ID = max(COMMAND_ID) OVER (PARTITION BY TABLE_NAME, LOAD_ID)),
         H AS (SELECT * FROM (SELECT * FROM RAW.RAW_LOAD_AUDIT WHERE STATUS IN ('SUCCESS', 'QUARANTINED', 'DISCARDED')
               QUALIFY COMMAND_ID = max(COMMAND_ID) OVER (PARTITION BY TABLE_NAME, LOAD_ID))
               QUALIFY bool_and(STATUS = 'QUARANTINED') OVER (PARTITION BY LOAD_ID, COMMAND_ID, SOURCE_FILE)),
         O AS (SELECT * FROM S UNION ALL SELECT * FROM H),
         R AS (SELECT LOAD_ID, COMMAND_ID, SOURCE_FILE, count(*) AS N, count(DISTINCT SOURCE_ROW) AS D
               FROM RAW_RUN.MATERIALS_RUN GROUP BY ALL),
         V AS (SELECT LOAD_ID, SOURCE_FILE, count(*) AS N, count(DISTINCT SOURCE_ROW) AS D FROM RAW.MATERIALS GROUP BY ALL),
         NEWEST AS (SELECT LOAD_ID FROM S ORDER BY AS_OF DESC, COMMAND_ID DESC, LOAD_ID DESC LIMIT 1)
    SELECT 'a file was loaded twice' AS WHAT, LOAD_ID || ' ' || SOURCE_FILE AS ABOUT FROM S GROUP BY ALL HAVING count(*) > 1
    UNION ALL
    SELECT 'a file was held back twice', LOAD_ID || ' ' || SOURCE_FILE FROM H GROUP BY ALL HAVING count(*) > 1
    UNION ALL
    SELECT 'the rows are not those that the audit counts', SOURCE_FILE FROM O LEFT JOIN R USING (LOAD_ID, COMMAND_ID, SOURCE_FILE)
    WHERE ROWS_LOADED <> coalesce(N, 0) OR ROWS_LOADED <> coalesce(D, 0)
    UNION ALL
    SELECT 'rows that no load owns', SOURCE_FILE FROM R WHERE NOT EXISTS (SELECT 1 FROM O
    WHERE O.LOAD_ID = R.LOAD_ID AND O.COMMAND_ID = R.COMMAND_ID AND O.SOURCE_FILE = R.SOURCE_FILE)
    UNION ALL
    SELECT 'a check has more lines than verdicts', LOAD_ID || ' ' || CHECK_NAME FROM
        (SELECT LOAD_ID, TABLE_NAME, CHECK_NAME, CASE ORIGIN WHEN 'DBT' THEN 'transform' ELSE 'dq' END AS STAGE, count(*) AS N
         FROM RAW.DATA_QUALITY_AUDIT WHERE ORIGIN IS DISTINCT FROM 'GATE' GROUP BY ALL) JOIN
        (SELECT LOAD_ID, STAGE, count(*) AS VERDICTS FROM RAW.STAGE_AUDIT GROUP BY ALL) USING (LOAD_ID, STAGE)
    WHERE N > VERDICTS
    UNION ALL
    SELECT 'a message has two lines', STAGE || ' ' || MESSAGE_ID FROM RAW.STAGE_AUDIT WHERE STATUS = 'SUCCESS'
    GROUP BY ALL HAVING count(*) > 1
    UNION ALL
    SELECT 'the view shows what is not the newest load', LOAD_ID FROM V WHERE LOAD_ID NOT IN (SELECT LOAD_ID FROM NEWEST)
    UNION ALL
    SELECT 'the view does not show the newest load whole', SOURCE_FILE FROM S LEFT JOIN V USING (LOAD_ID, SOURCE_FILE)
    WHERE LOAD_ID IN (SELECT LOAD_ID FROM NEWEST) AND (ROWS_LOADED <> coalesce(V.N, 0) OR ROWS_LOADED <> coalesce(V.D, 0))
    UNION ALL
    SELECT 'a load that failed has no cause', LOAD_ID FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'FAILED' AND ERROR IS NULL";

/// For a mill that has nothing left to do: [`loaded_once`], and every load was announced, for every load was judged.
#[track_caller]
pub fn invariants(mill: &Mill, expected: &[Expected]) {
    loaded_once(mill, expected);
    let unjudged = mill.query(
        "SELECT LOAD_ID FROM RAW.RAW_LOAD_AUDIT A WHERE A.STATUS = 'SUCCESS' AND NOT EXISTS (SELECT 1 FROM RAW.STAGE_AUDIT S \
         WHERE S.LOAD_ID = A.LOAD_ID AND S.STAGE = 'dq' AND S.STATUS = 'SUCCESS')",
    );
    assert!(unjudged.is_empty(), "loads were not judged: {unjudged:?}");
}

/// Audit, rows and view say the same.
#[track_caller]
pub fn consistent(mill: &Mill) {
    let contradictions = mill.query(CONTRADICTIONS);
    assert!(contradictions.is_empty(), "{contradictions:#?}");
}

/// Every file that was delivered is loaded once or dead, no row twice, none missing, the newest load shown whole. For a
/// mill whose ingest has nothing left to do.
#[track_caller]
pub fn loaded_once(mill: &Mill, expected: &[Expected]) {
    consistent(mill);
    let mut loaded: Vec<Expected> = expected.iter().filter(|file| file.rows.is_some()).cloned().collect();
    loaded.sort();
    let newest = "SELECT SOURCE_FILE, ROWS_LOADED FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS' \
                  QUALIFY COMMAND_ID = max(COMMAND_ID) OVER (PARTITION BY TABLE_NAME, LOAD_ID)";
    let mut found: Vec<Expected> =
        mill.query(newest).iter().map(|line| Expected::loaded(&line[0], line[1].parse().unwrap())).collect();
    found.sort();
    assert_eq!(found, loaded);

    let must_be_dead: BTreeSet<&str> =
        expected.iter().filter(|file| file.rows.is_none()).map(|file| file.uri.as_str()).collect();
    let letters = mill.dead();
    let uri = |letter: &serde_json::Value| {
        let body: serde_json::Value = serde_json::from_str(letter["body"].as_str().unwrap()).unwrap();
        body["data"]["uri"].as_str().unwrap_or_default().to_owned()
    };
    let dead: BTreeSet<String> = letters.iter().map(uri).collect();
    assert_eq!(dead.iter().map(String::as_str).collect::<BTreeSet<_>>(), must_be_dead, "{letters:#?}");
    assert_eq!(dead.len(), letters.len(), "a file has two dead letters: {letters:#?}");
}

/// The loads that were judged.
pub fn judged(mill: &Mill) -> usize {
    let sql = "SELECT count(DISTINCT LOAD_ID) FROM RAW.STAGE_AUDIT WHERE STAGE = 'dq' AND STATUS = 'SUCCESS'";
    mill.value(sql).parse().unwrap()
}

/// What `RAW.MATERIALS` shows, one line per file, in one snapshot with what the audit knows of it.
const SHOWN: &str = "
    WITH S AS (SELECT * FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS'),
         WHOLE AS (SELECT LOAD_ID, COMMAND_ID FROM S GROUP BY LOAD_ID, COMMAND_ID HAVING count(DISTINCT SOURCE_FILE) >= max(TABLE_FILES)
                   QUALIFY COMMAND_ID = max(COMMAND_ID) OVER (PARTITION BY LOAD_ID)),
         A AS (SELECT S.* FROM S SEMI JOIN WHOLE USING (LOAD_ID, COMMAND_ID)),
         V AS (SELECT LOAD_ID, SOURCE_FILE, count(*) AS N FROM RAW.MATERIALS GROUP BY ALL)
    SELECT V.LOAD_ID, V.SOURCE_FILE, V.N, A.ROWS_LOADED, A.TABLE_FILES, A.AS_OF
    FROM V LEFT JOIN A USING (LOAD_ID, SOURCE_FILE)";

/// What the view showed last.
#[derive(Default)]
pub struct View {
    as_of: String,
    /// How often it was looked at.
    pub looks: usize,
}

impl View {
    /// Looks once: the view shows nothing, or one load, whole, and none that is older than the one before.
    pub fn look(&mut self, mill: &Mill) {
        let shown = mill.query(SHOWN);
        self.looks += 1;
        let Some(first) = shown.first() else {
            assert!(self.as_of.is_empty(), "the view shows nothing any more");
            return;
        };
        let loads: BTreeSet<&str> = shown.iter().map(|line| line[0].as_str()).collect();
        assert_eq!(loads.len(), 1, "the view shows several loads: {shown:?}");
        for line in &shown {
            assert_eq!(line[2], line[3], "the view shows a part of a file, or one that failed: {shown:?}");
        }
        assert_eq!(shown.len().to_string(), first[4], "the view shows a part of a load: {shown:?}");
        assert!(first[5] >= self.as_of, "the view went back from {} to {shown:?}", self.as_of);
        self.as_of.clone_from(&first[5]);
    }
}

/// Does `work`, and looks at the view again and again meanwhile. For a mill that was prepared: some role has started.
pub fn while_watching<T>(mill: &Mill, work: impl FnOnce() -> T) -> T {
    /// Ends the looking even if the work panics.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let done = AtomicBool::new(false);
    let (result, view) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut view = View::default();
            while !done.load(Ordering::Relaxed) {
                view.look(mill);
                // Each look keeps the workers from the file for a moment.
                std::thread::sleep(Duration::from_millis(100));
            }
            view
        });
        let done = Done(&done);
        let result = work();
        drop(done);
        (result, watching.join().unwrap())
    });
    assert!(view.looks > 0, "the view was never looked at");
    result
}
