//! The file itself, with and without something to tell.

use crate::harness::{Mill, materials};
use crate::scene;

fn written(mill: &Mill, arguments: &[&str]) -> (serde_json::Value, String) {
    let file = mill.path("report.html");
    let told = mill.json(&[&["report", "--out", file.to_str().unwrap()], arguments].concat());
    (told, std::fs::read_to_string(file).unwrap())
}

/// Nothing of it is fetched or run, wherever it is opened.
fn assert_closed(html: &str) {
    let lower = html.to_lowercase();
    for open in ["<script", "<link", "<img", "<iframe", "src=\"", "url(", "@import", "javascript:", "<form", "<base"] {
        assert!(!lower.contains(open), "{open}");
    }
    assert!(html.contains("default-src 'none'; style-src 'unsafe-inline'"));
}

#[test]
fn what_others_wrote_stays_text() {
    let mill = scene::everything();
    let (told, html) = written(&mill, &[]);
    assert_closed(&html);
    assert!(html.contains("&lt;script&gt;window.injected = 1&lt;/script&gt;"));
    assert!(!html.contains('\u{202e}') && !html.contains('\0') && !html.contains('\u{1b}'));
    assert!(told["needs"].as_u64() > Some(3), "{told}");
    // What is not within the days is not in it.
    let (_, html) = written(&mill, &["--days", "1"]);
    assert!(!html.contains("day::40") && html.contains("&lt;script&gt;"));
}

#[test]
fn a_warehouse_in_which_nothing_was_loaded_has_a_report_too() {
    let mill = Mill::new();
    let refused = mill.run(&["report"]).expect(2);
    assert!(refused.stderr.contains("warehouse.duckdb can't be opened"), "{}", refused.stderr);
    assert!(!mill.path("millrace-report.html").exists());
    mill.once().expect(0);
    let (told, html) = written(&mill, &[]);
    assert_closed(&html);
    assert_eq!((&told["loads"], &told["faults"]), (&0.into(), &serde_json::json!([])), "{told}");
    assert!(html.contains("No load in this time."));
}

/// What an older version has written, and what is broken, is left out and told.
#[test]
fn what_cannot_be_read_is_missing_and_said_so() {
    let mut mill = Mill::new();
    mill.drop_file("materials.csv", materials(&["M1"]));
    mill.once().expect(0);
    let code = "
import duckdb, sys
held = duckdb.connect(sys.argv[1])
held.execute('UPDATE RAW.DATA_QUALITY_AUDIT SET KIND = NULL, VALUE = NULL, ORIGIN = NULL')
held.execute('UPDATE RAW.RAW_LOAD_AUDIT SET DECIDED_BY = NULL')
held.execute('DROP TABLE RAW.REJECTED_ROWS')
";
    let ended = crate::harness::python(code, &[mill.path("warehouse.duckdb").to_str().unwrap()]);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    mill.set("BUS__URL", "amqp://nobody:nothing@127.0.0.1:9/");
    let (told, html) = written(&mill, &[]);
    assert_closed(&html);
    let faults: Vec<&str> = told["faults"].as_array().unwrap().iter().map(|fault| fault.as_str().unwrap()).collect();
    assert!(faults.iter().any(|fault| fault.contains("REJECTED_ROWS")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.starts_with("dead letters: ")), "{faults:?}");
    assert!(html.contains("Missing in this report") && html.contains("row_count"), "the rest is there");
    assert!(!html.contains("nothing@127"), "no password is shown");
}
