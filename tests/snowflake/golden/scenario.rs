//! A mill that does everything that sends a statement.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::Collector;

use crate::harness::{materials, repository, stop_all, without_block};
use crate::mill::SnowMill;

/// What is done about odd files.
const SURPRISES: &str = "
surprises:
  new_column: evolve
  bad_row: {policy: quarantine, max_share: 0.5}
";

/// Every kind of check, in the forms in which they are asked.
const CHECKS: &str = "
checks:
  - {kind: row_count, min: 1}
  - {kind: row_count, name: not_too_many, max: 30, gate: true}
  - {kind: null_share, column: material_id, max: 0}
  - {kind: unique, columns: [material_id]}
  - {kind: unique, name: same_name, columns: [material_name, material_type], ignore_case: true}
  - {kind: accepted_values, column: material_type, values: [RAW, FINISHED]}
  - {kind: accepted_values, name: spelling, column: material_type, values: [RAW, FINISHED], ignore_case: true}
  - {kind: accepted_range, column: standard_cost, min: 0, max: 1000000}
  - {kind: accepted_range, column: lead_time_days, min: 0}
  - {kind: accepted_range, name: created, column: created_at, min: \"2010-01-01\"}
  - {kind: freshness, max_age_hours: 48}
  - {kind: freshness, name: newest_value, column: created_at, max_age_hours: 876000}
  - {kind: relationship, column: material_id, to: production_orders.material_id, severity: warn}
  - {kind: relationship, name: related, column: supplier_id, to: materials.supplier_id, ignore_case: true}
";

/// All that was sent, each once.
pub fn play() -> BTreeSet<String> {
    let mut mill = SnowMill::new();
    contracts(&mut mill, "");
    let collector = recorded(&mut mill);
    mill.run(&["check"]).expect(0);
    // One after the other, so that what is judged does not depend on who was quicker.
    sample(&mill, "production_orders.csv");
    mill.once().expect(0);
    mill.drop_file("source_system/materials.csv", materials(&["M1", "M2"]));
    mill.once().expect(0);
    mill.run(&["check"]).expect(0);

    let workers = mill.start_all(&["ingest", "transform", "dq"]);
    for name in ["materials_1.csv", "materials_2.csv"] {
        mill.drop_file(&format!("run/{name}"), materials(&[name]));
    }
    let load_id = "it's::a::run";
    for _ in 0..2 {
        // A run over two files and those before; asked for again, it replaces what it brought.
        let asked = ["trigger", "ingest", "--load-id", load_id, "--source", "materials", "--wait", "100"];
        mill.run(&asked).expect(0);
    }
    mill.wait("the verdict", || mill.run(&["load", load_id]).stdout.to_lowercase().contains("warned"));
    stop_all(workers);
    take_back(&mill);
    hold_back(&mill);
    // A header that does not fit, and a file that no contract knows, with a backslash in its name.
    mill.drop_file("source_system/materials_3.csv", "no,such,columns\n1,2,3\n");
    mill.drop_file("source_system/un\\known.csv", "a,b\n1,2\n");
    mill.once();
    let dead = mill.dead();
    assert_eq!(dead.len(), 2, "{dead:#?}");
    collector.wait_for_spans("the rows of models", |spans| !spans.is_empty());

    mill.run(&["loads"]).expect(0);
    mill.run(&["load", load_id]).expect(0);
    mill.run(&["query", "SELECT LOAD_ID FROM RAW.MATERIALS"]).expect(0);
    traced(&mill);
    let told = mill.json(&["report"]);
    assert_eq!(told["faults"], json!([]), "{told}");
    contracts(&mut mill, "  - {name: colour, description: How it looks.}\n");
    mill.once();
    mill.sent().into_iter().collect()
}

/// A row of which each kind of way leads to others: the same columns, a condition, and what a row says of its origin. From other
/// tables the statements are longer, and differ by what their models declare.
fn traced(mill: &SnowMill) {
    let traced = mill.json(&["trace", "core_production_orders", "--key", "production_order_id=PO-0000001"]);
    assert_eq!(traced["files"][0]["source_file"], "source_system/production_orders.csv", "{traced}");
    mill.run(&["trace", "RAW.MATERIALS"]).expect(0);
    mill.run(&["trace", "core_materials", "--key", "material_id="]).expect(1);
}

/// Commands of each stage, and a file, that were taken back before anybody had begun them: each behind its cancel in its queue.
fn take_back(mill: &SnowMill) {
    let send = |at: u32, exchange: &str, kind: &str, data: Value| {
        let body = json!({
            "specversion": "1.0", "id": format!("0190b6d0-0000-7000-8000-{at:012}"), "source": "test", "type": kind,
            "time": "2026-11-23T00:00:00Z", "data": data
        });
        mill.publish(exchange, &format!("{kind}.0000000000000000"), body.to_string().as_bytes());
    };
    let cancel = |at: u32, stage: &str, command: u32| {
        let command_id = format!("0190b6d0-0000-7000-8000-{command:012}");
        let data = json!({ "load_id": "it's::taken::back", "command_id": command_id, "reason": "the wrong day" });
        send(at, "millrace.commands", &format!("{stage}.cancel.requested"), data);
    };
    for (at, stage) in [(10, "ingest"), (20, "transform"), (30, "dq")] {
        cancel(at, stage, at + 1);
        let data = json!({ "load_id": "it's::taken::back", "sources": ["materials"] });
        send(at + 1, "millrace.commands", &format!("{stage}.requested"), data);
    }
    cancel(40, "ingest", 41);
    let time = "2026-11-23T00:00:00Z";
    let file = json!({
        "load_id": "it's::taken::back", "source": "materials", "uri": "source_system/materials.csv", "size_bytes": 1,
        "modified_at": time, "as_of": time, "command_id": "0190b6d0-0000-7000-8000-000000000041", "run_files": 1,
        "table_files": 1
    });
    send(42, "millrace.events", "source.file.discovered", file);
    mill.once();
    let told = mill.run(&["load", "it's::taken::back"]).stdout;
    assert!(told.contains("CANCELLED") && told.contains("the wrong day"), "{told}");
}

/// Files that a gate holds back, with rows that are set aside: one is released, another given up.
fn hold_back(mill: &SnowMill) {
    let ids: Vec<String> = (0..40).map(|id| format!("H{id}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let file =
        format!("{}H40,too few\nH41,C:\\new\n", materials(&ids).replacen("lead_time_days", "LEAD_TIME_DAYS,zone", 1));
    let file = file.replace(",7,2026", ",7,,2026");
    for (load_id, verdict) in [("it's::held", "release"), ("it's::given::up", "discard")] {
        mill.drop_file("source_system/materials.csv", &file);
        let workers = mill.start_all(&["ingest"]);
        let asked =
            ["trigger", "ingest", "--load-id", load_id, "--file", "source_system/materials.csv", "--wait", "100"];
        let told = mill.run(&asked).expect(1).stdout;
        assert!(told.contains("held back"), "{told}");
        mill.run(&[verdict, load_id, "--reason", "it's right", "--by", "jane", "--wait", "100"]).expect(0);
        stop_all(workers);
        assert_eq!(mill.json(&["rejects", load_id]).as_array().unwrap().len(), 2);
        mill.run(&["load", load_id]);
    }
    mill.once();
}

/// The contracts that ship, with these checks, and with one more source, whose files add to each other.
fn contracts(mill: &mut SnowMill, column: &str) {
    let folder = mill.path("contracts");
    std::fs::create_dir_all(&folder).unwrap();
    for source in ["materials", "production_orders", "batches"] {
        let shipped = std::fs::read_to_string(repository().join(format!("data/sources/{source}.yaml"))).unwrap();
        let (columns, _) = shipped.split_once("\nchecks:").unwrap();
        let columns = if source == "materials" { without_block(columns, "surprises:") } else { columns.into() };
        let more = if source == "materials" { format!("\n{column}{SURPRISES}{CHECKS}") } else { "\n".into() };
        std::fs::write(folder.join(format!("{source}.yaml")), format!("{columns}{more}")).unwrap();
    }
    let readings = "source: readings\ndescription: Readings.\nowner: nobody\nfiles: [\"**/readings*.csv\"]\n\
        mode: increment\nkeys: [id]\ncolumns:\n  - {name: id, description: The reading.}\n  - {name: order, description: A name that SQL reserves.}\n";
    std::fs::write(folder.join("readings.yaml"), readings).unwrap();
    mill.set("PATHS__CONTRACTS", folder.display().to_string());
}

/// Somebody records: only then the rows of the models are counted.
fn recorded(mill: &mut SnowMill) -> Collector {
    let collector = Collector::start();
    mill.set_variable("OTEL_EXPORTER_OTLP_ENDPOINT", collector.grpc_url());
    mill.set_variable("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    collector
}

fn sample(mill: &SnowMill, name: &str) {
    let uri = format!("source_system/{name}");
    mill.drop_file(&uri, std::fs::read(repository().join("data/raw").join(&uri)).unwrap());
}
