//! Rows that are set aside.

use crate::asked::{LOAD_ID, settled};
use crate::harness::{Mill, materials, stop_all};
use crate::scene::{contracts, load};

/// With file, line, reason and text; the mended file has none.
pub fn rows_that_are_set_aside_are_shown(mill: &mut Mill) {
    contracts(mill);
    let bad = "BAD,\"a \u{1b}[2J, b\",too,many,fields,of,it,are,in,this,row\n";
    let good = materials(&["M1", "M2"]);
    mill.drop_file("materials.csv", format!("{good}{bad}M3,too few\n"));
    let workers = mill.start_all(&["ingest"]);
    let (answer, code) = load(mill);
    let table = &answer["data"]["tables"][0];
    assert_eq!((&table["rows_loaded"], &table["rows_rejected"], code), (&2.into(), &2.into(), 0), "{answer}");
    settled(mill, &["ingest"]);
    let rows = mill.json(&["rejects", LOAD_ID]);
    let rows = rows.as_array().unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row["uri"].as_str().unwrap(), row["line"].as_u64().unwrap())).collect();
    assert_eq!(told, [("materials.csv", 4), ("materials.csv", 5)]);
    assert_eq!(rows[0]["raw"].as_str().unwrap().trim_end(), bad.trim_end());
    let shown = mill.run(&["rejects", LOAD_ID, "--limit", "1"]).expect(0).stdout;
    assert!(shown.contains("there are more") && shown.contains("too,many") && !shown.contains('\u{1b}'), "{shown:?}");
    let csv = mill.run(&["rejects", LOAD_ID, "--csv"]).expect(0).stdout;
    assert!(csv.starts_with("file,line,reason,truncated,text\n") && csv.contains("\"M3,too few"), "{csv}");
    let told = mill.run(&["load", LOAD_ID]).expect(0).stdout;
    assert!(told.contains("millrace rejects"), "{told}");
    assert!(mill.run(&["rejects", "no::such"]).expect(1).stderr.contains("no load is known"));
    mill.drop_file("materials.csv", good);
    load(mill);
    settled(mill, &["ingest"]);
    stop_all(workers);
    assert_eq!(mill.json(&["rejects", LOAD_ID]).as_array().unwrap().len(), 0);
    assert!(mill.run(&["rejects", LOAD_ID]).expect(0).stdout.contains("no row of it was set aside"));
}
