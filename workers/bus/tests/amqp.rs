//! RabbitMQ passes what every bus must.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use async_trait::async_trait;
use messages::Stage;
use millrace_bus::amqp::AmqpBus;
use millrace_bus::conformance::Fixture;
use millrace_bus::{Bus, BusSettings, conformance_tests};
use testkit::{Broker, Vhost};

struct Rabbit(Vhost);

/// A vhost of its own at the broker that the tests of this program share.
async fn fresh() -> Rabbit {
    Rabbit(tokio::task::spawn_blocking(|| Broker::shared().fresh_vhost()).await.unwrap())
}

impl Rabbit {
    async fn open(&self, worker: &str) -> AmqpBus {
        let settings = BusSettings { management_url: Some(self.0.management_url()), ..BusSettings::new(self.0.url()) };
        AmqpBus::open(&settings, worker).await.unwrap()
    }
}

#[async_trait]
impl Fixture for Rabbit {
    async fn open(&self, worker: &str) -> Arc<dyn Bus> {
        Arc::new(Self::open(self, worker).await)
    }

    async fn publish_raw(&self, stage: Stage, body: &[u8]) {
        Self::open(self, "foreign").await.publish_raw(stage, body.to_vec()).await.unwrap();
    }
}

conformance_tests!(fresh());
