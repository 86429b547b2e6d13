//! What `millrace setup snowflake` makes is what workers look for: after it they make nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "snowflake/kit.rs"]
mod kit;

use millrace_warehouse::snowflake::Admin;
use millrace_warehouse::snowflake::setup::{self, Names};
use testkit::Emulator;

/// The emulator knows no roles, rights, users and virtual warehouses: it is given what lies in the database.
#[tokio::test(flavor = "multi_thread")]
async fn workers_find_all_that_they_need() {
    let database = kit::fresh();
    let names = Names { database: database.name.clone(), ..Names::default() }.checked().unwrap();
    let in_database = ["CREATE SCHEMA", "USE DATABASE", "CREATE TABLE", "CREATE OR REPLACE VIEW", "CREATE STAGE"];
    let steps: Vec<_> = setup::steps(&names)
        .into_iter()
        .filter(|step| in_database.iter().any(|start| step.sql.starts_with(start)))
        .collect();
    let admin = Admin::new(&kit::settings(&database.name)).unwrap();
    let execute = async |sql: &str| if sql.starts_with("USE ROLE") { Ok(()) } else { admin.execute(sql).await };
    // Twice, because it may be run again.
    for _ in 0..2 {
        let mut done = 0;
        setup::run(&steps, execute, |_, _, _| done += 1).await.unwrap();
        assert_eq!(done, steps.len());
    }
    admin.close().await;
    Emulator::shared().forget_statements(&database.name);
    database.warehouse.prepare(&[]).await.unwrap();
    let sent: Vec<_> = Emulator::shared().statements(&database.name).into_iter().map(|sent| sent.sql).collect();
    assert!(!sent.is_empty() && !sent.iter().any(|sql| sql.trim_start().starts_with("CREATE")), "{sent:#?}");
    database.warehouse.close().await;
}
