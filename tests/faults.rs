//! Faults: processes are killed at any moment, and the invariants hold all the same.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod harness;

use std::time::Duration;

use harness::{Mill, Running, materials};

/// How often the mill is killed: `MILLRACE_TEST_KILLS`, or few enough for every day.
fn kills() -> u64 {
    std::env::var("MILLRACE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

/// A small generator for moments: the seed is printed, so that a failure can be had again.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let seed = std::env::var("MILLRACE_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            u64::from(now.subsec_nanos()) | 1
        });
        eprintln!("MILLRACE_TEST_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Every file loaded once, no row twice, none missing, every load judged, nothing left over.
fn invariants(mill: &Mill, files: u64) {
    let successes =
        "SELECT SOURCE_FILE, LOAD_ID, COMMAND_ID, ROWS_LOADED FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'SUCCESS'";
    assert_eq!(mill.value(&format!("SELECT count(*) FROM ({successes})")), files.to_string());
    assert_eq!(mill.value(&format!("SELECT count(DISTINCT SOURCE_FILE) FROM ({successes})")), files.to_string());
    let differing = mill.query(&format!(
        "SELECT a.SOURCE_FILE, a.ROWS_LOADED, count(r.SOURCE_ROW), count(DISTINCT r.SOURCE_ROW) FROM ({successes}) a \
         LEFT JOIN RAW_RUN.MATERIALS_RUN r USING (LOAD_ID, SOURCE_FILE, COMMAND_ID) GROUP BY ALL \
         HAVING a.ROWS_LOADED <> count(r.SOURCE_ROW) OR a.ROWS_LOADED <> count(DISTINCT r.SOURCE_ROW) \
         OR a.ROWS_LOADED <> 1 + CAST(regexp_extract(a.SOURCE_FILE, '(\\d+)', 1) AS BIGINT)"
    ));
    assert!(differing.is_empty(), "{differing:?}");
    let strays = "SELECT count(*) FROM RAW_RUN.MATERIALS_RUN r ANTI JOIN RAW.RAW_LOAD_AUDIT a \
                  ON a.LOAD_ID = r.LOAD_ID AND a.COMMAND_ID = r.COMMAND_ID AND a.STATUS = 'SUCCESS'";
    assert_eq!(mill.value(strays), "0");
    let unjudged = "SELECT count(*) FROM RAW.RAW_LOAD_AUDIT a ANTI JOIN RAW.STAGE_AUDIT s \
                    ON s.LOAD_ID = a.LOAD_ID AND s.STAGE = 'dq' AND s.STATUS = 'SUCCESS'";
    assert_eq!(mill.value(unjudged), "0");
    let doubled = "SELECT count(*) FROM (SELECT LOAD_ID, TABLE_NAME, CHECK_NAME FROM RAW.DATA_QUALITY_AUDIT GROUP BY ALL HAVING count(*) > 1)";
    assert_eq!(mill.value(doubled), "0");
    assert_eq!(mill.dead().len(), 0, "{:?}", mill.dead());
    // The newest file is what the view shows.
    let shown = "SELECT count(DISTINCT LOAD_ID) || ' ' || (min(AS_OF) = (SELECT max(AS_OF) FROM RAW.RAW_LOAD_AUDIT)) \
                 FROM RAW.MATERIALS JOIN RAW.CURRENT_LOADS USING (LOAD_ID) WHERE TABLE_NAME = 'MATERIALS'";
    assert_eq!(mill.value(shown), "1 true");
}

fn drop_numbered(mill: &Mill, number: u64) {
    let ids: Vec<String> = (0..=number).map(|row| format!("M{row}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    mill.drop_file(&format!("materials_{number}.csv"), materials(&ids));
}

/// Kills are the test's doing here: they must not use up the tries of a message.
fn patient() -> Mill {
    let mut mill = Mill::new();
    mill.set("RETRY__MAX_ATTEMPTS", "10000");
    mill.set("RETRY__MAX_DELAY_SECS", "1");
    mill
}

#[test]
fn the_whole_mill_is_killed_at_random_moments() {
    let (mill, mut moments) = (patient(), Moments::new());
    let files = 30;
    let kills = kills();
    for kill in 0..kills {
        let mut running = mill.start(&["up"]);
        // Files come while it starts, works and dies.
        for number in (0..files).filter(|number| number * kills / files == kill) {
            drop_numbered(&mill, number);
        }
        std::thread::sleep(Duration::from_millis(moments.below(4000)));
        running.kill();
    }
    mill.once().expect(0);
    invariants(&mill, files);
}

#[test]
fn workers_of_each_kind_are_killed_while_others_go_on() {
    let (mill, mut moments) = (patient(), Moments::new());
    let roles = ["watch", "ingest", "ingest", "transform", "dq"];
    let mut workers: Vec<Running> = roles.iter().map(|role| mill.start(&[role])).collect();
    let files = 20;
    let kills = kills();
    for kill in 0..kills {
        for number in (0..files).filter(|number| number * kills / files == kill) {
            drop_numbered(&mill, number);
        }
        std::thread::sleep(Duration::from_millis(moments.below(1500)));
        let chosen = moments.below(roles.len() as u64) as usize;
        workers[chosen].kill();
        workers[chosen] = mill.start(&[roles[chosen]]);
    }
    let judged = "SELECT count(DISTINCT LOAD_ID) FROM RAW.STAGE_AUDIT WHERE STAGE = 'dq' AND STATUS = 'SUCCESS'";
    mill.wait("every verdict", || mill.value(judged) == files.to_string());
    for worker in workers {
        assert_eq!(worker.stop(), Some(0));
    }
    mill.once().expect(0);
    invariants(&mill, files);
}
