use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const GOOD: [(&str, &str); 5] = [
    ("SNOWFLAKE_ACCOUNT", "myorg-plant"),
    ("SNOWFLAKE_USER", "MILLRACE_LOADER"),
    ("SNOWFLAKE_PASSWORD", "hush-hush"),
    ("SNOWFLAKE_WAREHOUSE", "MILLRACE_WH"),
    ("SNOWFLAKE_DATABASE", "MILLRACE"),
];

/// Reads good settings with these changed; an empty one is removed.
fn with(changed: &[(&str, &str)]) -> Result<SnowflakeSettings, String> {
    let mut variables: HashMap<_, _> = GOOD.into();
    variables.extend(changed.iter().copied());
    SnowflakeSettings::read(|name| variables.get(name).map(|value| (*value).to_owned())).map_err(|error| {
        assert!(matches!(error, WarehouseError::Configuration(_)));
        error.to_string()
    })
}

#[test]
fn reads_good_ones() {
    let settings = with(&[]).unwrap();
    assert_eq!(settings.address(), "https://myorg-plant.snowflakecomputing.com");
    assert_eq!(settings.account_for_token(), "MYORG-PLANT");
    assert!(matches!(&settings.login, Login::Password(password) if password.reveal() == "hush-hush"));
    assert_eq!((settings.role, settings.port), (None, None));
    let emulator = [("SNOWFLAKE_HOST", "127.0.0.1"), ("SNOWFLAKE_PORT", "8084"), ("SNOWFLAKE_PROTOCOL", "http")];
    assert_eq!(with(&emulator).unwrap().address(), "http://127.0.0.1:8084");
    let link = [("SNOWFLAKE_HOST", "myorg-plant.privatelink.snowflakecomputing.com"), ("SNOWFLAKE_ROLE", "LOADER$1")];
    assert_eq!(with(&link).unwrap().address(), "https://myorg-plant.privatelink.snowflakecomputing.com");
}

#[test]
fn an_account_makes_address_and_name() {
    let cases = [
        ("xy12345.eu-central-1", "xy12345.eu-central-1.snowflakecomputing.com", "XY12345"),
        ("xy12345.west-europe.azure", "xy12345.west-europe.azure.snowflakecomputing.com", "XY12345"),
        ("My_Org-plant_1", "my-org-plant-1.snowflakecomputing.com", "MY_ORG-PLANT_1"),
        ("xy12345.cn-northwest-1", "xy12345.cn-northwest-1.snowflakecomputing.cn", "XY12345"),
        ("myorg-plant.privatelink", "myorg-plant.privatelink.snowflakecomputing.com", "MYORG-PLANT"),
        ("link-abc123.global", "link-abc123.global.snowflakecomputing.com", "LINK"),
    ];
    for (account, host, name) in cases {
        let settings = with(&[("SNOWFLAKE_ACCOUNT", account)]).unwrap();
        assert_eq!(settings.address(), format!("https://{host}"));
        assert_eq!(settings.account_for_token(), name);
    }
}

