//! How an administrator logs in, to set up an account.

use super::SnowflakeSettings;
use crate::WarehouseError;

/// What an administrator has of his own, `SNOWFLAKE_ADMIN_…`. The rest is the workers'.
const OWN: [&str; 6] = ["USER", "PASSWORD", "PRIVATE_KEY_PATH", "PRIVATE_KEY_FILE", "PRIVATE_KEY_PASSPHRASE", "ROLE"];

impl SnowflakeSettings {
    /// Reads the variables for an administrator: `SNOWFLAKE_ADMIN_USER` and so on, so that they can stand beside the
    /// workers' own, or be given for one command. Warehouse and database are empty: he may be about to make them.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn admin(variable: impl Fn(&str) -> Option<String>) -> Result<Self, WarehouseError> {
        let read = Self::read(|name| match name.strip_prefix("SNOWFLAKE_") {
            Some(own) if OWN.contains(&own) => variable(&format!("SNOWFLAKE_ADMIN_{own}")),
            Some("WAREHOUSE" | "DATABASE") => Some("NONE".into()),
            _ => variable(name),
        });
        let read = read.map_err(|error| {
            let text = OWN.iter().fold(error.to_string(), |text, own| {
                text.replace(&format!("SNOWFLAKE_{own}"), &format!("SNOWFLAKE_ADMIN_{own}"))
            });
            WarehouseError::Configuration(text)
        })?;
        Ok(Self { warehouse: String::new(), database: String::new(), ..read })
    }
}
