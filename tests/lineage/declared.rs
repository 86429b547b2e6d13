//! Models that say nothing of their lineage, or something wrong.

use std::path::Path;

use crate::harness::{Mill, repository};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn check_names_a_model_that_does_not_say_where_its_rows_come_from() {
    let mut mill = Mill::new();
    let told = |mill: &Mill| {
        let checked = mill.json(&["check"]);
        let found = checked.as_array().unwrap().iter().find(|finding| finding["what"] == "lineage").unwrap().clone();
        (found["ok"].as_bool().unwrap(), found["text"].as_str().unwrap().to_owned())
    };
    assert!(told(&mill).0, "{:?}", told(&mill));
    let project = mill.path("project");
    copy(&repository().join("workers/transform/dbt"), &project);
    mill.set("TRANSFORM__PROJECT", project.display().to_string());
    std::fs::write(project.join("models/marts/mart_new.sql"), "select plant from {{ ref('core_batches') }}").unwrap();
    let (ok, text) = told(&mill);
    assert!(!ok && text.contains("mart_new reads core_batches, and nothing says"), "{text}");
    let said = "models:\n  - {name: mart_new, columns: [{name: plant}], config: {meta: {millrace: {from: {core_batches: [plant]}}}}}\n";
    std::fs::write(project.join("models/marts/_new.yml"), said).unwrap();
    assert!(told(&mill).0, "{:?}", told(&mill));
    std::fs::write(project.join("models/marts/_new.yml"), said.replace("[plant]", "[plannt]")).unwrap();
    assert!(told(&mill).1.contains("plannt is no column of"), "{:?}", told(&mill));
}
