//! Reading settings from file and environment.

use std::collections::HashMap;
use std::path::Path;

use config::{Config, Environment, File, FileFormat};

use crate::Settings;

/// The settings can't be used. The text names the key or file and what to change, and holds no value that may be secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);

const PREFIX: &str = "MILLRACE_";
const SECTION_END: &str = "__";

pub(super) fn load(file: Option<&Path>) -> Result<Settings, SettingsError> {
    read_dotenv()?;
    let mut sources = Config::builder();
    sources = match file {
        Some(path) => sources.add_source(File::new(&path.to_string_lossy(), FileFormat::Toml).required(true)),
        None => sources.add_source(File::new("millrace.toml", FileFormat::Toml).required(false)),
    };
    let settings: Settings = sources
        .add_source(environment())
        .build()
        .and_then(Config::try_deserialize)
        .map_err(|error| SettingsError(format!("the settings can't be used: {error}")))?;
    settings.validate()?;
    Ok(settings)
}

/// `.env` in the working folder or above it; what the environment has already stays.
fn read_dotenv() -> Result<(), SettingsError> {
    match dotenvy::dotenv() {
        Ok(_) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        // The line itself may hold a secret: only its place is told.
        Err(dotenvy::Error::LineParse(_, at)) => Err(SettingsError(format!(
            ".env can't be read: a line is no NAME=value (at its character {at}); quote values with spaces"
        ))),
        Err(error) => Err(SettingsError(format!(".env can't be read: {error}"))),
    }
}

/// Only `MILLRACE_<SECTION>__<KEY>`: other variables that begin with `MILLRACE_` are other programs' business.
fn environment() -> Environment {
    let ours: HashMap<String, String> =
        std::env::vars().filter(|(name, _)| name.starts_with(PREFIX) && name.contains(SECTION_END)).collect();
    Environment::with_prefix(PREFIX.trim_end_matches('_'))
        .prefix_separator("_")
        .separator(SECTION_END)
        .try_parsing(true)
        .ignore_empty(true)
        .source(Some(ours))
}

impl Settings {
    fn validate(&self) -> Result<(), SettingsError> {
        let faults = [
            (self.bus.publish_timeout_secs == 0, "bus.publish_timeout_secs must be at least 1"),
            (self.warehouse.memory_limit_mb < 64, "warehouse.memory_limit_mb must be at least 64"),
            (self.warehouse.threads == 0, "warehouse.threads must be at least 1"),
            (self.retry.max_attempts == 0, "retry.max_attempts must be at least 1"),
            (self.retry.first_delay_millis == 0, "retry.first_delay_millis must be at least 1"),
            (self.transform.timeout_secs == 0, "transform.timeout_secs must be at least 1"),
            (self.transform.together == 0, "transform.together must be at least 1"),
            (self.dq.together == 0, "dq.together must be at least 1"),
            (self.watch.rescan_secs == 0, "watch.rescan_secs must be at least 1"),
            (self.telemetry.pulse_secs == 0, "telemetry.pulse_secs must be at least 1"),
        ];
        match faults.iter().find(|(fault, _)| *fault) {
            Some((_, text)) => Err(SettingsError((*text).into())),
            None => Ok(()),
        }
    }
}
