use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

use super::*;
use crate::WarehouseError;
use crate::sql::literal;

#[test]
fn the_script_in_the_repository_is_this_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/snowflake/setup.sql");
    let script = print(&steps(&Names::default()));
    if std::env::var_os("MILLRACE_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &script).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == script, "deploy/snowflake/setup.sql is old: run this test with MILLRACE_WRITE_GOLDEN=1");
}

/// What follows must be there: a name used before it is made is found here and not in somebody's account.
#[test]
fn nothing_is_used_before_it_is_made() {
    let names = Names::default();
    let mut there: HashSet<String> = HashSet::new();
    for step in steps(&names).iter().filter(|step| !step.optional) {
        let words: Vec<_> = step.sql.split([' ', '(', ')', ';']).filter(|word| !word.is_empty()).collect();
        if words[0] == "CREATE" {
            let name = words.iter().skip(2).find(|word| !["IF", "NOT", "EXISTS", "REPLACE", "VIEW"].contains(word));
            there.insert(name.unwrap().replace('"', ""));
        }
        let needed: Vec<String> = match words[0] {
            "USE" => vec![words[2].into()],
            "GRANT" if words[1] == "ROLE" => vec![words[2].into()],
            "GRANT" => {
                let after =
                    |word: &str| words.iter().rposition(|other| *other == word).map(|at| words[at + 1].to_owned());
                let on = after("SCHEMA").or_else(|| after("DATABASE")).or_else(|| after("WAREHOUSE"));
                vec![on.unwrap(), after("ROLE").unwrap()]
            }
            _ => Vec::new(),
        };
        for name in needed {
            assert!(there.contains(&name), "{name} is not there yet: {}", step.sql);
        }
        let role = &step.role;
        assert!(there.contains(role) || role.ends_with("ADMIN"), "{role}");
    }
    for view in audit_views() {
        assert!(there.contains(&format!("RAW.{}", view.name)));
    }
    assert!(there.contains(objects::STAGE));
}

/// Run twice, a statement must not fail, nor take away what somebody else has changed meanwhile.
#[test]
fn every_statement_may_be_run_again() {
    for step in steps(&Names::default()) {
        let sql = &step.sql;
        let harmless = ["GRANT ", "USE ", "ALTER SESSION ", "CREATE OR REPLACE VIEW "];
        let again = sql.contains(" IF NOT EXISTS ") || harmless.iter().any(|start| sql.starts_with(start));
        assert!(again || step.optional, "{sql}");
        assert!(!sql.contains("OWNERSHIP") && !sql.contains("ALL PRIVILEGES"), "{sql}");
        assert!(!step.why.is_empty() && !step.page.is_empty());
    }
}

/// What workers must be able to replace belongs to their role, and nothing else does.
#[test]
fn the_loader_owns_what_workers_change() {
    let names = Names::default();
    for step in steps(&names) {
        let makes = ["CREATE TABLE", "CREATE OR REPLACE VIEW", "CREATE STAGE"];
        let theirs = makes.iter().any(|make| step.sql.starts_with(make));
        assert_eq!(theirs, step.role == names.loader && step.sql.starts_with("CREATE"), "{}", step.sql);
    }
}

#[test]
fn names_are_checked() {
    let names = Names { database: "plant_1".into(), warehouse_size: "x-small".into(), ..Names::default() };
    let names = names.checked().unwrap();
    assert_eq!((names.database.as_str(), names.warehouse_size.as_str()), ("PLANT_1", "XSMALL"));
    let wrong = Names {
        database: "a; DROP DATABASE b".into(),
        user: "jane@plant".into(),
        warehouse_size: "huge".into(),
        reader: "millrace_loader".into(),
        ..Names::default()
    };
    let error = wrong.checked().unwrap_err().to_string();
    for word in ["the database \"a; DROP", "the user", "XSMALL, SMALL", "must not be able to write"] {
        assert!(error.contains(word), "{error}");
    }
    assert_eq!(error.lines().count(), 4);
}

fn refusing<'a>(
    refused: &'a str,
    heard: &'a Mutex<Vec<String>>,
) -> impl AsyncFn(&str) -> Result<(), WarehouseError> + 'a {
    async move |sql: &str| {
        heard.lock().unwrap().push(sql.to_owned());
        if sql.starts_with(refused) { Err(WarehouseError::Statement("insufficient privileges".into())) } else { Ok(()) }
    }
}

#[tokio::test]
async fn runs_what_is_no_suggestion() {
    let heard = Mutex::default();
    let steps = steps(&Names::default());
    let mut last = (0, 0);
    run(&steps, refusing("nothing", &heard), |number, of, _| last = (number, of)).await.unwrap();
    let heard = heard.into_inner().unwrap();
    assert_eq!((last.0, heard.len()), (last.1, 2 * last.1));
    assert!(!heard.iter().any(|sql| sql.contains("RESOURCE MONITOR") || sql.ends_with(';')));
    assert_eq!(heard[0], "USE ROLE USERADMIN");
}

#[tokio::test]
async fn names_the_step_that_failed_and_the_cure() {
    let steps = steps(&Names::default());
    let heard = Mutex::default();
    let role = run(&steps, refusing("USE ROLE SYSADMIN", &heard), |_, _, _| ()).await.unwrap_err().to_string();
    assert!(
        role.contains("insufficient privileges; the user who runs this (SNOWFLAKE_ADMIN_USER) needs the role SYSADMIN"),
        "{role}"
    );
    let database = run(&steps, refusing("CREATE DATABASE", &heard), |_, _, _| ()).await.unwrap_err().to_string();
    assert!(
        database.contains("step 6 of ") && database.contains("belongs to another role than SYSADMIN"),
        "{database}"
    );
    assert!(!heard.into_inner().unwrap().iter().any(|sql| sql.starts_with("CREATE SCHEMA")));
}

#[test]
fn comments_are_literals() {
    for (_, holds) in SCHEMAS {
        assert_eq!(literal(holds), format!("'{holds}'"));
    }
}
