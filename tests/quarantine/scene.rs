//! Contracts that hold back, and files that they hold back.

use crate::asked::{LOAD_ID, Waiting};
use crate::harness::{MATERIALS, Mill, materials, repository};

/// What is added to the contract of materials: a file without a column is held back, and bad rows are set aside.
const SURPRISES: &str = "
surprises:
  missing_column: quarantine
  bad_row: {policy: quarantine, max_share: 0.5}
";

/// A check of it decides before anybody sees the rows.
const GATE: &str = "checks:\n  - {kind: row_count, name: not_too_many, max: 3, gate: true}\n";

/// The contracts of this repository, that of materials with more in it.
pub fn contracts(mill: &mut Mill) {
    let sources = mill.path("sources");
    std::fs::create_dir_all(&sources).unwrap();
    for name in ["materials", "production_orders", "batches"] {
        let text = std::fs::read_to_string(repository().join(format!("data/sources/{name}.yaml"))).unwrap();
        let more = if name == "materials" { SURPRISES } else { "" };
        let text = if name == "materials" { text.replace("checks:\n", GATE) } else { text };
        std::fs::write(sources.join(format!("{name}.yaml")), format!("{text}{more}")).unwrap();
    }
    mill.set("PATHS__CONTRACTS", sources.display().to_string());
}

/// A file of these materials without their lead time.
pub fn odd(ids: &[&str]) -> String {
    let rows = ids.iter().map(|id| format!("{id},Steel {id},RAW,KG,1.50,EUR,S1,2026-01-02T03:04:05Z\n"));
    format!("{}\n{}", MATERIALS.replace("lead_time_days,", ""), rows.collect::<String>())
}

/// Something is current, and a file that is held back was asked for: the answer says so.
pub fn hold_one(mill: &mut Mill) {
    contracts(mill);
    mill.drop_file("materials.csv", materials(&["OLD"]));
    mill.once().expect(0);
    mill.drop_file("materials.csv", odd(&["NEW1", "NEW2"]));
}

/// Asks for the load, and waits for its end.
pub fn load(mill: &Mill) -> (serde_json::Value, i32) {
    Waiting::begin(mill, &["trigger", "ingest", "--load-id", LOAD_ID, "--source", "materials"]).answer()
}

/// Releases or discards it, in a process of its own.
pub fn begin(mill: &Mill, verdict: &str, by: &str) -> Waiting {
    Waiting::begin(mill, &[verdict, LOAD_ID, "--reason", "the line stood still", "--by", by])
}

/// The materials that the view shows.
pub fn shown(mill: &Mill) -> String {
    mill.value("SELECT string_agg(MATERIAL_ID, ' ' ORDER BY MATERIAL_ID) FROM RAW.MATERIALS")
}

/// What the audit says of the load's files, plans left out.
pub fn statuses(mill: &Mill) -> Vec<String> {
    let sql = format!(
        "SELECT STATUS FROM RAW.RAW_LOAD_AUDIT WHERE LOAD_ID = '{LOAD_ID}' AND STATUS <> 'PLANNED' ORDER BY FINISHED_AT"
    );
    mill.query(&sql).into_iter().map(|mut row| row.remove(0)).collect()
}
