//! Who is let in, and what is said to who is not.

use std::process::Command;

use messages::FailureClass;
use millrace_warehouse::Warehouse;
use millrace_warehouse::snowflake::{Snowflake, SnowflakeSettings};
use testkit::{Emulator, EmulatorOptions};

use crate::scene::settings;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_is_told_with_what_to_change_and_no_secret() {
    let emulator = Emulator::start(&EmulatorOptions { databases: vec!["PLANT".into()], ..EmulatorOptions::default() });
    for (variable, value) in [
        ("SNOWFLAKE_PASSWORD", "hush-hush"),
        ("SNOWFLAKE_USER", "NOBODY"),
        ("SNOWFLAKE_ROLE", "NO_ROLE"),
        ("SNOWFLAKE_WAREHOUSE", "NO_WAREHOUSE"),
        ("SNOWFLAKE_DATABASE", "NO_DATABASE"),
    ] {
        let warehouse = Snowflake::open(settings(&emulator, "PLANT", &[(variable, value)]).unwrap()).unwrap();
        let error = warehouse.check().await.unwrap_err();
        assert_eq!(error.class(), FailureClass::Fatal, "{variable}: {error}");
        let text = error.to_string();
        let part = variable.trim_start_matches("SNOWFLAKE");
        assert!(text.contains(part) && !text.contains("hush-hush") && !text.contains(emulator.password()), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_home_is_told_as_such() {
    let emulator = Emulator::shared();
    let warehouse = Snowflake::open(settings(emulator, "X", &[("SNOWFLAKE_PORT", "1")]).unwrap()).unwrap();
    let error = warehouse.query("SELECT 1", 1).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Transient);
    assert!(error.to_string().contains("SNOWFLAKE_HOST"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_key_lets_in_and_another_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let key = |name: &str| {
        let path = folder.path().join(name);
        openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path.to_str().unwrap()]);
        path
    };
    let (mine, anothers) = (key("mine.p8"), key("another.p8"));
    let public = openssl(&["rsa", "-in", mine.to_str().unwrap(), "-pubout"]);
    let emulator = Emulator::start(&EmulatorOptions { public_key: Some(public), ..EmulatorOptions::default() });
    let open = |path: &std::path::Path| {
        let mut variables = emulator.variables_without_secret("KEYS");
        variables.push(("SNOWFLAKE_PRIVATE_KEY_PATH".into(), path.display().to_string()));
        let given = |name: &str| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        Snowflake::open(SnowflakeSettings::read(given).unwrap()).unwrap()
    };
    assert!(open(&mine).check().await.unwrap().contains("MILLRACE"));
    let error = open(&anothers).check().await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Fatal);
    assert!(error.to_string().contains("390144") && error.to_string().contains("_PRIVATE_KEY_PATH"), "{error}");
}

fn openssl(arguments: &[&str]) -> String {
    let run = Command::new("openssl").args(arguments).output().expect("openssl makes the keys of this test");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}
