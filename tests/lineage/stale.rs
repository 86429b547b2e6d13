//! Tables that are not of one moment: what a row says of itself goes before what a view shows by now.

use serde_json::Value;

use crate::harness::{Mill, stop_all};

const HEAD: &str = "batch_id,production_order_id,material_id,plant,line,shift,quantity_produced,quantity_rejected,start_time,end_time,status,operator_id,temperature_c_avg,pressure_bar_avg,remarks\n";

const ORDERS: &str = "production_order_id,material_id,plant,line,planned_quantity,actual_quantity,planned_start,planned_end,actual_start,actual_end,order_status,priority\n";

fn batch(id: &str, quantity: u32) -> String {
    format!("{id},,M1,DE01,L01,EARLY,{quantity},1,2026-10-03 05:00:00,2026-10-03 06:00:00,RELEASED,OP-1,200.0,8.0,\n")
}

fn traced(mill: &Mill) -> Value {
    mill.json(&["trace", "mart_daily_plant_line_kpis", "--key", "plant=DE01"])
}

fn level<'a>(traced: &'a Value, table: &str) -> &'a Value {
    traced["levels"].as_array().unwrap().iter().find(|level| level["table"] == table).unwrap()
}

fn notes(traced: &Value) -> String {
    traced["notes"].to_string()
}

#[test]
fn a_mart_that_is_older_than_staging_leads_to_the_load_that_it_was_built_of() {
    let mill = Mill::new();
    // A corrected batch stands further down, and is what counts.
    let content = format!("{HEAD}{}{}{}", batch("B1", 100), batch("B2", 50), batch("b1 ", 70));
    mill.drop_file_of("batches_1.csv", content, 1_790_000_000);
    // Of two orders that ended on the day, one counts.
    let order = |id: &str, status: &str| {
        format!(
            "{id},M1,DE01,L01,10,10,2026-10-03 05:00:00,2026-10-03 06:00:00,2026-10-03 05:00:00,2026-10-03 06:00:00,{status},NORMAL\n"
        )
    };
    mill.drop_file(
        "production_orders.csv",
        format!("{ORDERS}{}{}", order("PO-1", "CANCELLED"), order("PO-2", "COMPLETED")),
    );
    mill.once();
    let before = traced(&mill);
    assert_eq!(level(&before, "MARTS.MART_DAILY_PLANT_LINE_KPIS")["first"][0]["quantity_produced"], "120.000");
    let raw = level(&before, "RAW.BATCHES")["first"].as_array().unwrap().clone();
    let rows: Vec<&str> = raw.iter().map(|row| row["source_row"].as_str().unwrap()).collect();
    assert_eq!(rows, ["2", "3"], "the first of B1's rows counts for nothing");
    let orders = &level(&before, "RAW.PRODUCTION_ORDERS");
    assert_eq!((&orders["rows"], &orders["first"][0]["production_order_id"]), (&1.into(), &"PO-2".into()));
    assert_eq!(notes(&before), "[]");

    // A newer load is current; its models are not built.
    let workers = mill.start_all(&["watch", "ingest"]);
    mill.drop_file_of("batches_2.csv", format!("{HEAD}{}", batch("B1", 9)), 1_790_000_100);
    mill.wait("the load", || mill.value("SELECT count(*) FROM RAW.BATCHES") == "1");
    stop_all(workers);
    let after = traced(&mill);
    assert_eq!(level(&after, "STAGING.STG_BATCHES")["rows"], 0);
    assert_eq!(level(&after, "RAW.BATCHES")["first"], Value::Array(raw));
    assert_eq!(after["files"], before["files"]);
    assert!(
        notes(&after).contains("STAGING.STG_BATCHES shows 0 of the 2 rows that CORE.CORE_BATCHES was made of"),
        "{}",
        notes(&after)
    );

    mill.once();
    let built = traced(&mill);
    assert_eq!(built["files"][0]["source_file"], "batches_2.csv");
    assert_eq!(level(&built, "STAGING.STG_BATCHES")["rows"], 1);
}

#[test]
fn rows_of_a_load_that_was_replaced_since_are_said_to_be_gone() {
    let mill = Mill::new();
    mill.drop_file("batches.csv", format!("{HEAD}{}{}", batch("B1", 100), batch("B2", 50)));
    mill.once();
    let load_id = "a::run";
    let ask = ["trigger", "ingest", "--load-id", load_id, "--source", "batches"];
    mill.run(&ask).expect(0);
    mill.once();
    assert_eq!(traced(&mill)["files"][0]["load_id"], load_id);
    // Loaded again under the same LOAD_ID, of which nothing is built yet.
    let workers = mill.start_all(&["ingest"]);
    mill.run(&[&ask[..], &["--wait", "60"]].concat()).expect(0);
    stop_all(workers);
    let after = traced(&mill);
    assert_eq!(after["files"][0]["load_id"], load_id);
    assert_eq!((&after["files"][0]["rows"], &after["files"][0]["rows_found"]), (&2.into(), &0.into()));
    assert_eq!(level(&after, "RAW.BATCHES")["rows"], 0);
    assert!(
        notes(&after).contains("2 of the rows name a load, file and line that RAW_RUN does not hold"),
        "{}",
        notes(&after)
    );
}
