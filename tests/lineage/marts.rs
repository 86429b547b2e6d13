//! The proof that a trace is right: every row of every mart leads to rows that its files really have, and its numbers are
//! those that these rows give.

use std::collections::{BTreeMap, HashMap, HashSet};

use runtime::Contracts;
use runtime::lineage::graph::{Graph, Start};

use crate::file::{File, assert_same};
use crate::harness::{Mill, repository};

const SOURCES: [(&str, &str); 3] =
    [("MATERIALS", "materials"), ("PRODUCTION_ORDERS", "production_orders"), ("BATCHES", "batches")];

pub fn graph() -> Graph {
    let contracts = Contracts::read(&repository().join("data/sources")).unwrap();
    Graph::read(&repository().join("workers/transform/dbt"), &contracts).unwrap()
}

/// For each row of a table, by its key: the rows of RAW behind it, as source and row number.
fn behind(mill: &Mill, table: &str, key: &str) -> BTreeMap<String, Vec<(&'static str, String)>> {
    let graph = graph();
    let start = Start { keys: Vec::new(), kept: vec![key.into()] };
    let walk = graph.walk(graph.find(table).unwrap(), &start).unwrap();
    let mut behind: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for level in walk.levels().iter().filter(|level| level.node.is_source) {
        let (_, source) = SOURCES.into_iter().find(|(table, _)| *table == level.node.table).unwrap();
        let sql = format!("SELECT MILLRACE_KEPT_0, SOURCE_FILE, SOURCE_ROW FROM ({}) X", walk.all(level));
        for row in mill.query(&sql) {
            assert_eq!(row[1], format!("source_system/{source}.csv"));
            behind.entry(row[0].clone()).or_default().push((source, row[2].clone()));
        }
    }
    behind
}

struct Scene {
    mill: Mill,
    files: HashMap<&'static str, File>,
}

impl Scene {
    fn new() -> Self {
        let mill = Mill::new();
        mill.drop_sample();
        mill.once().expect(0);
        let read = |(_, source)| (source, File::read(&mill, &format!("source_system/{source}.csv")));
        let files = SOURCES.into_iter().map(read).collect();
        Self { mill, files }
    }

    /// The file's rows behind one row, of one source.
    fn rows<'a>(&'a self, behind: &'a [(&str, String)], source: &'a str) -> Vec<&'a HashMap<String, String>> {
        behind.iter().filter(|(of, _)| *of == source).map(|(of, row)| self.files[of].row(row)).collect()
    }

    /// The numbers of a mart, by key.
    fn numbers(&self, table: &str, key: &str, columns: &str) -> Vec<(String, Vec<f64>)> {
        let rows = self.mill.query(&format!("SELECT {key}, {columns} FROM {table}"));
        let number = |text: &String| text.parse().unwrap_or(0.0);
        rows.into_iter().map(|row| (row[0].clone(), row[1..].iter().map(number).collect())).collect()
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

fn sum(rows: &[&HashMap<String, String>], column: &str) -> f64 {
    rows.iter().filter_map(|row| number(&row[column])).sum()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() < 0.0005, "{what}: {found} in the mart, {expected} from the file");
}

#[test]
fn every_row_of_every_mart_leads_to_lines_of_its_files_and_its_numbers_are_theirs() {
    let scene = Scene::new();
    daily(&scene);
    materials(&scene);
    features(&scene);
    raw_rows_are_the_files(&scene);
}

fn daily(scene: &Scene) {
    let behind = behind(&scene.mill, "mart_daily_plant_line_kpis", "daily_kpi_key");
    let numbers = scene.numbers(
        "MARTS.MART_DAILY_PLANT_LINE_KPIS",
        "daily_kpi_key",
        "quantity_produced, batch_count, rejected_batch_count, finished_order_count",
    );
    assert!(numbers.len() > 500);
    for (key, found) in numbers {
        let behind = behind.get(&key).unwrap_or_else(|| panic!("nothing behind {key}"));
        let batches = scene.rows(behind, "batches");
        assert_near(found[0], sum(&batches, "quantity_produced"), &key);
        assert_near(found[1], batches.len() as f64, &key);
        let rejected = batches.iter().filter(|row| row["status"].trim().eq_ignore_ascii_case("rejected"));
        assert_near(found[2], rejected.count() as f64, &key);
        let day = &key[..10];
        let counts = |row: &HashMap<String, String>| {
            code(&row["order_status"]) == "COMPLETED"
                && row["actual_end"].starts_with(day)
                && key.ends_with(&format!("|{}|{}", code(&row["plant"]), code(&row["line"])))
        };
        assert_near(found[3], orders(scene, behind, &key, counts), &key);
    }
}

