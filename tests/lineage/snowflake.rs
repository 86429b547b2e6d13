//! The same in Snowflake's SQL, at the emulator.

use crate::mill::SnowMill;

#[test]
fn a_trace_says_the_same_at_snowflake() {
    let mill = SnowMill::new();
    mill.drop_sample();
    mill.once().expect(0);
    let key = mill.query("SELECT daily_kpi_key, quantity_produced, batch_count FROM MARTS.MART_DAILY_PLANT_LINE_KPIS WHERE batch_count > 3 AND finished_order_count > 0 ORDER BY 1 LIMIT 1").remove(0);
    let asked = format!("daily_kpi_key={}", key[0]);
    let traced = mill.json(&["trace", "mart_daily_plant_line_kpis", "--key", &asked, "--limit", "1000"]);
    let raw = traced["levels"].as_array().unwrap().iter().find(|level| level["table"] == "RAW.BATCHES").unwrap();
    assert_eq!(raw["rows"].as_u64().unwrap().to_string(), key[2]);
    let produced = raw["first"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["quantity_produced"].as_str()?.parse::<f64>().ok());
    assert!((produced.sum::<f64>() - key[1].parse::<f64>().unwrap()).abs() < 0.0005);
    assert_eq!(traced["files"][0]["rows"], traced["files"][0]["rows_found"]);
    assert_eq!(traced["loads"][0]["state"], "WARNED");
    for mart in ["mart_batch_features", "mart_material_performance"] {
        mill.run(&["trace", mart]).expect(0);
    }
}
