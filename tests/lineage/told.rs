//! What `millrace trace` tells people and programs.

use serde_json::Value;

use crate::harness::Mill;

fn levels(traced: &Value) -> Vec<(String, u64)> {
    let told = |level: &Value| (level["table"].as_str().unwrap().to_owned(), level["rows"].as_u64().unwrap());
    traced["levels"].as_array().unwrap().iter().map(told).collect()
}

#[test]
fn a_number_is_followed_to_its_file_and_what_is_asked_wrongly_is_told() {
    let mut mill = Mill::new();
    let early = mill.run(&["trace", "mart_material_performance"]);
    assert_ne!(early.code, Some(0), "{early:?}");
    mill.drop_sample();
    mill.once().expect(0);
    mill.set("TELEMETRY__TRACE_URL", "http://jaeger/trace/{trace_id}");

    let key = mill.query("SELECT daily_kpi_key, plant, line, production_date FROM MARTS.MART_DAILY_PLANT_LINE_KPIS WHERE batch_count > 3 AND finished_order_count > 0 ORDER BY 1 LIMIT 1").remove(0);
    let (plant, line, day) =
        (format!("plant={}", key[1]), format!("line={}", key[2]), format!("production_date={}", key[3]));
    let asked = ["trace", "MART_DAILY_PLANT_LINE_KPIS", "--key", &plant, "--key", &line, "--key", &day];
    let traced = mill.json(&asked);
    let told = levels(&traced);
    assert_eq!(told[0], ("MARTS.MART_DAILY_PLANT_LINE_KPIS".into(), 1));
    let rows = |table: &str| told.iter().find(|(name, _)| name == table).unwrap().1;
    for chain in [
        ["CORE.CORE_BATCHES", "STAGING.STG_BATCHES", "RAW.BATCHES"],
        ["CORE.CORE_MATERIALS", "STAGING.STG_MATERIALS", "RAW.MATERIALS"],
    ] {
        assert!(rows(chain[0]) > 0 && chain.iter().all(|table| rows(table) == rows(chain[0])), "{told:?}");
    }
    let file = &traced["files"].as_array().unwrap().iter().find(|file| file["table"] == "BATCHES").unwrap();
    assert_eq!(
        (file["rows"].as_u64(), file["rows_found"].as_u64()),
        (Some(rows("RAW.BATCHES")), Some(rows("RAW.BATCHES")))
    );
    assert_eq!(
        (file["audit"]["status"].as_str(), file["source_file"].as_str()),
        (Some("SUCCESS"), Some("source_system/batches.csv"))
    );
    assert!(file["audit"]["file_id"].as_str().unwrap().starts_with("sha256:"));
    let load = traced["loads"].as_array().unwrap().iter().find(|load| load["load_id"] == file["load_id"]).unwrap();
    assert_eq!((load["state"].as_str(), &load["trace_id"]), (Some("WARNED"), &file["audit"]["trace_id"]));
    assert_eq!(load["trace_url"], format!("http://jaeger/trace/{}", load["trace_id"].as_str().unwrap()));
    assert_eq!(traced["notes"], Value::Array(Vec::new()));

    let shown = mill.run(&asked).expect(0).stdout;
    for word in
        ["MARTS", "CORE", "STAGING", "RAW", "source_system/batches.csv", "WARNED", "sha256:", &key[0], "http://jaeger/"]
    {
        assert!(shown.contains(word), "{word} is missing in {shown}");
    }
    let features = mill.run(&["trace", "mart_batch_features", "--limit", "1"]).expect(0).stdout;
    assert!(features.contains("not traced from MARTS.MART_BATCH_FEATURES: line_batches_before"), "{features}");
    assert!(features.contains("the first 1: see --limit") && features.contains("1 of 3 loads"), "{features}");

    for (arguments, code, word) in [
        (&["trace", "mart_nothing"][..], 2, "there are MARTS.MART_BATCH_FEATURES, "),
        (&["trace", "mart_batch_features", "--key", "batch=B"], 2, "has no column batch: it has batch_id"),
        (&["trace", "mart_batch_features", "--key", "a' OR 1=1=x"], 2, "no name of a column"),
        (&["trace", "mart_batch_features", "--key", "batch_id"], 2, "column=value"),
        (
            &["trace", "mart_batch_features", "--key", "batch_id=B' OR '1'='1"],
            1,
            "no row of MARTS.MART_BATCH_FEATURES has batch_id B' OR",
        ),
        (&["trace", "mart_batch_features", "--key", "batch_id=a\\'b"], 1, "no row of"),
        (&["trace", "mart_batch_features", "--key", "batch_id="], 1, "has no batch_id"),
        (&["trace", "mart_batch_features", "--limit", "0"], 2, "a number from 1"),
        (&["trace", "mart_daily_plant_line_kpis", "--key", "production_date=soon"], 1, "may not fit its column"),
    ] {
        let ended = mill.run(arguments).expect(code);
        assert!(ended.stderr.contains(word), "{word:?} is missing in {}", ended.stderr);
    }
}
