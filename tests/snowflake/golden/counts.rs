//! What one load asks of the service, and what it uploads: the numbers in `workers/warehouse/src/snowflake/design.md`.

use crate::harness::{materials, repository, stop_all};
use crate::mill::SnowMill;

#[test]
fn a_load_asks_nine_times_and_uploads_a_fraction_of_the_file() {
    let mill = SnowMill::alone();
    let workers = mill.start_all(&["ingest"]);
    mill.drop_file("materials_small.csv", materials(&["M1", "M2", "M3"]));
    assert_eq!(
        load(&mill, "materials"),
        ["SELECT MAX(CASE", "PUT", "LIST", "BEGIN", "COPY", "UPDATE", "INSERT", "COMMIT", "REMOVE"]
    );
    std::fs::remove_file(mill.path("raw/materials_small.csv")).unwrap();
    mill.drop_sample();
    for source in ["materials", "production_orders", "batches"] {
        let before = mill.emulator().count("upload_bytes");
        let asked = load(&mill, source);
        let uploaded = mill.emulator().count("upload_bytes") - before;
        let bytes = repository().join(format!("data/raw/source_system/{source}.csv")).metadata().unwrap().len();
        println!("{source}: {} statements, {bytes} bytes, of which {uploaded} were uploaded", asked.len());
        assert_eq!(asked.len(), 9, "{asked:?}");
        assert!(uploaded * 2 < bytes && uploaded > 0, "{source}: {uploaded} of {bytes} bytes");
    }
    stop_all(workers);
}

/// Loads the files of a source, and tells by which statements: those of the load, from the fence to the end of its folder.
fn load(mill: &SnowMill, source: &str) -> Vec<String> {
    mill.emulator().forget_statements(&mill.database);
    let load_id = format!("count::{source}::{}", mill.emulator().count("queries"));
    mill.run(&["trigger", "ingest", "--load-id", &load_id, "--source", source, "--wait", "100"]).expect(0);
    let sent = mill.sent();
    let first = sent.iter().position(|sql| sql.starts_with("SELECT MAX(CASE")).unwrap();
    let last = sent.iter().position(|sql| sql.starts_with("REMOVE")).unwrap();
    let words = |sql: &String| match sql.split_once(' ') {
        Some(("SELECT", rest)) => format!("SELECT {}", rest.split(' ').next().unwrap()),
        Some((word, _)) => word.to_owned(),
        None => sql.clone(),
    };
    sent[first..=last].iter().map(words).collect()
}
