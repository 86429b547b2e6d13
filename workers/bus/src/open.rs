//! From an address to a bus.

use std::sync::Arc;

use crate::{Bus, BusError, embedded::EmbeddedBus};

/// Opens the bus at `url`: `sqlite:<path>` for the embedded one (the file is made if it is not there).
/// `worker` names this process in dead letters.
pub async fn open(url: &str, worker: &str) -> Result<Arc<dyn Bus>, BusError> {
    match url.split_once(':') {
        Some(("sqlite", path)) => Ok(Arc::new(EmbeddedBus::open(path.as_ref(), worker).await?)),
        _ => Err(BusError::Configuration(format!(
            "bus.url has no known scheme: use sqlite:<path> (embedded), not {:?}",
            url.split(':').next().unwrap_or_default()
        ))),
    }
}
