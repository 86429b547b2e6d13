//! What is measured.

use crate::asking::{mill, start};
use crate::harness::materials;

#[test]
fn a_file_can_be_followed_from_its_load_to_its_verdict() {
    let mill = mill();
    let up = start(&mill, "up");
    mill.drop_file("materials.csv", materials(&["M1", "M2"]));
    mill.wait("the verdict", || up.metric("millrace_verdict_latency_seconds_count", &[]) == Some(1.0));
    let of = ["source=\"materials\"", "table=\"MATERIALS\""];
    assert_eq!(up.metric("millrace_loads_total", &[of[0], of[1], "status=\"success\""]), Some(1.0));
    assert_eq!(up.metric("millrace_load_rows_total", &[of[0], of[1], "outcome=\"loaded\""]), Some(2.0));
    assert!(up.get("/metrics").kind.starts_with("text/plain; version=0.0.4"));
    assert_eq!(up.process.stop(), Some(0));
}
