//! What people ask with: check, load, query, and a dead letter that is mended.

use crate::harness::invariants::{drop_numbered, judged};
use crate::harness::stop_all;
use crate::mill::SnowMill;

#[test]
fn check_proves_the_way_to_the_warehouse_before_and_after_the_first_start() {
    let mill = SnowMill::new();
    let before = mill.run(&["check"]).expect(0);
    assert!(before.stdout.contains("MILLRACE_LOADER") && before.stdout.contains("will be made"), "{}", before.stdout);
    mill.drop_sample();
    mill.once().expect(0);
    let after = mill.run(&["check"]).expect(0);
    assert!(!after.stdout.contains("will be made"), "{}", after.stdout);
    let left = "SELECT count(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME LIKE 'MILLRACE_CHECK%'";
    assert_eq!(mill.value(left), "0");
}

#[test]
fn a_load_is_shown_from_file_to_verdict_and_queried() {
    let mill = SnowMill::new();
    mill.drop_sample();
    mill.once().expect(0);
    assert_eq!(judged(&mill), 3);
    let loads = mill.json(&["loads"]);
    let load_id = loads[0]["load_id"].as_str().unwrap();
    let shown = mill.run(&["load", load_id]).expect(0);
    assert!(shown.stdout.contains("WARNED") || shown.stdout.contains("warned"), "{}", shown.stdout);
    let rows =
        mill.json(&["query", "SELECT LOAD_ID, SOURCE_ROW, LOADED_AT FROM RAW.MATERIALS ORDER BY SOURCE_ROW LIMIT 2"]);
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
    assert_eq!((&rows[0]["SOURCE_ROW"], &rows[1]["SOURCE_ROW"]), (&"1".into(), &"2".into()), "{rows}");
    let told = mill.json(&["report"]);
    assert_eq!((&told["loads"], &told["faults"]), (&3.into(), &serde_json::json!([])), "{told}");
    let report = std::fs::read_to_string(mill.path("millrace-report.html")).unwrap();
    assert!(report.contains("2,000 rows") && report.contains(&mill.database), "the rows of a table, and where");
    let refused = mill.run(&["query", "DROP TABLE RAW_RUN.MATERIALS_RUN"]).expect(1);
    assert!(refused.stderr.contains("only statements that read"), "{}", refused.stderr);
}

#[test]
fn a_wrong_password_is_told_at_start_and_a_bad_file_is_dead_lettered_and_replayed() {
    let mut mill = SnowMill::new();
    let right = mill.emulator().password().to_owned();
    mill.set_variable("SNOWFLAKE_PASSWORD", "hush-hush");
    let refused = mill.run(&["ingest"]).expect(2);
    assert!(refused.stderr.contains("_PASSWORD") && !refused.stderr.contains("hush-hush"), "{}", refused.stderr);
    mill.set_variable("SNOWFLAKE_PASSWORD", right);
    let workers = mill.start_all(&["watch", "ingest", "transform", "dq"]);
    mill.drop_file("source_system/materials_1.csv", "no,such,columns\n1,2,3\n");
    mill.wait("a dead letter", || mill.dead().len() == 1);
    assert_eq!(mill.value("SELECT count(*) FROM RAW.RAW_LOAD_AUDIT WHERE STATUS = 'FAILED'"), "1");
    drop_numbered(&mill, 2);
    mill.wait("the verdict", || judged(&mill) == 1);
    stop_all(workers);
}

#[test]
fn setup_makes_what_check_and_a_first_load_need() {
    let mut mill = SnowMill::new();
    mill.set_variable("SNOWFLAKE_ADMIN_USER", testkit::Emulator::USER);
    let password = mill.emulator().password().to_owned();
    mill.set_variable("SNOWFLAKE_ADMIN_PASSWORD", password.clone());
    let (folder, key) = (mill.path("."), mill.path("key.pub"));
    let openssl = |arguments: &[&str]| {
        assert!(std::process::Command::new("openssl").args(arguments).current_dir(&folder).status().unwrap().success());
    };
    openssl(&["genrsa", "-out", "key.pem", "2048"]);
    openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "key.pub"]);
    let setup = ["setup", "snowflake", "--public-key", key.to_str().unwrap()];
    for _ in 0..2 {
        let made = mill.run(&setup).expect(0);
        assert!(!made.stdout.contains(&password) && !made.stderr.contains(&password));
    }
    let before = mill.emulator().statements(&mill.database).len();
    let checked = mill.run(&["check"]).expect(0);
    assert!(!checked.stdout.contains("will be made"), "{}", checked.stdout);
    mill.drop_sample();
    mill.once().expect(0);
    let made: Vec<_> =
        mill.emulator().statements(&mill.database).into_iter().skip(before).map(|sent| sent.sql).collect();
    let made = made.iter().filter(|sql| sql.trim_start().starts_with("CREATE SCHEMA"));
    assert_eq!(made.count(), 0, "the loader has no right to make schemas");
}

#[test]
fn looking_before_anything_was_loaded_says_so() {
    let mill = SnowMill::new();
    let looked = mill.run(&["loads"]).expect(1);
    assert!(looked.stderr.contains("nothing was loaded yet"), "{}", looked.stderr);
}