#[test]
fn an_address_is_no_account() {
    let addresses = [
        "https://myorg-plant.snowflakecomputing.com",
        "https://me:secret@MyOrg-Plant.snowflakecomputing.com:443/console/login#/",
        "myorg-plant.snowflakecomputing.com",
    ];
    for address in addresses {
        let error = with(&[("SNOWFLAKE_ACCOUNT", address)]).unwrap_err();
        assert!(error.contains("write the account identifier alone, myorg-plant"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    for address in ["https://app.snowflake.com/myorg/plant", "http://", "a/b", ".snowflakecomputing.com"] {
        let error = with(&[("SNOWFLAKE_ACCOUNT", address)]).unwrap_err();
        assert!(error.contains("holds an address"), "{error}");
    }
    for account in ["my org", ".plant", "plant.", "-plant", "plänt", "\"plant\"", "a..b"] {
        let error = with(&[("SNOWFLAKE_ACCOUNT", account)]).unwrap_err();
        assert!(error.contains("is no account identifier"), "{error}");
    }
}

#[test]
fn one_way_to_log_in() {
    let both = with(&[("SNOWFLAKE_PRIVATE_KEY_PATH", "/key.p8")]).unwrap_err();
    assert!(both.contains("both set: remove SNOWFLAKE_PASSWORD"), "{both}");
    let none = with(&[("SNOWFLAKE_PASSWORD", "")]).unwrap_err();
    assert!(none.contains("neither SNOWFLAKE_PRIVATE_KEY_PATH nor SNOWFLAKE_PASSWORD is set"), "{none}");
    let passphrase = with(&[("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE", "hush")]).unwrap_err();
    assert!(passphrase.contains("SNOWFLAKE_PRIVATE_KEY_PATH is not"), "{passphrase}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.p8");
    let made = std::process::Command::new("openssl").args(["genrsa", "-out"]).arg(&path).arg("2048").output().unwrap();
    assert!(made.status.success());
    let path = path.to_str().unwrap();
    for name in ["SNOWFLAKE_PRIVATE_KEY_PATH", "SNOWFLAKE_PRIVATE_KEY_FILE"] {
        let settings = with(&[("SNOWFLAKE_PASSWORD", ""), (name, path)]).unwrap();
        assert!(matches!(&settings.login, Login::Key(key) if key.reveal().starts_with("-----BEGIN PRIVATE KEY")));
        assert!(!format!("{settings:?}").contains("BEGIN"));
    }
    let two =
        [("SNOWFLAKE_PASSWORD", ""), ("SNOWFLAKE_PRIVATE_KEY_PATH", path), ("SNOWFLAKE_PRIVATE_KEY_FILE", "/other.p8")];
    assert!(with(&two).unwrap_err().contains("two files"));
    let text = std::fs::read_to_string(path).unwrap();
    let error = with(&[("SNOWFLAKE_PASSWORD", ""), ("SNOWFLAKE_PRIVATE_KEY_PATH", &text)]).unwrap_err();
    assert!(error.contains("holds a key") && !error.contains(&text[100..140]), "{error}");
}

#[test]
fn refuses_what_would_fail_later() {
    let cases = [
        ("SNOWFLAKE_PROTOCOL", "http", "in clear"),
        ("SNOWFLAKE_PROTOCOL", "ftp", "neither https nor http"),
        ("SNOWFLAKE_PORT", "0", "from 1 to 65535"),
        ("SNOWFLAKE_PORT", "65536", "from 1 to 65535"),
        ("SNOWFLAKE_HOST", "https://plant", "without https://"),
        ("SNOWFLAKE_HOST", "plant:443", "without https://"),
        ("SNOWFLAKE_HOST", "plant/x", "without https://"),
        ("SNOWFLAKE_HOST", "me:hush@plant", "without https://"),
        ("SNOWFLAKE_ROLE", "my role", "SNOWFLAKE_ROLE: the name must be plain"),
        ("SNOWFLAKE_WAREHOUSE", "\"wh\"", "SNOWFLAKE_WAREHOUSE: the name must be plain"),
        ("SNOWFLAKE_DATABASE", "a.b", "SNOWFLAKE_DATABASE: the name must be plain"),
        ("SNOWFLAKE_DATABASE", "1a", "SNOWFLAKE_DATABASE: the name must be plain"),
        ("SNOWFLAKE_USER", "a b", "SNOWFLAKE_USER has blanks"),
    ];
    for (name, value, expected) in cases {
        let error = with(&[(name, value)]).unwrap_err();
        assert!(error.contains(expected) && error.lines().count() == 1, "{name}={value}: {error}");
        assert!(!error.contains("hush"), "{error}");
    }
    let distant = [("SNOWFLAKE_PROTOCOL", "http"), ("SNOWFLAKE_HOST", "localhost.example.com")];
    assert!(with(&distant).unwrap_err().contains("in clear"));
}

#[test]
fn tells_all_faults_at_once() {
    let error = SnowflakeSettings::read(|name| (name == "SNOWFLAKE_PORT").then(|| "x".into())).unwrap_err().to_string();
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), 6, "{error}");
    for (line, name) in lines.iter().zip(["ACCOUNT", "USER", "PRIVATE_KEY", "WAREHOUSE", "DATABASE", "PORT"]) {
        assert!(line.contains(name), "{line}");
    }
}

#[test]
fn an_administrator_has_variables_of_his_own() {
    let variables: HashMap<_, _> = GOOD
        .into_iter()
        .chain([
            ("SNOWFLAKE_ADMIN_USER", "JANE"),
            ("SNOWFLAKE_ADMIN_PASSWORD", "a-token"),
            ("SNOWFLAKE_ROLE", "LOADER"),
        ])
        .collect();
    let read = |variables: &HashMap<&str, &str>| {
        SnowflakeSettings::admin(|name| variables.get(name).map(|value| (*value).to_owned()))
    };
    let settings = read(&variables).unwrap();
    assert_eq!((settings.user.as_str(), settings.account.as_str(), settings.role), ("JANE", "myorg-plant", None));
    assert_eq!((settings.warehouse.as_str(), settings.database.as_str()), ("", ""));
    assert!(matches!(settings.login, Login::Password(password) if password.reveal() == "a-token"));
    let error = read(&GOOD.into()).unwrap_err().to_string();
    assert!(
        error.contains("SNOWFLAKE_ADMIN_USER is not set") && error.contains("nor SNOWFLAKE_ADMIN_PASSWORD"),
        "{error}"
    );
    assert!(!error.contains("SNOWFLAKE_USER"), "{error}");
}

/// Values near the border between good and bad.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        any::<String>(),
        "[a-zA-Z0-9_.$:/@-]{0,12}",
        "(https?://)?([a-z:]{0,5}@)?[a-z.-]{0,10}(.snowflakecomputing.(com|cn))?(:[0-9]{0,6})?(/[a-z]*)?",
        Just("http".into()),
        Just("localhost".into()),
    ]
}

proptest! {
    #[test]
    fn no_parse_panics_or_tells_a_secret(values in proptest::collection::vec(value(), 9), which in 0..4_u8) {
        // Marked, because a secret of one letter stands in every text by chance.
        let secret = |text: &str| format!("§{text}§");
        let names = ["ACCOUNT", "USER", "ROLE", "WAREHOUSE", "DATABASE", "HOST", "PORT", "PROTOCOL", ""];
        let mut variables: HashMap<String, String> =
            names.iter().zip(&values).map(|(name, value)| (format!("SNOWFLAKE_{name}"), value.clone())).collect();
        if which & 1 == 0 {
            variables.insert("SNOWFLAKE_PASSWORD".into(), secret(&values[8]));
        }
        if which & 2 == 0 {
            variables.insert("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE".into(), secret(&values[8]));
        }
        let text = match SnowflakeSettings::read(|name| variables.get(name).cloned()) {
            Ok(settings) => {
                let address = settings.address();
                prop_assert!(url::Url::parse(&address).is_ok(), "{}", address);
                prop_assert!(address.starts_with("https://") || address.starts_with("http://localhost"));
                format!("{settings:?}")
            }
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!text.contains('§') || values[..8].iter().any(|value| value.contains('§')), "{}", text);
    }
}
