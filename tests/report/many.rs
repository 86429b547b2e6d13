//! However much the audit holds, the file stays within its bounds.

use crate::harness::{Mill, python};

#[test]
fn ten_thousand_loads_are_less_than_two_megabytes() {
    let mill = Mill::new();
    mill.once().expect(0);
    let ended = python(include_str!("many.py"), &[mill.path("warehouse.duckdb").to_str().unwrap(), "10000"]);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let told = mill.json(&["report", "--days", "30"]);
    assert_eq!(told["loads"], 10_000, "{told}");
    assert_eq!(told["faults"], serde_json::json!([]), "{told}");
    let bytes = std::fs::metadata(mill.path("millrace-report.html")).unwrap().len();
    assert_eq!(told["bytes"], bytes);
    assert!(bytes < 2_000_000, "{bytes}");
}
