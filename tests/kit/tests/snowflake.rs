//! The emulator of Snowflake, over HTTP.
#![allow(clippy::unwrap_used, missing_docs)]

use millrace_testkit::{Emulator, EmulatorFault, EmulatorOptions, Place};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::{Value, json};

/// One session.
struct Session<'a> {
    emulator: &'a Emulator,
    token: String,
}

impl<'a> Session<'a> {
    fn login(emulator: &'a Emulator, database: &str) -> Self {
        let asked = json!({"data": {"LOGIN_NAME": Emulator::USER, "PASSWORD": emulator.password()}});
        let answer = post(emulator, &format!("session/v1/login-request?databaseName={database}"), "", &asked).unwrap();
        assert_eq!(answer["success"], true, "{answer}");
        Self { emulator, token: answer["data"]["token"].as_str().unwrap().into() }
    }

    fn try_query(&self, sql: &str) -> Result<Value, String> {
        post(self.emulator, "queries/v1/query-request", &self.token, &json!({"sqlText": sql}))
    }

    fn query(&self, sql: &str) -> Value {
        let answer = self.try_query(sql).unwrap();
        assert_eq!(answer["success"], true, "{sql}: {answer}");
        answer["data"]["rowset"].clone()
    }
}

/// The answer, or what kept it from coming.
fn post(emulator: &Emulator, path: &str, token: &str, body: &Value) -> Result<Value, String> {
    let request = ureq::post(format!("{}/{path}", emulator.url())).header("Accept", "application/json");
    let request = request.header("Authorization", format!("Snowflake Token=\"{token}\""));
    let mut response = request.send(body.to_string()).map_err(|error| error.to_string())?;
    let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
    Ok(serde_json::from_str(&text).unwrap())
}

#[test]
fn statements_are_run_and_told_of() {
    let emulator = Emulator::shared();
    let session = Session::login(emulator, "TOLD");
    session.query("CREATE SCHEMA RAW");
    session.query("CREATE TABLE RAW.T (A VARCHAR, B BIGINT)");
    session.query("BEGIN TRANSACTION");
    session.query("INSERT INTO RAW.T VALUES ('x', 1), (NULL, 2)");
    assert_eq!(Session::login(emulator, "TOLD").query("SELECT COUNT(*) FROM RAW.T"), json!([["0"]]));
    session.query("COMMIT");
    assert_eq!(session.query("SELECT A, B FROM RAW.T ORDER BY B"), json!([["x", "1"], [null, "2"]]));
    let failed = session.try_query("SELECT * FROM RAW.NOT_THERE").unwrap();
    assert_eq!(failed["code"], "002003");
    let told = emulator.statements("TOLD");
    assert_eq!(told.len(), 8);
    let insert = told.iter().find(|one| one.sql.starts_with("INSERT")).unwrap();
    assert!(insert.in_transaction && insert.code.is_none());
    assert_eq!(told[7].code.as_deref(), Some("002003"));
    emulator.forget_statements("TOLD");
    assert!(emulator.statements("TOLD").is_empty());
    assert!(emulator.count("queries") >= 8);
}

#[test]
fn variables_say_where_it_is() {
    let emulator = Emulator::shared();
    let variables = emulator.variables("MINE");
    let value = |name: &str| &variables.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(value("SNOWFLAKE_DATABASE"), "MINE");
    assert_eq!(value("SNOWFLAKE_PORT"), &emulator.port().to_string());
    assert_eq!(value("SNOWFLAKE_PASSWORD"), emulator.password());
}

#[test]
fn faults_strike_what_they_match() {
    let emulator = Emulator::start(&EmulatorOptions::default());
    let session = Session::login(&emulator, "FAULTS");
    emulator.fault(&EmulatorFault::status(Place::Query, 503).containing("SELECT 2").skip(1).times(2));
    session.query("SELECT 1");
    session.query("SELECT 2");
    assert!(session.try_query("SELECT 2").unwrap_err().contains("503"));
    assert!(session.try_query("SELECT 2").unwrap_err().contains("503"));
    session.query("SELECT 2");
    emulator.fault(&EmulatorFault::dropped_after(Place::Query).containing("CREATE SCHEMA"));
    session.try_query("CREATE SCHEMA RAW").unwrap_err();
    assert_eq!(emulator.statements("FAULTS").last().unwrap().sql, "CREATE SCHEMA RAW");
    emulator.fault(&EmulatorFault::gone(Place::Query));
    emulator.clear();
    session.query("SELECT 1");
    emulator.fault(&EmulatorFault::gone(Place::Query));
    assert_eq!(session.try_query("SELECT 1").unwrap()["code"], "390111");
    assert_eq!(session.try_query("SELECT 1").unwrap()["code"], "390111");
    assert_eq!(emulator.count("faults"), 4);
}

#[test]
fn it_leaves_nothing_behind() {
    let emulator = Emulator::start(&EmulatorOptions::default());
    let (process_id, folder) = (Pid::from_raw(emulator.process_id() as i32), emulator.folder().to_owned());
    assert!(kill(process_id, None).is_ok() && folder.exists());
    drop(emulator);
    assert!(kill(process_id, None).is_err() && !folder.exists());
}
