//! From an address to a bus.

use std::sync::Arc;

use crate::amqp::AmqpBus;
use crate::embedded::EmbeddedBus;
use crate::{Bus, BusError, BusSettings};

/// Opens the bus that the settings name. `worker` names this process in dead letters and at the broker.
///
/// A broker that is away is waited for, by every call in its own time; one that refuses the user, the vhost or the
/// certificate at the first try is an error, and so is a file that can't be used.
pub async fn open(settings: &BusSettings, worker: &str) -> Result<Arc<dyn Bus>, BusError> {
    match settings.url.split_once(':') {
        Some(("sqlite", path)) => Ok(Arc::new(EmbeddedBus::open(path.as_ref(), worker).await?)),
        Some(("amqp" | "amqps", _)) => Ok(Arc::new(AmqpBus::open(settings, worker).await?)),
        _ => Err(BusError::Configuration(format!(
            "bus.url has no known scheme: use sqlite:<path> (embedded) or amqp://user:password@host/vhost (RabbitMQ), not {:?}",
            settings.url.split(':').next().unwrap_or_default()
        ))),
    }
}
