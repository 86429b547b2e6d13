//! Reading the variables: strictly, and telling all faults at once.

use std::path::Path;

use url::Host;

use super::{Login, Protocol, Secret, SnowflakeSettings};
use crate::WarehouseError;
use crate::snowflake::key::PrivateKey;

const KEY: &str = "SNOWFLAKE_PRIVATE_KEY_PATH";
const KEY_TOO: &str = "SNOWFLAKE_PRIVATE_KEY_FILE";
const PASSPHRASE: &str = "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE";
const PASSWORD: &str = "SNOWFLAKE_PASSWORD";

/// The variables, and what was found wrong with them so far. Reading goes on after a fault, so that a newcomer mends
/// his `.env` once and not six times.
struct Reader<F> {
    variable: F,
    faults: Vec<String>,
}

/// What [`SnowflakeSettings::read`] does.
pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<SnowflakeSettings, WarehouseError> {
    let mut reader = Reader { variable, faults: Vec::new() };
    let account = reader.needed("SNOWFLAKE_ACCOUNT", "such as myorg-plant");
    let account = reader.checked(account, account_identifier);
    let user = reader.needed("SNOWFLAKE_USER", "such as MILLRACE_LOADER");
    let user = reader.checked(user, user_name);
    let login = reader.login();
    let role = reader.given("SNOWFLAKE_ROLE");
    let role = reader.name("SNOWFLAKE_ROLE", role);
    let warehouse = reader.needed("SNOWFLAKE_WAREHOUSE", "such as MILLRACE_WH");
    let warehouse = reader.name("SNOWFLAKE_WAREHOUSE", warehouse);
    let database = reader.needed("SNOWFLAKE_DATABASE", "such as MILLRACE");
    let database = reader.name("SNOWFLAKE_DATABASE", database);
    let host = reader.given("SNOWFLAKE_HOST");
    let host = reader.checked(host, host_name);
    let port = reader.given("SNOWFLAKE_PORT");
    let port = reader.checked(port, port_number);
    let protocol = reader.protocol(host.as_ref());
    match (account, user, login, warehouse, database) {
        (Some(account), Some(user), Some(login), Some(warehouse), Some(database)) if reader.faults.is_empty() => {
            let host = host.map(|host| host.to_string());
            Ok(SnowflakeSettings { account, user, login, role, warehouse, database, host, port, protocol })
        }
        _ => Err(WarehouseError::Configuration(reader.faults.join("\n"))),
    }
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn given(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn needed(&mut self, name: &str, example: &str) -> Option<String> {
        let value = self.given(name);
        if value.is_none() {
            self.faults.push(format!("{name} is not set: write it into .env or the environment, {example}"));
        }
        value
    }

    fn checked<T>(&mut self, value: Option<String>, check: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        check(&value?).map_err(|fault| self.faults.push(fault)).ok()
    }

    fn name(&mut self, variable: &str, value: Option<String>) -> Option<String> {
        self.checked(value, |value| plain_name(value).map_err(|why| format!("{variable}: {why}")))
    }

    fn login(&mut self) -> Option<Login> {
        let password = self.given(PASSWORD);
        let passphrase = self.given(PASSPHRASE).map(Secret::new);
        let path = match (self.given(KEY), self.given(KEY_TOO)) {
            (Some(path), Some(other)) if path != other => {
                self.faults.push(format!("{KEY} and {KEY_TOO} name two files: remove one"));
                return None;
            }
            (path, other) => path.or(other),
        };
        match (password, path) {
            (Some(_), Some(_)) => {
                self.faults.push(format!(
                    "{PASSWORD} and {KEY} are both set: remove {PASSWORD} to log in by key, which is what a service \
                    should do, or {KEY}"
                ));
                None
            }
            (None, None) => {
                self.faults.push(format!(
                    "neither {KEY} nor {PASSWORD} is set: set {KEY} to the file of the user's private key (`millrace \
                    setup snowflake` tells how to make one), or {PASSWORD}"
                ));
                None
            }
            (Some(_), None) if passphrase.is_some() => {
                self.faults.push(format!(
                    "{PASSPHRASE} is set and {KEY} is not: set {KEY} and remove {PASSWORD}, or remove {PASSPHRASE}"
                ));
                None
            }
            (Some(password), None) => Some(Login::Password(Secret::new(password))),
            (None, Some(path)) => self.key(&path, passphrase.as_ref()),
        }
    }

    fn key(&mut self, path: &str, passphrase: Option<&Secret>) -> Option<Login> {
        // Not shown: who puts the key itself into the variable must not find it in a log.
        if path.contains("-----BEGIN") || path.contains('\n') {
            self.faults.push(format!("{KEY} holds a key: write it into a file, and the file's path here"));
            return None;
        }
        match PrivateKey::read(Path::new(path), passphrase) {
            Ok(key) => Some(Login::Key(key.into_pem())),
            Err(error) => {
                self.faults.push(format!("{KEY}: {error}"));
                None
            }
        }
    }

    fn protocol(&mut self, host: Option<&Host>) -> Protocol {
        match self.given("SNOWFLAKE_PROTOCOL").as_deref() {
            None | Some("https") => Protocol::Https,
            Some("http") if host.is_some_and(is_loopback) => Protocol::Http,
            Some("http") => {
                self.faults.push(
                    "SNOWFLAKE_PROTOCOL is http, which sends the credentials in clear: it is for a SNOWFLAKE_HOST on \
                    this machine only (localhost, 127.0.0.1, [::1]); remove it"
                        .into(),
                );
                Protocol::Https
            }
            Some(_) => {
                self.faults
                    .push("SNOWFLAKE_PROTOCOL is neither https nor http: remove it, https is the default".into());
                Protocol::Https
            }
        }
    }
}

fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// An account identifier, not the address that Snowflake's pages show beside it.
fn account_identifier(value: &str) -> Result<String, String> {
    let host = value.split_once("://").map_or(value, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default().to_lowercase();
    let inside = host.strip_suffix(".snowflakecomputing.com").or_else(|| host.strip_suffix(".snowflakecomputing.cn"));
    // What was written is not shown again: an address may hold a password.
    match inside.or((value.contains("://") || value.contains('/')).then_some("")) {
        Some(account) if is_account(account) => {
            Err(format!("SNOWFLAKE_ACCOUNT holds an address: write the account identifier alone, {account}"))
        }
        Some(_) => Err("SNOWFLAKE_ACCOUNT holds an address: write the account identifier alone, which is what stands \
            before .snowflakecomputing.com, and an address of your own into SNOWFLAKE_HOST"
            .into()),
        None if is_account(value) => Ok(value.to_owned()),
        None => {
            Err("SNOWFLAKE_ACCOUNT is no account identifier: write <organisation>-<account>, or a locator with its \
            region such as xy12345.eu-central-1; letters, digits, '_', '-' and '.' only"
                .into())
        }
    }
}

fn is_account(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric())
            && part.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-'))
    };
    text.len() <= 255 && text.split('.').all(is_part)
}

