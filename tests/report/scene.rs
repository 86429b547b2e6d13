//! A warehouse in which everything is that a report can show, some of it written by people who mean ill.

use crate::harness::{Mill, python};

/// Runs nowhere: it would note that it ran.
pub const HOSTILE: &str = "\"'><script>window.injected = 1</script><img src=x onerror=\"window.injected=1\">";

/// The sample, loaded and judged; and what other parts of the platform write, put there directly.
pub fn everything() -> Mill {
    let mill = Mill::new();
    mill.drop_sample();
    // A dead letter, whose file has a name that would like to be an element, and one that runs from right to left.
    mill.drop_file("<img src=x onerror=window.injected=1>\u{202e}fdp.csv", "a,b\n1,2\n");
    mill.once().expect(1);
    let long = "a very long name without any end ".repeat(12).replace(' ', "_");
    fill(&mill, &[HOSTILE, &format!("\u{202e}{}", "שלום עולם ".repeat(60)), &long]);
    mill
}

/// Lines in every table of the audit, with these texts wherever a text comes from outside.
fn fill(mill: &Mill, texts: &[&str]) {
    let code = r#"
import datetime, json, math, sys, uuid
import duckdb
path, texts = sys.argv[1], json.loads(sys.argv[2])
now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
ago = lambda hours: now - datetime.timedelta(hours=hours)
held = duckdb.connect(path)
def put(table, **values):
    names = ", ".join(values)
    held.execute(f"INSERT INTO RAW.{table} ({names}) VALUES ({', '.join('?' for _ in values)})", list(values.values()))
def load(load_id, at, status="SUCCESS", rows=1000, rejected=0, source="batches", file="batches.csv", **more):
    put("RAW_LOAD_AUDIT", LOAD_ID=load_id, COMMAND_ID=str(uuid.uuid4()), TABLE_NAME=source.upper(), SOURCE_NAME=source,
        SOURCE_FILE=file, STATUS=status, ATTEMPT=1, ROWS_LOADED=rows, ROWS_REJECTED=rejected, BYTES=1, MODIFIED_AT=at, AS_OF=at,
        STARTED_AT=at, FINISHED_AT=at, TRACE_ID="0af7651916cd43dd8448eb211c80319c", RUN_FILES=1, TABLE_FILES=1, WORKER="w", **more)
def check(load_id, at, name, status, value, origin="CONTRACT", table="RAW.BATCHES", severity="warn", seen="seen", expected="expected"):
    put("DATA_QUALITY_AUDIT", LOAD_ID=load_id, CHECK_NAME=name, TABLE_NAME=table, SEVERITY=severity, STATUS=status, OBSERVED=seen,
        EXPECTED=expected, FAILED_ROWS=7 if status != "PASS" else 0, CHECKED_AT=at, KIND="k", VALUE=value, ORIGIN=origin)
for day in range(1, 41):
    load_id, at = f"day::{day}", ago(8 + 16 * day)
    load(load_id, at, rows=1800 + int(300 * math.sin(day / 3)), rejected=(day % 7 == 0) * 60)
    share = 0.02 + 0.01 * math.sin(day / 4) + (0.05 if day == 9 else 0)
    status = "FAIL" if share > 0.05 else "WARN" if share > 0.027 else "PASS"
    check(load_id, at, "null_share_operator_id", status, share)
    check(load_id, at, "row_count", "PASS", 1800.0)
    check(load_id, at, "sum_of_weights", "ERROR" if day == 12 else "PASS", None if day == 12 else 1e7 + day * 1e5)
check("day::1", ago(8), "not_null_core_batches_batch_id", "PASS", 0.0, "DBT", "CORE.CORE_BATCHES", "error")
for text in texts:
    load(text[:500], ago(3), "FAILED", 0, 0, "production_orders", text, ERROR=text)
    load("held " + text[:400], ago(4), "QUARANTINED", 10, 2, "materials", text, ERROR=text)
    load("decided " + text[:400], ago(5), "DISCARDED", 10, 0, "materials", text, ERROR=text, DECIDED_BY=text, DECIDED_WHY=text)
    check("day::1", ago(7), text, "FAIL", 0.5, "GATE", "RAW." + text, "error", text, text)
    put("REJECTED_ROWS", LOAD_ID=text[:500], COMMAND_ID="c", TABLE_NAME="BATCHES", SOURCE_FILE=text, SOURCE_LINE=12, REASON=text,
        RAW_TEXT=text + "\0\x1b[31m,\n", IS_TRUNCATED=True, REJECTED_AT=ago(3))
    put("SCHEMA_CHANGES", LOAD_ID=text[:500], COMMAND_ID="c", TABLE_NAME="BATCHES", SOURCE_FILE=text, CHANGE="NEW_COLUMN",
        COLUMN_NAME=text, POLICY="accept", NOTED_AT=ago(3))
    put("QUALITY_SAMPLES", LOAD_ID=text[:500], CHECK_NAME=text, TABLE_NAME="RAW.BATCHES", SOURCE_FILE=text, SOURCE_ROW=1,
        ROW_DATA=text, CHECKED_AT=ago(3))
"#;
    let texts = serde_json::to_string(texts).unwrap();
    let ended = python(code, &[mill.path("warehouse.duckdb").to_str().unwrap(), &texts]);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
