//! The project that ships, and projects that are wrong.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use super::*;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> Graph {
    let contracts = Contracts::read(&repository().join("data/sources")).unwrap();
    Graph::read(&repository().join("workers/transform/dbt"), &contracts).unwrap()
}

#[test]
fn every_model_that_ships_says_where_its_rows_come_from() {
    let graph = shipped();
    assert_eq!(graph.faults(), Vec::<String>::new());
    let mart = graph.find("mart_daily_plant_line_kpis").unwrap();
    assert_eq!(mart.relation(), "MARTS.MART_DAILY_PLANT_LINE_KPIS");
    assert_eq!(graph.find("marts.mart_daily_plant_line_kpis"), Some(mart));
    let walk = graph.walk(mart, &Start { keys: Vec::new(), kept: Vec::new() }).unwrap();
    let sources: Vec<&str> =
        walk.levels().iter().filter(|level| level.node.is_source).map(|level| level.node.name.as_str()).collect();
    assert_eq!(sources.len(), 3, "{sources:?}");
}

#[test]
fn what_somebody_asks_for_stays_a_text() {
    let graph = shipped();
    let mart = graph.find("MART_MATERIAL_PERFORMANCE").unwrap();
    let asked = |name: &str, value: &str| Start { keys: vec![(name.into(), value.into())], kept: Vec::new() };
    let walk = graph.walk(mart, &asked("material_id", "x' OR 1=1 --")).unwrap();
    assert!(walk.rows(&walk.levels()[0], 5).contains("P.\"MATERIAL_ID\" = 'x'' OR 1=1 --'"));
    assert!(graph.walk(mart, &asked("material_id = 1 OR 1", "x")).unwrap_err().contains("no name"));
    assert!(
        graph.walk(mart, &asked("materiel", "x")).unwrap_err().contains("has no column materiel: it has material_id,")
    );
    let nothing = graph.walk(mart, &asked("material_id", "")).unwrap();
    assert!(nothing.rows(&nothing.levels()[0], 5).contains("IS NULL"));
}

#[test]
fn a_level_is_asked_for_without_those_behind_it() {
    let graph = shipped();
    let start = Start { keys: Vec::new(), kept: Vec::new() };
    let walk = graph.walk(graph.find("mart_batch_features").unwrap(), &start).unwrap();
    let levels = walk.levels();
    for (at, level) in levels.iter().enumerate() {
        for sql in [walk.rows(level, 1), walk.files(level), walk.all(level)] {
            assert!(sql.starts_with("WITH MILLRACE_0 AS (") && sql.contains(&format!("MILLRACE_{at} AS (")), "{sql}");
            assert!(!sql.contains(&format!("MILLRACE_{}", at + 1)), "{sql}");
        }
    }
    assert!(levels.len() > 3);
}

/// A project of these files below `models`.
fn project(files: &[(&str, &str)]) -> Result<Graph, String> {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        "name: p\nmodels:\n  p:\n    staging: {+schema: STAGING}\n    marts: {+schema: marts, deep: {+schema: DEEP}}\n";
    std::fs::write(folder.path().join("dbt_project.yml"), settings).unwrap();
    for (name, text) in files {
        let path = folder.path().join("models").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Graph::read(folder.path(), &Contracts::default())
}

const SOURCES: &str = "sources:\n  - name: raw\n    schema: RAW\n    tables:\n      - {name: a, identifier: A, columns: [{name: id}, {name: load_id}]}\n";
const STAGING: (&str, &str) = ("staging/stg_a.sql", "select id, {{ lineage() }} from {{ source('raw', 'a') }}");

fn mart(from: &str) -> Vec<String> {
    let yaml = format!(
        "models:\n  - name: m\n    columns: [{{name: id}}, {{name: day}}]\n    config: {{meta: {{millrace: {{from: {from}}}}}}}\n  \
        - {{name: stg_a, columns: [{{name: id}}, {{name: load_id}}, {{name: source_file}}, {{name: source_row}}, {{name: loaded_at}}]}}\n"
    );
    let files = [
        ("_s.yml", SOURCES),
        STAGING,
        ("marts/_m.yml", &*yaml),
        ("marts/m.sql", "select id, '1' as day from {{ ref('stg_a') }}"),
    ];
    project(&files).unwrap().faults().iter().filter(|fault| fault.starts_with("m")).cloned().collect()
}

#[test]
fn what_is_wrong_with_a_lineage_is_told() {
    assert_eq!(mart("{stg_a: [id]}"), Vec::<String>::new());
    for (from, word) in [
        ("{}", "m reads stg_a, and nothing says"),
        ("{stg_a: [id], stg_b: [id]}", "names stg_b, which is no model"),
        ("{stg_a: [id], raw.a: [id]}", "names raw.a, which its SQL does not read"),
        ("{stg_a: [idd]}", "idd is no column of m"),
        ("{stg_a: [day]}", "day is no column of stg_a"),
        ("{stg_a: 'id = {nr}'}", "nr is no column of m"),
    ] {
        let faults = mart(from);
        assert!(faults.iter().any(|fault| fault.contains(word)), "{from}: {faults:?}");
    }
}

#[test]
fn a_staging_model_that_carries_its_origin_on_need_not_say_so() {
    let graph = project(&[("_s.yml", SOURCES), STAGING]).unwrap();
    let staging = graph.find("stg_a").unwrap();
    assert_eq!(graph.carries(staging).unwrap().name, "raw.a");
    assert_eq!(staging.relation(), "STAGING.STG_A");
    let without =
        project(&[("_s.yml", SOURCES), ("staging/stg_a.sql", "select id from {{ source('raw', 'a') }}")]).unwrap();
    assert!(without.faults()[0].contains("stg_a reads raw.a"), "{:?}", without.faults());
}

#[test]
fn a_schema_is_the_one_that_is_named_closest() {
    let graph =
        project(&[("marts/deep/x.sql", "select 1"), ("marts/y.sql", "select 1"), ("z.sql", "select 1")]).unwrap();
    let relations: Vec<String> = graph.nodes().map(Node::relation).collect();
    assert_eq!(relations, ["DEEP.X", "MARTS.Y", "CORE.Z"]);
}

#[test]
fn what_can_not_be_read_is_named() {
    let fault = project(&[("_s.yml", "models: [")]).unwrap_err();
    assert!(fault.contains("_s.yml"), "{fault}");
    let typo = project(&[("_s.yml", "models:\n  - {name: m, config: {meta: {millrace: {form: {}}}}}\n")]).unwrap_err();
    assert!(typo.contains("form"), "{typo}");
    assert!(Graph::read(Path::new("/nowhere"), &Contracts::default()).unwrap_err().contains("transform.project"));
}