/// A user's name may be an e-mail address.
fn user_name(value: &str) -> Result<String, String> {
    let fits = value.chars().all(|sign| !sign.is_control() && !sign.is_whitespace() && sign != '"');
    if fits {
        Ok(value.to_owned())
    } else {
        Err("SNOWFLAKE_USER has blanks or quotes in it: write the user's login name alone".into())
    }
}

/// A name that needs no quotes, because the client writes it in capitals.
pub(in crate::snowflake) fn plain_name(value: &str) -> Result<String, String> {
    let fits = value.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && value.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '$'))
        && value.len() <= 255;
    if fits {
        Ok(value.to_owned())
    } else {
        Err("the name must be plain (letters, digits, '_' and '$', no digit first), because it is sent in capitals and \
            a name that was made in quotes would not be found; make one without quotes"
            .into())
    }
}

fn host_name(value: &str) -> Result<Host, String> {
    let fault = || {
        "SNOWFLAKE_HOST is no host name: write it without https://, user, path or port (the port into SNOWFLAKE_PORT), \
        such as myorg-plant.privatelink.snowflakecomputing.com"
            .to_owned()
    };
    Host::parse(value).map_err(|_| fault())
}

fn port_number(value: &str) -> Result<u16, String> {
    match value.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err("SNOWFLAKE_PORT is no port: write a number from 1 to 65535, or remove it".into()),
    }
}
