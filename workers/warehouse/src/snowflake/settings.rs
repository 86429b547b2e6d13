//! How to reach Snowflake: the variables `SNOWFLAKE_*`, which dbt reads too.

mod admin;
mod read;
#[cfg(test)]
mod tests;

use crate::WarehouseError;

pub(super) use read::plain_name;

/// How to reach Snowflake, and as whom.
#[derive(Clone, Debug)]
pub struct SnowflakeSettings {
    /// The account identifier, `<organisation>-<account>` or a locator with its region (`xy12345.eu-central-1`).
    /// It makes the address; what a login names is [`account_for_token`](Self::account_for_token). `SNOWFLAKE_ACCOUNT`.
    pub account: String,
    /// Who logs in. `SNOWFLAKE_USER`.
    pub user: String,
    /// How the user proves who he is. `SNOWFLAKE_PASSWORD`, or `SNOWFLAKE_PRIVATE_KEY_PATH` (also
    /// `SNOWFLAKE_PRIVATE_KEY_FILE`) with `SNOWFLAKE_PRIVATE_KEY_PASSPHRASE` if the key is encrypted. One of the two:
    /// with both, nobody could tell which of them a login that works has proved.
    pub login: Login,
    /// The role to work in; the user's default if absent. `SNOWFLAKE_ROLE`.
    pub role: Option<String>,
    /// The virtual warehouse that computes. `SNOWFLAKE_WAREHOUSE`.
    pub warehouse: String,
    /// The database that holds the schemas. Role, warehouse and database are plain names (letters, digits, `_`, `$`):
    /// the client writes them in capitals, so a name that was made in quotes would not be found. `SNOWFLAKE_DATABASE`.
    pub database: String,
    /// Where the service is, if not at `<account>.snowflakecomputing.com`: a private link, a proxy, an emulator.
    /// `SNOWFLAKE_HOST`.
    pub host: Option<String>,
    /// Its port, if not that of the protocol. `SNOWFLAKE_PORT`.
    pub port: Option<u16>,
    /// `https`, or `http` for an emulator on this machine: credentials never travel in clear. `SNOWFLAKE_PROTOCOL`.
    pub protocol: Protocol,
}

/// How the user proves who he is.
#[derive(Clone, Debug)]
pub enum Login {
    /// By a password.
    Password(Secret),
    /// By a private key: PEM of PKCS #8, not encrypted any more.
    Key(Secret),
}

/// What the service is spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// TLS.
    #[default]
    Https,
    /// Nothing around it: for an emulator on this machine.
    Http,
}

/// A text that is never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("***")
    }
}

impl SnowflakeSettings {
    /// Reads the variables of the environment, and the file of the private key if one is named.
    ///
    /// # Errors
    /// `Configuration`: every variable that is missing or wrong, a line for each, and what to write. The text holds no
    /// password, passphrase or key.
    pub fn from_env() -> Result<Self, WarehouseError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the variables that `variable` knows. One that is empty counts as absent.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, WarehouseError> {
        read::read(variable)
    }

    /// The address of the service, without a slash at its end.
    pub fn address(&self) -> String {
        let scheme = match self.protocol {
            Protocol::Https => "https",
            Protocol::Http => "http",
        };
        let host = self.host.clone().unwrap_or_else(|| public_host(&self.account));
        match self.port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }

    /// The account as a login names it, in its body and in the token of a private key: in capitals and without the
    /// region. `xy12345.eu-central-1` is `XY12345`, `myorg-plant` stays `MYORG-PLANT`. A token that names the region is refused as
    /// invalid (code 390144), so hand this to snowflake-api as the account, and let [`address`](Self::address) decide
    /// where it goes.
    pub fn account_for_token(&self) -> String {
        let (account, region) = self.account.split_once('.').unwrap_or((&self.account, ""));
        // `<account>-<external id>.global`: a redirected connection, whose id belongs to the address only.
        let account = match account.rsplit_once('-') {
            Some((account, _)) if region.eq_ignore_ascii_case("global") => account,
            _ => account,
        };
        account.to_uppercase()
    }
}

/// Where the public internet finds an account. Certificates know no `_` in host names, so Snowflake has a second name
/// with `-` for each account that has one.
fn public_host(account: &str) -> String {
    let host = account.to_lowercase().replace('_', "-");
    let in_china = host.split('.').nth(1).is_some_and(|region| region.starts_with("cn-"));
    format!("{host}.snowflakecomputing.{}", if in_china { "cn" } else { "com" })
}
