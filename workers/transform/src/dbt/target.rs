//! The warehouse that dbt builds in.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::DbtError;

/// The variables that can name the file of a private key; the platform reads both.
const KEYS: [&str; 2] = ["SNOWFLAKE_PRIVATE_KEY_PATH", "SNOWFLAKE_PRIVATE_KEY_FILE"];

/// The warehouse that dbt builds in.
#[derive(Clone)]
pub enum DbtWarehouse {
    /// A DuckDB file. Its name without extension is the database in dbt's SQL.
    DuckDb(PathBuf),
    /// Snowflake, as the variables `SNOWFLAKE_*` of this process say, which dbt inherits.
    Snowflake {
        /// What dbt is told otherwise than this process was; nothing, as a rule.
        variables: Vec<(String, OsString)>,
    },
}

/// What dbt must have installed for a warehouse.
pub(super) struct Adapter {
    pub(super) package: &'static str,
    /// Its folder among the installed packages.
    pub(super) folder: &'static str,
}

impl DbtWarehouse {
    /// The warehouse that `warehouse.url` names: `duckdb:<path>` or `snowflake:`.
    ///
    /// # Errors
    /// [`DbtError::Missing`] for any other.
    pub fn of_url(url: &str) -> Result<Self, DbtError> {
        match url.split_once(':') {
            Some(("duckdb", path)) => Ok(Self::DuckDb(path.into())),
            Some(("snowflake", _)) => Ok(Self::Snowflake { variables: Vec::new() }),
            _ => Err(DbtError::Missing {
                message: "warehouse.url names no warehouse that dbt is set up for: use duckdb:<path> or snowflake:"
                    .into(),
            }),
        }
    }

    /// The same with absolute paths: dbt runs in a folder of its own.
    pub(super) fn prepared(self) -> Result<Self, DbtError> {
        match self {
            Self::DuckDb(path) => Ok(Self::DuckDb(absolute(path)?)),
            Self::Snowflake { mut variables } => {
                for name in KEYS {
                    let said = variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
                    let path = said.or_else(|| env::var_os(name)).filter(|path| !path.is_empty());
                    if let Some(path) = path {
                        variables.retain(|(known, _)| known != name);
                        variables.push((name.into(), absolute(path.into())?.into()));
                    }
                }
                Ok(Self::Snowflake { variables })
            }
        }
    }

    pub(super) fn adapter(&self) -> Adapter {
        match self {
            Self::DuckDb(_) => Adapter { package: "dbt-duckdb", folder: "dbt/adapters/duckdb" },
            Self::Snowflake { .. } => Adapter { package: "dbt-snowflake", folder: "dbt/adapters/snowflake" },
        }
    }

    /// What the project's `profiles.yml` reads.
    pub(super) fn environment(&self) -> Vec<(String, OsString)> {
        const TARGET: &str = "MILLRACE_DBT_TARGET";
        match self {
            Self::DuckDb(path) => {
                vec![(TARGET.into(), "duckdb".into()), ("MILLRACE_DUCKDB_PATH".into(), path.into())]
            }
            Self::Snowflake { variables } => {
                let mut environment = variables.clone();
                environment.push((TARGET.into(), "snowflake".into()));
                environment
            }
        }
    }
}

/// Values are not shown: one may be the password.
impl fmt::Debug for DbtWarehouse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuckDb(path) => formatter.debug_tuple("DuckDb").field(path).finish(),
            Self::Snowflake { variables } => {
                formatter.write_str("Snowflake ")?;
                formatter.debug_list().entries(variables.iter().map(|(name, _)| name)).finish()
            }
        }
    }
}

pub(super) fn absolute(path: PathBuf) -> Result<PathBuf, DbtError> {
    std::path::absolute(&path)
        .map_err(|error| DbtError::Missing { message: format!("can't find {}: {error}", path.display()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_chooses_and_the_password_is_not_shown() -> Result<(), DbtError> {
        assert!(
            matches!(DbtWarehouse::of_url("duckdb:a.duckdb")?, DbtWarehouse::DuckDb(path) if path.ends_with("a.duckdb"))
        );
        let error = DbtWarehouse::of_url("bigquery:").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("use duckdb:<path> or snowflake:"), "{error}");

        let variables = vec![("SNOWFLAKE_PASSWORD".into(), "secret".into()), (KEYS[0].into(), "key.p8".into())];
        let prepared = DbtWarehouse::Snowflake { variables }.prepared()?;
        assert!(!format!("{prepared:?}").contains("secret"));
        let environment = prepared.environment();
        let said =
            |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| PathBuf::from(value));
        assert!(said(KEYS[0]).is_some_and(|path| path.is_absolute() && path.ends_with("key.p8")));
        assert_eq!(said("MILLRACE_DBT_TARGET"), Some("snowflake".into()));
        Ok(())
    }
}