/// How many of the orders behind a row it counts. The others must be those of its batches: nothing else is there.
fn orders(
    scene: &Scene,
    behind: &[(&str, String)],
    key: &str,
    counts: impl Fn(&HashMap<String, String>) -> bool,
) -> f64 {
    let batches = scene.rows(behind, "batches");
    let of_batches: HashSet<String> = batches.iter().map(|row| code(&row["production_order_id"])).collect();
    let orders = scene.rows(behind, "production_orders");
    for order in &orders {
        let id = code(&order["production_order_id"]);
        assert!(counts(order) || of_batches.contains(&id), "{id} has nothing to do with {key}");
    }
    let of_both: HashSet<String> =
        batches.iter().chain(&orders).map(|row| code(&row["material_id"])).chain([key.to_owned()]).collect();
    for material in scene.rows(behind, "materials") {
        let id = code(&material["material_id"]);
        assert!(of_both.contains(&id), "{id} has nothing to do with {key}");
    }
    orders.into_iter().filter(|order| counts(order)).count() as f64
}

/// As STAGING writes a code, and CORE one that is not there.
fn code(text: &str) -> String {
    match text.trim() {
        "" => "UNKNOWN".into(),
        text => text.to_uppercase(),
    }
}

fn materials(scene: &Scene) {
    let behind = behind(&scene.mill, "MARTS.MART_MATERIAL_PERFORMANCE", "material_id");
    let numbers = scene.numbers(
        "MARTS.MART_MATERIAL_PERFORMANCE",
        "material_id",
        "quantity_produced, batch_count, order_count, standard_cost",
    );
    assert!(numbers.len() > 100);
    for (key, found) in numbers {
        let behind = behind.get(&key).unwrap_or_else(|| panic!("nothing behind {key}"));
        let batches = scene.rows(behind, "batches");
        assert_near(found[0], sum(&batches, "quantity_produced"), &key);
        assert_near(found[1], batches.len() as f64, &key);
        let counts = |row: &HashMap<String, String>| {
            code(&row["material_id"]) == key && code(&row["order_status"]) != "CANCELLED"
        };
        assert_near(found[2], orders(scene, behind, &key, counts), &key);
        let own: Vec<_> =
            scene.rows(behind, "materials").into_iter().filter(|row| code(&row["material_id"]) == key).collect();
        assert_eq!(own.len(), 1, "{key}");
        let cost = number(&own[0]["standard_cost"]).filter(|cost| *cost >= 0.0).unwrap_or(0.0);
        assert_near(found[3], cost, &key);
    }
}

fn features(scene: &Scene) {
    let behind = behind(&scene.mill, "mart_batch_features", "batch_id");
    let rows = scene.numbers("MARTS.MART_BATCH_FEATURES", "batch_id", "temperature_c_avg, is_temperature_imputed::int");
    assert!(rows.len() > 1_900);
    // Of a batch that stands twice in the file, STAGING takes the later row.
    let file = &scene.files["batches"];
    let mut last: HashMap<String, usize> = HashMap::new();
    let mut twice = HashSet::new();
    for (at, row) in file.rows() {
        if last.insert(code(&row["batch_id"]), at).is_some() {
            twice.insert(code(&row["batch_id"]));
        }
    }
    assert!(!twice.is_empty(), "the sample has corrected batches");
    for (key, found) in rows {
        let behind = behind.get(&key).unwrap_or_else(|| panic!("nothing behind {key}"));
        let batches: Vec<&String> = behind.iter().filter(|(of, _)| *of == "batches").map(|(_, row)| row).collect();
        assert_eq!(batches, [&last[&key].to_string()], "{key}");
        if found[1] == 0.0 {
            let own = number(&file.row(batches[0])["temperature_c_avg"]).unwrap();
            assert_near(found[0], own, &key);
        }
    }
}

/// What `millrace trace` shows of RAW is what the file has at that place.
fn raw_rows_are_the_files(scene: &Scene) {
    let traced = scene.mill.json(&["trace", "mart_material_performance", "--limit", "100000"]);
    let mut seen = 0;
    for level in traced["levels"].as_array().unwrap().iter().filter(|level| level["layer"] == "RAW") {
        let (_, source) = SOURCES.into_iter().find(|(table, _)| level["table"] == format!("RAW.{table}")).unwrap();
        let rows = level["first"].as_array().unwrap();
        assert_eq!(level["rows"], rows.len());
        for row in rows {
            assert_same(row, scene.files[source].row(row["source_row"].as_str().unwrap()));
            seen += 1;
        }
    }
    assert!(seen > 2_500, "{seen}");
}
