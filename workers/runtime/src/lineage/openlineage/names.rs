//! What datasets are called: as the specification's naming rules say, so that what other programs tell of the same table
//! meets what is told here. DuckDB is not in them: it is called as OpenLineage's own integration for dbt calls it.

use std::path::{Path, PathBuf, absolute};

use serde_json::{Value, json};
use url::Url;
use warehouse::Named;

use super::facets::{self, Facets};
use crate::Settings;

/// The namespace of files on this machine.
const FILE: &str = "file";

/// Where datasets lie.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// `snowflake://<organisation>-<account>`, `duckdb://<path>`.
    warehouse: String,
    /// The same as an address.
    uri: String,
    database: String,
    raw: PathBuf,
}

impl Names {
    /// As the settings say; `variable` looks into the environment.
    pub(super) fn of(settings: &Settings, variable: impl Fn(&str) -> Option<String>) -> Self {
        let raw = full(&settings.paths.raw);
        match Named::by(&settings.warehouse.url) {
            Ok(Named::DuckDb(path)) => {
                let path = full(path);
                let database = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let address = Url::from_file_path(&path).map_or_else(|()| String::new(), |url| url.path().to_owned());
                let (warehouse, uri) = (format!("duckdb://{}", path.display()), format!("duckdb://{address}"));
                Self { warehouse, uri, database, raw }
            }
            // Whatever can't be opened is told where it is opened.
            _ => {
                let account = variable("SNOWFLAKE_ACCOUNT").unwrap_or_default().to_lowercase();
                let database = variable("SNOWFLAKE_DATABASE").unwrap_or_default().to_uppercase();
                let warehouse = format!("snowflake://{account}");
                Self { uri: warehouse.clone(), warehouse, database, raw }
            }
        }
    }

    /// A table as an input or output: the facets of the dataset itself go with where it lies.
    pub(super) fn table(&self, schema: &str, table: &str, mut facets: Facets) -> Value {
        facets.insert("dataSource".into(), facets::data_source(&self.warehouse, &self.uri));
        let name = format!("{}.{schema}.{table}", self.database);
        json!({ "namespace": self.warehouse, "name": name, "facets": facets })
    }

    /// A file below the raw folder.
    pub(super) fn file(&self, uri: &str, mut facets: Facets) -> Value {
        if let Ok(folder) = Url::from_directory_path(&self.raw) {
            facets.insert("dataSource".into(), facets::data_source(FILE, folder.as_str()));
        }
        json!({ "namespace": FILE, "name": self.path(uri), "facets": facets })
    }

    /// That each of these columns is the file's of that name.
    pub(super) fn columns_of_file<'a>(&self, uri: &str, columns: impl Iterator<Item = &'a str>) -> Value {
        facets::same_columns(columns, FILE, &self.path(uri))
    }

    fn path(&self, uri: &str) -> String {
        self.raw.join(uri).display().to_string()
    }
}

fn full(path: &Path) -> PathBuf {
    absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(url: &str) -> Names {
        let mut settings = Settings::default();
        settings.warehouse.url = url.into();
        settings.paths.raw = "/plant/raw data".into();
        let variable = |name: &str| match name {
            "SNOWFLAKE_ACCOUNT" => Some("MyOrg-Plant".to_owned()),
            "SNOWFLAKE_DATABASE" => Some("millrace".to_owned()),
            _ => None,
        };
        Names::of(&settings, variable)
    }

    #[test]
    fn datasets_are_called_as_others_call_them() {
        let table = names("snowflake:").table("RAW", "BATCHES", Facets::new());
        assert_eq!(
            (&table["namespace"], &table["name"]),
            (&"snowflake://myorg-plant".into(), &"MILLRACE.RAW.BATCHES".into())
        );
        let table = names("duckdb:/var/lib/ä b/plant.duckdb").table("CORE", "X", Facets::new());
        assert_eq!(
            (&table["namespace"], &table["name"]),
            (&"duckdb:///var/lib/ä b/plant.duckdb".into(), &"plant.CORE.X".into())
        );
        assert_eq!(table["facets"]["dataSource"]["uri"], "duckdb:///var/lib/%C3%A4%20b/plant.duckdb");
        let file = names("snowflake:").file("a/ö.csv", Facets::new());
        assert_eq!((&file["namespace"], &file["name"]), (&"file".into(), &"/plant/raw data/a/ö.csv".into()));
        assert_eq!(file["facets"]["dataSource"]["uri"], "file:///plant/raw%20data/");
    }
}
