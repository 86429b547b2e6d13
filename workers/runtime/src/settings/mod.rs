//! Settings: `millrace.toml`, each overridable as `MILLRACE_<SECTION>__<KEY>`, `.env` read first.

mod load;
mod sections;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use load::SettingsError;
pub use sections::{
    BusSection, DqSettings, HttpSettings, IngestSettings, LineageSettings, LogSettings, Paths, RetrySettings,
    ShutdownSettings, TelemetrySettings, TransformSettings, WarehouseSection, WatchSettings,
};

/// Everything that can be set. Whatever is absent has the default that its field names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where files and contracts lie.
    pub paths: Paths,
    /// How messages travel.
    pub bus: BusSection,
    /// Where rows end.
    pub warehouse: WarehouseSection,
    /// How the raw folder is watched.
    pub watch: WatchSettings,
    /// How files are loaded.
    pub ingest: IngestSettings,
    /// How dbt is run.
    pub transform: TransformSettings,
    /// How data is judged.
    pub dq: DqSettings,
    /// How failures are tried again.
    pub retry: RetrySettings,
    /// How a process ends.
    pub shutdown: ShutdownSettings,
    /// What is logged.
    pub log: LogSettings,
    /// Where the process is asked how it is.
    pub http: HttpSettings,
    /// What is measured.
    pub telemetry: TelemetrySettings,
    /// Whom lineage is told to.
    pub lineage: LineageSettings,
}

impl Settings {
    /// Reads the settings: defaults, then `file` (or `millrace.toml` in the working folder, if there is one), then
    /// `.env`, then the environment. Later ones win.
    ///
    /// # Errors
    /// The file is missing or no TOML, a key is unknown, a value is of the wrong kind or out of bounds. The text names
    /// the key.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        load::load(file)
    }
}
