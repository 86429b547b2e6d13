//! The driver on Snowflake.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::Command;

use messages::{Failure, FailureClass};
use millrace_transform::dbt::{BuildRequest, Dbt, DbtError, DbtSettings, DbtWarehouse, How, NodeResult, NodeStatus};
use testkit::{Emulator, EmulatorFault, EmulatorOptions, Place};

use crate::mill::{COLUMNS, Mill};
use crate::of;

/// RAW as the platform makes it.
const MAKE: &str = r#"
import json, os, sys, snowflake.connector
said = {name[10:].lower(): value for name, value in os.environ.items() if name.startswith("SNOWFLAKE_")}
with snowflake.connector.connect(**{**said, "port": int(said["port"])}, platform_detection_timeout_seconds=0.0) as db:
    def run(sql):
        db.cursor().execute(sql)
    run("create schema RAW")
    for table, names in json.loads(sys.argv[1]).items():
        typed = ", ".join(f"{name} varchar" for name in names.split())
        run(f"create table RAW.{table} ({typed}, LOAD_ID varchar, SOURCE_FILE varchar, SOURCE_ROW bigint, LOADED_AT timestamp)")
    run("insert into RAW.MATERIALS (material_id) values ('M1')")
"#;

fn variables(emulator: &Emulator, database: &str) -> Vec<(String, OsString)> {
    emulator.variables(database).into_iter().map(|(name, value)| (name, value.into())).collect()
}

fn prepare(mill: &Mill, variables: &[(String, OsString)]) -> DbtSettings {
    let settings =
        DbtSettings { warehouse: DbtWarehouse::Snowflake { variables: variables.to_vec() }, ..mill.settings() };
    let made = Command::new(&settings.python).args(["-c", MAKE, COLUMNS]).envs(variables.to_vec()).status();
    assert!(made.unwrap().success());
    settings
}

#[tokio::test]
async fn builds_on_snowflake_warm_and_cold() {
    let (mill, emulator) = (Mill::new(), Emulator::shared());
    let settings = prepare(&mill, &variables(emulator, "DBT_BUILDS"));
    let mut dbt = Dbt::start(settings.clone()).await.unwrap();
    assert!(dbt.probe().await.unwrap().contains("dbt-snowflake 1.12."));
    let planned = dbt.plan(&of("batches")).await.unwrap();
    let first = dbt.build(&of("batches")).await.unwrap();
    let names = |nodes: &[NodeResult]| nodes.iter().map(|node| node.unique_id.clone()).collect::<BTreeSet<_>>();
    assert_eq!(names(&planned.nodes), names(&first.nodes), "a plan builds nothing: what it reads is still missing");
    assert_eq!(first.how, How::Warm);
    assert!(first.nodes.iter().any(|node| node.name == "core_materials"), "what it reads is built the first time");
    let second = dbt.build(&of("batches")).await.unwrap();
    assert!(second.nodes.iter().all(|node| node.name != "core_materials"), "and not again");
    let node = second.nodes.iter().find(|node| node.name == "core_batches").unwrap();
    assert_eq!((node.status, node.materialization.as_deref()), (NodeStatus::Success, Some("table")));
    assert_eq!(node.relation.as_deref(), Some("DBT_BUILDS.CORE.core_batches"));
    dbt.stop().await;

    let mut dbt = Dbt::start(DbtSettings { warm: false, ..settings }).await.unwrap();
    let cold = dbt.build(&of("materials")).await.unwrap();
    assert_eq!((cold.how, cold.errors().count()), (How::Cold, 0));
}

#[tokio::test]
async fn a_login_that_is_refused_is_fatal_and_sent_once() {
    let (mill, emulator) = (Mill::new(), Emulator::start(&EmulatorOptions::default()));
    let mut variables = variables(&emulator, "DBT_REFUSED");
    let mut settings = prepare(&mill, &variables);
    variables.retain(|(name, _)| name != "SNOWFLAKE_PASSWORD");
    variables.push(("SNOWFLAKE_PASSWORD".into(), "guessed".into()));
    settings.warehouse = DbtWarehouse::Snowflake { variables };
    let mut dbt = Dbt::start(settings).await.unwrap();
    let error = dbt.build(&of("materials")).await.unwrap_err();
    assert!(matches!(error, DbtError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("Incorrect username or password"), "{error}");
    assert!(!error.to_string().contains("guessed"), "{error}");
    assert_eq!(Failure::from(error).class, FailureClass::Fatal);
    assert_eq!(emulator.count("refused_logins"), 1);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_does_not_is_not() {
    let (mill, emulator) = (Mill::new().with_own_project(), Emulator::start(&EmulatorOptions::default()));
    mill.model("mart_lost", "select * from nobody");
    let settings = prepare(&mill, &variables(&emulator, "DBT_TROUBLE"));
    let mut dbt = Dbt::start(settings).await.unwrap();
    let one = |name: &str| BuildRequest { select: vec![name.into()], full_refresh: false };

    let locked = EmulatorFault::error(Place::Query, "000625", "Statement 'x' has locked table 'T' in transaction 1");
    emulator.fault(&locked.containing("view DBT_TROUBLE.STAGING.stg_materials"));
    let error = dbt.build(&one("stg_materials")).await.unwrap_err();
    assert!(matches!(error, DbtError::Transient { .. }), "{error}");
    dbt.build(&one("stg_materials")).await.unwrap();

    let error = dbt.build(&one("mart_lost")).await.unwrap_err();
    assert!(matches!(error, DbtError::Failed { .. }), "{error}");

    drop(emulator);
    let error = dbt.build(&one("stg_materials")).await.unwrap_err();
    assert!(matches!(error, DbtError::Transient { .. }), "{error}");
}
