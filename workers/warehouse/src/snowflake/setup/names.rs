//! What the objects are called.

use crate::WarehouseError;
use crate::snowflake::key::PublicKey;
use crate::snowflake::settings::plain_name;

/// The sizes of a virtual warehouse, as `WAREHOUSE_SIZE` takes them. Each costs twice what the one before it costs.
pub const SIZES: [&str; 8] = ["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE", "XXLARGE", "XXXLARGE", "X4LARGE"];

/// What the objects are called.
#[derive(Clone, Debug)]
pub struct Names {
    /// The database: `SNOWFLAKE_DATABASE` of the workers.
    pub database: String,
    /// The virtual warehouse: `SNOWFLAKE_WAREHOUSE` of the workers.
    pub warehouse: String,
    /// Its size, one of [`SIZES`].
    pub warehouse_size: String,
    /// The role of the workers and of dbt: `SNOWFLAKE_ROLE`.
    pub loader: String,
    /// The role of people and reports that only read.
    pub reader: String,
    /// The user of the workers and of dbt: `SNOWFLAKE_USER`.
    pub user: String,
    /// The public half of the user's key. Without one he can't log in yet.
    pub public_key: Option<PublicKey>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            database: "MILLRACE".into(),
            warehouse: "MILLRACE_WH".into(),
            warehouse_size: "XSMALL".into(),
            loader: "MILLRACE_LOADER".into(),
            reader: "MILLRACE_READER".into(),
            user: "MILLRACE_LOADER".into(),
            public_key: None,
        }
    }
}

impl Names {
    /// The same in capitals, if they can be used: they stand in the statements without quotes.
    ///
    /// # Errors
    /// `Configuration`: every name that can't, a line for each.
    pub fn checked(self) -> Result<Self, WarehouseError> {
        let mut faults = Vec::new();
        let mut plain = |what: &str, name: &str| {
            if let Err(why) = plain_name(name) {
                faults.push(format!("{what} {name:?}: {why}"));
            }
            name.to_uppercase()
        };
        let names = Self {
            database: plain("the database", &self.database),
            warehouse: plain("the warehouse", &self.warehouse),
            warehouse_size: self.warehouse_size.to_uppercase().replace('-', ""),
            loader: plain("the role", &self.loader),
            reader: plain("the readers' role", &self.reader),
            user: plain("the user", &self.user),
            public_key: self.public_key,
        };
        if !SIZES.contains(&names.warehouse_size.as_str()) {
            faults.push(format!(
                "the warehouse's size {:?} is none: take one of {}",
                self.warehouse_size,
                SIZES.join(", ")
            ));
        }
        if names.loader == names.reader {
            faults.push("the role and the readers' role are the same: readers must not be able to write".into());
        }
        if faults.is_empty() { Ok(names) } else { Err(WarehouseError::Configuration(faults.join("\n"))) }
    }
}
