//! What must never be told.

use crate::harness::invariants::judged;
use crate::harness::stop_all;
use crate::mill::SnowMill;

#[test]
fn no_log_holds_a_password_or_a_token_however_much_is_logged() {
    let mut mill = SnowMill::new();
    mill.set("LOG__LEVEL", "trace,snowflake_api=trace,lapin=off");
    let workers = mill.start_all(&["ingest", "transform", "dq"]);
    mill.drop_sample();
    mill.run(&["trigger", "ingest", "--load-id", "a::b", "--source", "materials", "--wait", "100"]).expect(0);
    mill.wait("the verdict", || judged(&mill) == 1);
    stop_all(workers);
    let log = mill.log();
    assert!(log.contains("\"TRACE\"") || log.contains("TRACE"), "little was logged");
    for secret in
        [mill.emulator().password(), "Snowflake Token", "masterToken", "AWS_SECRET_KEY", "x-amz-security-token: "]
    {
        assert!(!log.contains(secret), "{secret} was logged: {}", around(&log, secret));
    }
}

fn around<'a>(log: &'a str, what: &str) -> &'a str {
    log.lines().find(|line| line.contains(what)).unwrap_or_default()
}
