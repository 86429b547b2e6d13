//! How to reach Snowflake: the variables `SNOWFLAKE_*`, which dbt reads too.

use crate::WarehouseError;

/// How to reach Snowflake, and as whom.
#[derive(Clone, Debug)]
pub struct SnowflakeSettings {
    /// The account identifier, `<organisation>-<account>` or a locator with its region. `SNOWFLAKE_ACCOUNT`.
    pub account: String,
    /// Who logs in. `SNOWFLAKE_USER`.
    pub user: String,
    /// How the user proves who he is. `SNOWFLAKE_PASSWORD`, or `SNOWFLAKE_PRIVATE_KEY_PATH` with
    /// `SNOWFLAKE_PRIVATE_KEY_PASSPHRASE`.
    pub login: Login,
    /// The role to work in; the user's default if absent. `SNOWFLAKE_ROLE`.
    pub role: Option<String>,
    /// The virtual warehouse that computes. `SNOWFLAKE_WAREHOUSE`.
    pub warehouse: String,
    /// The database that holds the schemas. `SNOWFLAKE_DATABASE`.
    pub database: String,
    /// Where the service is, if not at `<account>.snowflakecomputing.com`: a private link, a proxy, an emulator.
    /// `SNOWFLAKE_HOST`.
    pub host: Option<String>,
    /// Its port, if not that of the protocol. `SNOWFLAKE_PORT`.
    pub port: Option<u16>,
    /// `https`, or `http` for an emulator on this machine. `SNOWFLAKE_PROTOCOL`.
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
    /// Reads the variables of the environment.
    ///
    /// # Errors
    /// `Configuration`: the variable that is missing or wrong, and what to write.
    pub fn from_env() -> Result<Self, WarehouseError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads the variables that `variable` knows.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, WarehouseError> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let needed =
            |name: &str| given(name).ok_or_else(|| WarehouseError::Configuration(format!("{name} is not set")));
        Ok(Self {
            account: needed("SNOWFLAKE_ACCOUNT")?,
            user: needed("SNOWFLAKE_USER")?,
            login: Login::Password(Secret::new(needed("SNOWFLAKE_PASSWORD")?)),
            role: given("SNOWFLAKE_ROLE"),
            warehouse: needed("SNOWFLAKE_WAREHOUSE")?,
            database: needed("SNOWFLAKE_DATABASE")?,
            host: given("SNOWFLAKE_HOST"),
            port: given("SNOWFLAKE_PORT").and_then(|port| port.parse().ok()),
            protocol: if given("SNOWFLAKE_PROTOCOL").as_deref() == Some("http") {
                Protocol::Http
            } else {
                Protocol::Https
            },
        })
    }

    /// The address of the service, without a slash at its end.
    pub fn address(&self) -> String {
        let scheme = match self.protocol {
            Protocol::Https => "https",
            Protocol::Http => "http",
        };
        let host = self.host.clone().unwrap_or_else(|| format!("{}.snowflakecomputing.com", self.account));
        match self.port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }
}
